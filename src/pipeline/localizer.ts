import type { Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { lookAt, type Look, type LookOptions } from './look.ts';
import { roiChange, roiOfShape, wrapAngle } from './roi-of-shape.ts';
import { defaultPasses, Sweep, type SearchPass } from './search-plan.ts';

export type LocalizerOptions<Frame, Input> = LookOptions<Frame, Input> & {
  /** Score of a refined look from which the object counts as found. */ acceptScore: number;
  /** Score of a first look from which it is refined at once. */ promisingScore: number;
  /** Network runs in one step. Default 6. */ budget?: number;
  passes?: { near: readonly SearchPass[]; far: readonly SearchPass[] };
};

/** A place to look at. `score` is what led there: 0 for a place of the plan. */
type Candidate = { roi: Roi; score: number; rounds: number; sweep?: SweepState; endsPass?: boolean };

/** A sweep, and the best that its pass has shown so far. */
type SweepState = { plan: Sweep; seen: Candidate[] };

/** Looks a candidate gets before it is given up. */
const maxRounds = 5;
/** Candidates of a pass that are refined although none was promising. */
const chancesPerPass = 2;
/** A fit turned further than this against its crop is a coincidence of wrong matches, radians. */
const maxTurn = (75 / 180) * Math.PI;
/** Every this many places, one of the near sweep while the far one is under way. */
const nearEvery = 3;
/** Steps for which the place where the object was last seen is looked at again and again. */
const memorySteps = 45;

/**
 * Finds the object in whole frames with the embedding network alone, so that it works for every category: crops at
 * several sizes, places and directions are matched against the references, the mean shape is fitted to the matches, and
 * the best fits are looked at again, through the ROI that they imply, until that ROI stays where it is.
 *
 * A step never runs the network more often than its budget, so that search is spread over the frames of a stream:
 * candidates of an earlier frame are looked at again in the next one.
 */
export class Localizer<Frame, Input> {
  readonly #options: LocalizerOptions<Frame, Input>;
  readonly #near: SweepState;
  readonly #far: SweepState;
  #places = 0;
  #queue: Candidate[] = [];
  #memory: { roi: Roi; steps: number } | undefined;

  constructor(options: LocalizerOptions<Frame, Input>) {
    const { near, far } = options.passes ?? defaultPasses;
    this.#options = options;
    this.#near = { plan: new Sweep(near), seen: [] };
    this.#far = { plan: new Sweep(far), seen: [] };
  }

  /**
   * Looks at one more frame. All frames between two resets must have the same size.
   * @param size of the frame, image pixels
   * @returns the object's ROI in this frame, or undefined where it is not found yet
   */
  async step(frame: Frame, size: Size, budget = this.#options.budget ?? 6): Promise<Roi | undefined> {
    this.#recall();
    let left = budget;
    while (left > 0) {
      const batch = this.#nextBatch(size, left);
      left -= batch.length;
      const looks = await lookAt(
        frame,
        batch.map(({ roi }) => roi),
        this.#options,
      );
      let best: { roi: Roi; score: number } | undefined;
      for (const [index, look] of looks.entries()) {
        const roi = this.#judge(look, batch[index], size);
        if (roi !== undefined && look.score > (best?.score ?? 0)) best = { roi, score: look.score };
      }
      if (best !== undefined) {
        this.reset();
        return best.roi;
      }
    }
    return undefined;
  }

  /** Looks there first, and again for a while: the object was there a moment ago. @param roi image pixels */
  lookNear(roi: Roi): void {
    this.#memory = { roi, steps: 0 };
  }

  /** Starts the search anew. */
  reset(): void {
    for (const sweep of [this.#near, this.#far]) {
      sweep.plan.reset();
      sweep.seen = [];
    }
    this.#places = 0;
    this.#queue = [];
    this.#memory = undefined;
  }

  #recall(): void {
    if (this.#memory === undefined) return;
    const { roi, steps } = this.#memory;
    // A larger square as well: the object may have moved.
    const scale = steps % 2 === 0 ? 1 : 1.5;
    this.#queue.unshift({ roi: { ...roi, size: roi.size * scale }, score: 0, rounds: 0 });
    this.#memory = steps + 1 < memorySteps ? { roi, steps: steps + 1 } : undefined;
  }

  /** What to look at now: candidates first, then the next places of the plan. */
  #nextBatch(size: Size, most: number): Candidate[] {
    const batch = this.#queue.splice(0, most);
    while (batch.length < most) {
      const isNear = this.#near.plan.rounds === 0 || this.#places % nearEvery === 0;
      const sweep = isNear ? this.#near : this.#far;
      this.#places++;
      batch.push({ ...sweep.plan.next(size), sweep, score: 0, rounds: 0 });
    }
    return batch;
  }

  /** Accepts a look, plans another one, or drops it. */
  #judge(look: Look, candidate: Candidate, size: Size): Roi | undefined {
    const { acceptScore } = this.#options;
    let found: Roi | undefined;
    if (look.fit !== undefined) {
      const roi = roiOfShape(look.fit.transform);
      if (isPlausible(roi, look.roi, size)) {
        const change = roiChange(roi, look.roi);
        const isStable = change.offset < 0.08 && change.scale < 1.12 && change.rotation < 0.15;
        if (isStable && look.score >= acceptScore) found = roi;
        else this.#plan(candidate, { roi, score: look.score, rounds: candidate.rounds + 1 }, isStable);
      }
    }
    // The best of a fruitless pass get a second look.
    if (candidate.sweep !== undefined && candidate.endsPass === true) {
      candidate.sweep.seen.sort((a, b) => b.score - a.score);
      this.#queue.push(...candidate.sweep.seen.splice(0, chancesPerPass));
      candidate.sweep.seen = [];
    }
    return found;
  }

  #plan(last: Candidate, next: Candidate, isStable: boolean): void {
    if (last.rounds > 0) {
      // A look through a better square must see more, or there was nothing there.
      if (next.rounds <= maxRounds && !isStable && next.score > 0.7 * last.score) this.#queue.push(next);
    } else if (next.score >= this.#options.promisingScore || last.sweep === undefined) {
      remember(this.#queue, next);
    } else {
      remember(last.sweep.seen, next);
    }
  }
}

/** Adds a candidate unless a better one has the same square, and puts it in place of a worse one. */
const remember = (list: Candidate[], candidate: Candidate): void => {
  const same = list.findIndex(({ roi }) => {
    const change = roiChange(roi, candidate.roi);
    return change.offset < 0.2 && change.scale < 1.4 && change.rotation < 0.5;
  });
  if (same < 0) list.push(candidate);
  else if (list[same].score < candidate.score) list[same] = candidate;
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
