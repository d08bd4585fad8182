import { InputError } from '../errors.ts';
import { normalize, type Point, type Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { soughtReferences } from '../landmarks/anchors.ts';
import { calibrate } from '../landmarks/calibration.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { usesEmbeddings } from '../landmarks/refiner.ts';
import { LandmarkSmoother, type SmootherOptions } from '../landmarks/smoother.ts';
import type { Model } from '../model/model.ts';
import type { Cropper } from './cropper.ts';
import { Localizer } from './localizer.ts';
import { FrameClock, type FrameTime } from './frame-clock.ts';
import { certaintiesOf, lookFromMatches, refineLook, type Look, type LookOptions } from './look.ts';
import type { CreateFollower, MotionFollower } from './motion-follower.ts';
import { nextRoi } from './next-roi.ts';
import { createResult, type Landmark, type ObjectPlace, type TrackResult } from './result.ts';
import { isSettled, roiChange, roiOfShape } from './roi-of-shape.ts';

/** Finds the object in whole frames, a little in every frame. The localizer is one; a face detector can be another. */
export type ObjectFinder<Frame> = {
  /**
   * Looks at one more frame of the stream.
   * @param size of the frame, image pixels
   * @returns the ROI as soon as the object is found in this frame, else undefined
   */
  step(frame: Frame, size: Size): Promise<Roi | undefined>;
  /** Says where the object was last seen. */
  lookNear?(roi: Roi): void;
  /** Forgets what earlier frames told. */
  reset(): void;
};

export type FrameTrackerOptions<Frame, Input> = {
  model: Model<Input>;
  cropper: Cropper<Frame, Input>;
  landmarkSet: LandmarkSet;
  /**
   * Settings of the smoother; false gives raw landmarks. Default: none where motion is followed, which smooths by
   * itself, else those of `defaultSmoothing`.
   */
  smoothing?: SmootherOptions | false;
  /**
   * Makes what carries landmarks from frame to frame by motion, for the match to correct: `createMotionFollower`.
   * Default: none. It is handed in so that who does without does not load it.
   */
  motion?: CreateFollower<Frame>;
  /** Network runs that search may use in one frame; the last check of a find takes 6 at once. Default 6. */
  searchBudget?: number;
  /** Landmarks less sure than this are not `visible`. Default 0.1. */ minConfidence?: number;
  /** Default: the localizer, which needs no other model. */ finder?: ObjectFinder<Frame>;
  /** Milliseconds from any origin, for `timing`. Default `performance.now`. */ clock?: () => number;
};

/** Where the last step's time went, milliseconds. */
export type FrameTiming = {
  /** Looking for the object. */ search: number;
  /** Cutting the crop out of the frame. */ crop: number;
  /** The network. */ match: number;
  /** Shape, confidence and smoothing. */ filter: number;
  /** All of it. */ total: number;
};

/** A look, and the (C, H, W) embedding of its crop; empty where nothing looks at it. */
type EmbeddedLook = Look & { embedding: Float32Array };

/** What is known between two frames. */
type State =
  | { status: 'searching' }
  | {
      status: 'tracking';
      /** Square to cut from the next frame. */ roi: Roi;
      /** Of the object, from find to loss. */ id: number;
      /** The object's own ROI when it was last trusted. */ object: Roi | undefined;
      /** What was told of it then. */ shown: ObjectPlace | undefined;
      /** Frames in a row that were not trusted. */ doubts: number;
    };

/** Frames in a row without a trustworthy look after which the object is lost. */
const maxDoubts = 3;
/** Changes of the object's ROI from frame to frame that no object makes. */
const maxScaleStep = 1.5;
const maxOffsetStep = 0.4;

/** Looks that the finder's square gets to settle on the object. */
const maxLooksAtStart = 3;

/** Evidence (see `Look`) that a look must show; the object itself has 1, other things 0. */
const evidence = {
  /** When the object was just found. */ start: 0.6,
  /** To be trusted again after a doubtful frame. */ resume: 0.55,
  /** To stay trusted. */ keep: 0.4,
};

/**
 * Landmarks of one object in a stream of frames; ARCHITECTURE.md, "The way of a frame". It never closes frames: who makes a frame
 * closes it. Steps must not overlap: await one before the next.
 */
export class FrameTracker<Frame, Input> {
  readonly #options: FrameTrackerOptions<Frame, Input>;
  #look: LookOptions<Frame, Input>;
  #finder: ObjectFinder<Frame>;
  readonly #clock: () => number;
  #smoother: LandmarkSmoother | undefined;
  #motion: MotionFollower<Frame> | undefined;
  #state: State = { status: 'searching' };
  #size: Size | undefined;
  readonly #clockOfFrames = new FrameClock();
  #found = 0;
  #isStepping = false;
  /** What was asked for during a step, done after it: the step would overwrite it. */
  #later: (() => void)[] = [];
  #timing: FrameTiming = { search: 0, crop: 0, match: 0, filter: 0, total: 0 };

  constructor(options: FrameTrackerOptions<Frame, Input>) {
    const { model, cropper, landmarkSet, smoothing } = options;
    this.#options = options;
    this.#look = { model, cropper, landmarkSet };
    this.#clock = options.clock ?? (() => performance.now());
    this.#finder = options.finder ?? this.#createLocalizer();
    this.setSmoothing(smoothing);
  }

  /** Where the last step's time went. */
  get timing(): FrameTiming {
    return this.#timing;
  }

  /** Changes smoothing from the next frame on: false switches it off, and motion with it. */
  setSmoothing(smoothing: SmootherOptions | false | undefined): void {
    const { cropper, motion } = this.#options;
    if (motion === undefined || cropper.gray === undefined || smoothing === false) this.#motion = undefined;
    else this.#motion ??= motion(cropper.gray);
    const isSmoothed = smoothing !== false && (smoothing !== undefined || this.#motion === undefined);
    this.#smoother = isSmoothed ? new LandmarkSmoother(smoothing) : undefined;
  }

  /** Forgets the object and searches anew, from the next frame on. */
  reset(): void {
    this.#betweenSteps(() => {
      this.#forget();
    });
  }

  /**
   * Changes the landmarks from the next frame on, without losing the object: it is looked at through the square where it
   * is known to be, until that fits what the new set calls its ROI.
   */
  setLandmarks(landmarkSet: LandmarkSet): void {
    this.#betweenSteps(() => {
      this.#look = { ...this.#look, landmarkSet };
      this.#finder = this.#options.finder ?? this.#createLocalizer();
      this.#smoother?.reset();
      this.#motion?.reset();
      if (this.#state.status !== 'tracking') return;
      this.#finder.lookNear?.(this.#state.roi);
      this.#state = { ...this.#state, object: undefined, shown: undefined, doubts: 0 };
    });
  }

  #createLocalizer(): ObjectFinder<Frame> {
    const { searchBudget } = this.#options;
    return new Localizer({ ...this.#look, ...(searchBudget === undefined ? {} : { budget: searchBudget }) });
  }

  #betweenSteps(job: () => void): void {
    if (this.#isStepping) this.#later.push(job);
    else job();
  }

  #forget(): void {
    this.#state = { status: 'searching' };
    this.#finder.reset();
    this.#smoother?.reset();
    this.#motion?.reset();
  }

  /**
   * @param timestamp capture time, seconds; missing, repeated or backward ones never break anything
   * @throws InputError for a frame without pixels; whatever the cropper or the session throw. The tracker stays usable.
   */
  async step(frame: Frame, timestamp?: number): Promise<TrackResult> {
    const start = this.#clock();
    this.#timing = { search: 0, crop: 0, match: 0, filter: 0, total: 0 };
    const size = this.#options.cropper.frameSize(frame);
    if (!(size.width > 0 && size.height > 0)) {
      throw new InputError(
        `A frame of ${size.width}×${size.height} pixels cannot be tracked. Pass frames that have pixels.`,
      );
    }
    this.#noteSize(size);
    const time = this.#clockOfFrames.note(timestamp);
    this.#isStepping = true;
    try {
      const result = await this.#track(frame, size, time);
      this.#timing.total = this.#clock() - start;
      return result;
    } finally {
      this.#isStepping = false;
      for (const job of this.#later.splice(0)) job();
    }
  }

  async #track(frame: Frame, size: Size, { timestamp, lead }: FrameTime): Promise<TrackResult> {
    const about = { timestamp, ...size };
    if (this.#state.status === 'searching') {
      const start = this.#clock();
      const roi = await this.#finder.step(frame, size);
      this.#timing.search = this.#clock() - start;
      if (roi === undefined) return createResult(about, []);
      const id = ++this.#found;
      this.#state = { status: 'tracking', id, roi, object: undefined, shown: undefined, doubts: 0 };
    }
    const { id, object, doubts } = this.#state;
    const look = await (object === undefined
      ? this.#settle(frame, this.#state.roi)
      : this.#lookThrough(frame, this.#state.roi));
    const found = this.#trusted(look, object, doubts);
    if (found === undefined) {
      return this.#doubt(this.#state, about);
    }
    const { roi } = look;
    const landmarks = await this.#landmarks(frame, look, size, timestamp);
    const shown: ObjectPlace = { id, roi, landmarks };
    const next = nextRoi(roi, found, object, lead);
    this.#state = { status: 'tracking', id, roi: next, object: found, shown, doubts: 0 };
    return createResult(about, [{ status: 'tracking', ...shown }]);
  }

  /** Looks until the square fits: a finder (a detector of boxes, say) need not know what the tracker calls a ROI. */
  async #settle(frame: Frame, start: Roi): Promise<EmbeddedLook> {
    let look = await this.#lookThrough(frame, start);
    for (let looks = 1; looks < maxLooksAtStart && look.fit !== undefined; looks++) {
      const implied = roiOfShape(look.fit.transform);
      if (isSettled(look.roi, implied)) break;
      look = await this.#lookThrough(frame, implied);
    }
    return look;
  }

  async #lookThrough(frame: Frame, roi: Roi): Promise<EmbeddedLook> {
    const { model, cropper, landmarkSet } = this.#look;
    const { inputSize } = model.manifest;
    const start = this.#clock();
    const input = await cropper.crop(frame, [roi], inputSize);
    const cropped = this.#clock();
    const references = soughtReferences(landmarkSet.references, landmarkSet.anchors);
    // Reading the embedding back is for refining alone.
    const { matches, embedding } =
      landmarkSet.refiner === undefined || !usesEmbeddings(landmarkSet.refiner.fromEmbeddings)
        ? { matches: await model.match(input, references), embedding: new Float32Array(0) }
        : await model.matchAndEmbed(input, references);
    this.#timing.crop += cropped - start;
    this.#timing.match += this.#clock() - cropped;
    return { ...lookFromMatches(matches, roi, landmarkSet, inputSize), embedding };
  }

  /** The object's ROI by this look, or undefined where the look cannot be trusted. */
  #trusted(look: Look, object: Roi | undefined, doubts: number): Roi | undefined {
    const limit = object === undefined ? evidence.start : doubts > 0 ? evidence.resume : evidence.keep;
    if (look.fit === undefined || look.evidence < limit) return undefined;
    const found = roiOfShape(look.fit.transform);
    const change = roiChange(found, object ?? look.roi);
    return change.scale > maxScaleStep || change.offset > maxOffsetStep ? undefined : found;
  }

  /** Keeps the ROI where it is for a few frames, then searches again, there first. */
  #doubt(state: State & { status: 'tracking' }, about: Size & { timestamp: number }): TrackResult {
    // Nothing was ever seen through this square: the finder was wrong.
    const doubts = state.doubts + 1;
    if (state.object === undefined || state.shown === undefined || doubts >= maxDoubts) {
      this.#forget();
      if (state.object !== undefined) this.#finder.lookNear?.(state.object);
      return createResult(about, []);
    }
    this.#state = { ...state, roi: state.object, doubts };
    return createResult(about, [{ status: 'doubtful', doubts, ...state.shown }]);
  }

  /** What decides goes by the network's own confidences, what is told by the calibrated ones. */
  #confidences({ confidences, fit }: Look): ArrayLike<number> {
    const { calibration } = this.#look.landmarkSet;
    return calibration === undefined ? confidences : calibrate(confidences, fit?.residuals, calibration);
  }

  async #landmarks(frame: Frame, look: EmbeddedLook, size: Size, timestamp: number): Promise<Landmark[]> {
    const start = this.#clock();
    const { minConfidence = 0.1 } = this.#options;
    const { landmarkSet } = this.#look;
    const { roi } = look;
    // What is told is refined; where to look next and whether to trust goes by the matches themselves.
    const raw = refineLook(look, look.embedding, landmarkSet, this.#look.model.manifest);
    const confidences = this.#confidences(look);
    const followed = await this.#motion?.step(frame, {
      ...{ roi, points: raw },
      certainties: landmarkSet.calibration === undefined ? certaintiesOf(look, landmarkSet) : confidences,
    });
    const unsmoothed: readonly Point[] = followed ?? raw;
    const points = this.#smoother?.filter(unsmoothed, roi.size, timestamp) ?? unsmoothed;
    const landmarks = landmarkSet.names.map((name, index): Landmark => {
      const { x, y } = points[index];
      const confidence = confidences[index];
      // Where motion is followed it says what is seen: a point may be carried well that is hardly recognised.
      const isKnown =
        followed === undefined
          ? confidence >= minConfidence
          : !followed[index].lost && (followed[index].seen || confidence >= minConfidence);
      return {
        name,
        x,
        y,
        normalized: normalize({ x, y }, size),
        confidence,
        visible: isKnown && isInside({ x, y }, size),
        raw: raw[index],
      };
    });
    this.#timing.filter = this.#clock() - start;
    return landmarks;
  }

  /** A stream that changes its size shows the object elsewhere: search anew. */
  #noteSize(size: Size): void {
    const last = this.#size;
    this.#size = size;
    if (last !== undefined && (last.width !== size.width || last.height !== size.height)) this.#forget();
  }
}

const isInside = ({ x, y }: Point, { width, height }: Size): boolean =>
  x >= 0 && y >= 0 && x <= width && y <= height;
