import type { Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { lookAt, type Look, type LookOptions } from './look.ts';
import type { SearchEvidence } from './result.ts';
import { isSamePlace, isSettled, roiChange, roiOfShape, wrapAngle } from './roi-of-shape.ts';
import { defaultPasses, Sweep, type SearchPass } from './search-plan.ts';
import { evidenceNeeded, judgeTrial, partsSteadiness, trialLooks, trialRois, type Trial } from './trial.ts';

export type LocalizerOptions<Frame, Input> = LookOptions<Frame, Input> & {
  /** Network runs in one step. Default 6. */ budget?: number | undefined;
  /** The same where objects are known already, which wait for it. Default 2, and never more than `budget`. */
  budgetBeside?: number;
  /** How steady a find has to be, at most 1; see `judgeTrial`, which has a default. */ steadiness?: number;
  passes?: { near: readonly SearchPass[]; far: readonly SearchPass[] };
};

/** A sweep, and the best that its pass has shown so far. */
type SweepState = { plan: Sweep; seen: Candidate[] };

/** A place to look at, and why. */
type Candidate = { roi: Roi } & (
  | { kind: 'planned'; sweep: SweepState; endsPass: boolean }
  | { kind: 'refined'; /** Score of the look that led here. */ score: number; rounds: number }
  | { kind: 'verified'; trial: Trial }
);
type Refined = Candidate & { kind: 'refined' };

/** Scores and evidence (see `Look`) that decide what is looked at again. */
const limits = {
  /** Score from which a planned look is refined at once. */ promising: 0.3,
  /** Evidence of a settled look from which it is put on trial. */ trial: 0.55,
};
/** Looks a candidate gets before it is given up. */
const maxRounds = 5;
/** Candidates of a pass that are refined although none was promising. */
const chancesPerPass = 2;
/** A fit turned further than this against its crop is a coincidence of wrong matches, radians. */
const maxTurn = (75 / 180) * Math.PI;
/** Every this many places, one of the near sweep while the far one is under way; not in the far one's first pass. */
const nearEvery = 3;
/** Steps for which the place where the object was last seen is looked at again and again. */
const memorySteps = 45;

/**
 * Finds the object in whole frames with the embedding network alone, so that it works for every category: crops at
 * several sizes, places and directions are matched against the references, the mean shape is fitted to the matches, and
 * the best fits are looked at again, through the ROI that they imply, until that ROI stays where it is. What then still
 * looks like the object from a few other squares is it.
 *
 * A step runs the network no more often than its budget, so that search is spread over the frames of a stream:
 * candidates of an earlier frame are looked at again in the next one. Only a trial is never divided, because the object
 * may move from one frame to the next: with a budget smaller than it takes, it has a step to itself.
 */
export class Localizer<Frame, Input> {
  readonly #options: LocalizerOptions<Frame, Input>;
  readonly #near: SweepState;
  readonly #far: SweepState;
  #places = 0;
  #queue: Candidate[] = [];
  /** Where objects were seen last; the first one's turn is next. */
  #memories: { roi: Roi; steps: number }[] = [];
  #best: SearchEvidence | undefined;

  /** What the best look since the last find or reset showed: all that can be said of a search in vain. */
  get best(): SearchEvidence | undefined {
    return this.#best;
  }

  constructor(options: LocalizerOptions<Frame, Input>) {
    const { near, far } = options.passes ?? defaultPasses;
    this.#options = options;
    this.#near = { plan: new Sweep(near), seen: [] };
    this.#far = { plan: new Sweep(far), seen: [] };
  }

  /**
   * Looks at one more frame. All frames between two resets must have the same size.
   * @param size of the frame, image pixels
   * @param known where objects are that need not be found, image pixels
   * @param budget network runs at most, at least 1; a trial takes `trialLooks` in any case
   * @returns the object's ROI in this frame, or undefined where it is not found yet
   */
  async step(
    frame: Frame,
    size: Size,
    known: readonly Roi[] = [],
    budget = this.#budget(known.length > 0),
  ): Promise<Roi | undefined> {
    this.#recall(known);
    this.#queue = this.#queue.filter(({ roi, kind }) => kind === 'verified' || !isAmong(known, roi));
    let left = budget;
    while (left > 0 && !this.#mustWait(left, budget)) {
      const batch = this.#nextBatch(size, left, known);
      left -= batch.length;
      const rois = batch.map(({ roi }) => roi);
      const looks = await lookAt(frame, rois, this.#options);
      for (const [index, look] of looks.entries()) {
        this.#noteBest(look);
        const found = this.#judge(look, batch[index], size, known);
        if (found === undefined) continue;
        this.reset();
        return found;
      }
    }
    return undefined;
  }

  #budget(isBeside: boolean): number {
    const { budget = 6, budgetBeside = 2 } = this.#options;
    return isBeside ? Math.min(budget, budgetBeside) : budget;
  }

  /** Whether a trial comes next that has to have the next step's whole budget. */
  #mustWait(left: number, budget: number): boolean {
    return left < budget && left < trialLooks && this.#queue[0]?.kind === 'verified';
  }

  /** Looks there first, and again for a while: the object was there a moment ago. @param roi image pixels */
  lookNear(roi: Roi): void {
    this.#memories = [...this.#memories.filter((memory) => !isSamePlace(memory.roi, roi)), { roi, steps: 0 }];
  }

  /** Starts the search anew. */
  reset(): void {
    for (const sweep of [this.#near, this.#far]) {
      sweep.plan.reset();
      sweep.seen = [];
    }
    this.#places = 0;
    this.#queue = [];
    this.#memories = [];
    this.#best = undefined;
  }

  #noteBest({ evidence, fit }: Look): void {
    if (this.#best !== undefined && evidence <= this.#best.evidence) return;
    this.#best = { evidence, needed: evidenceNeeded, agreement: fit?.agreement ?? 0 };
  }

  #recall(known: readonly Roi[]): void {
    const memory = this.#memories.shift();
    if (memory === undefined || isAmong(known, memory.roi)) return;
    const { roi, steps } = memory;
    // A larger square as well: the object may have moved.
    const scale = steps % 2 === 0 ? 1 : 1.5;
    const { length: trials } = this.#queue.filter(({ kind }) => kind === 'verified');
    // Behind the trials: cut in two they would see two frames.
    this.#queue.splice(trials, 0, {
      kind: 'refined',
      roi: { ...roi, size: roi.size * scale },
      score: 0,
      rounds: 0,
    });
    if (steps + 1 < memorySteps) this.#memories.push({ roi, steps: steps + 1 });
  }

  /**
   * What to look at in the next run: all candidates, else one place of the plan. No more of those, because what it shows
   * may be followed up at once, and a large face is then found in the first frame.
   */
  #nextBatch(size: Size, most: number, known: readonly Roi[]): Candidate[] {
    if (this.#queue.length > 0) {
      const isTrial = this.#queue[0].kind === 'verified';
      return this.#queue.splice(0, isTrial ? trialLooks : most);
    }
    const isNear =
      this.#near.plan.rounds === 0 || (this.#far.plan.passesDone > 0 && this.#places % nearEvery === 0);
    const sweep = isNear ? this.#near : this.#far;
    this.#places++;
    let planned = sweep.plan.next(size);
    // It would show an object that is known, as good as any that is sought.
    while (!planned.endsPass && isAmong(known, planned.roi, 1.6)) planned = sweep.plan.next(size);
    return [{ kind: 'planned', sweep, ...planned }];
  }

  /** Follows up a look; returns the object's ROI when it was the last one needed. */
  #judge(look: Look, candidate: Candidate, size: Size, known: readonly Roi[]): Roi | undefined {
    if (candidate.kind === 'verified') {
      const { steadiness, landmarkSet } = this.#options;
      const least = steadiness ?? (landmarkSet.parts === undefined ? undefined : partsSteadiness);
      const found = judgeTrial(candidate.trial, look, least);
      return found === undefined || isAmong(known, found) ? undefined : found;
    }
    const roi = look.fit === undefined ? undefined : roiOfShape(look.fit.transform);
    if (roi !== undefined && isPlausible(roi, look.roi, size) && !isAmong(known, roi)) {
      this.#followUp(look, roi, candidate);
    }
    if (candidate.kind === 'planned' && candidate.endsPass) this.#endPass(candidate.sweep);
    return undefined;
  }

  #followUp(look: Look, roi: Roi, candidate: Candidate & { kind: 'planned' | 'refined' }): void {
    const { score, evidence } = look;
    const isRefinement = candidate.kind === 'refined';
    if (isSettled(look.roi, roi)) {
      if (evidence >= limits.trial) this.#putOnTrial(roi);
      // A settled look that shows little will not show more.
      if (evidence >= limits.trial || isRefinement) return;
    }
    const rounds = isRefinement ? candidate.rounds + 1 : 1;
    const next: Refined = { kind: 'refined', roi, score, rounds };
    if (isRefinement) {
      // A look through a better square must see more, or there was nothing there.
      if (rounds <= maxRounds && score > 0.7 * candidate.score && score > 0) this.#queue.push(next);
    } else if (score >= limits.promising) {
      remember(this.#queue, next);
    } else if (score > 0) {
      remember(candidate.sweep.seen, next);
    }
  }

  #putOnTrial(roi: Roi): void {
    const trial: Trial = { looks: [] };
    this.#queue.unshift(...trialRois(roi).map((roi): Candidate => ({ kind: 'verified', roi, trial })));
  }

  /** The best of a fruitless pass get a second look. */
  #endPass(sweep: SweepState): void {
    sweep.seen.sort((a, b) => scoreOf(b) - scoreOf(a));
    this.#queue.push(...sweep.seen.splice(0, chancesPerPass));
    sweep.seen = [];
  }
}

/** Whether a square is at the place of a known object. @param most sizes of that one, above which it sees more */
const isAmong = (known: readonly Roi[], roi: Roi, most = Infinity): boolean =>
  known.some((one) => isSamePlace(one, roi) && roi.size <= most * one.size);

const scoreOf = (candidate: Candidate): number => (candidate.kind === 'refined' ? candidate.score : 0);

/** Adds a candidate unless a better one has the same square, and puts it in place of a worse one. */
const remember = (list: Candidate[], candidate: Refined): void => {
  const same = list.findIndex(({ kind, roi }) => {
    const change = roiChange(roi, candidate.roi);
    return kind === 'refined' && change.offset < 0.2 && change.scale < 1.4 && change.rotation < 0.5;
  });
  if (same < 0) list.push(candidate);
  else if (scoreOf(list[same]) < candidate.score) list[same] = candidate;
};

/** Whether a fitted ROI can be the object's at all. @param seenThrough the ROI of the crop that it was found in */
const isPlausible = (roi: Roi, seenThrough: Roi, { width, height }: Size): boolean => {
  const ratio = roi.size / seenThrough.size;
  const short = Math.min(width, height);
  return (
    Math.abs(wrapAngle(roi.rotation - seenThrough.rotation)) < maxTurn &&
    ratio > 0.2 &&
    ratio < 3 &&
    roi.size > 0.08 * short &&
    roi.size < 4 * short &&
    roi.center.x > 0 &&
    roi.center.x < width &&
    roi.center.y > 0 &&
    roi.center.y < height
  );
};
