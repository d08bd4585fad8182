import { InputError } from '../errors.ts';
import type { Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { checkSmootherOptions, type SmootherOptions } from '../landmarks/smoother.ts';
import type { Model } from '../model/model.ts';
import type { Cropper } from './cropper.ts';
import { FollowedObject, type FollowSettings } from './followed-object.ts';
import { FrameClock, type FrameTime } from './frame-clock.ts';
import { Localizer } from './localizer.ts';
import { lookClosely, type EmbeddedLook, type LookOptions } from './look.ts';
import type { CreateFollower } from './motion-follower.ts';
import { createResult, type TrackResult } from './result.ts';
import { isSettled, roiOfShape } from './roi-of-shape.ts';

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

/** Looks that the finder's square gets to settle on the object. */
const maxLooksAtStart = 3;

/**
 * Landmarks of one object in a stream of frames; ARCHITECTURE.md, "The way of a frame". It never closes frames: who makes a frame
 * closes it. Steps must not overlap: await one before the next.
 */
export class FrameTracker<Frame, Input> {
  readonly #options: FrameTrackerOptions<Frame, Input>;
  #look: LookOptions<Frame, Input>;
  #finder: ObjectFinder<Frame>;
  readonly #clock: () => number;
  #smoothing: SmootherOptions | false | undefined;
  /** Undefined while searching. */
  #object: FollowedObject<Frame> | undefined;
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
    // There may be no object yet whose smoother would refuse them.
    if (smoothing !== undefined && smoothing !== false) checkSmootherOptions(smoothing);
    this.#smoothing = smoothing;
    this.#object?.setSmoothing(smoothing);
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
      if (this.#object === undefined) return;
      this.#finder.lookNear?.(this.#object.roi);
      this.#object.setLandmarks(landmarkSet);
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
    this.#object = undefined;
    this.#finder.reset();
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

  async #track(frame: Frame, size: Size, time: FrameTime): Promise<TrackResult> {
    const about = { timestamp: time.timestamp, ...size };
    if (this.#object === undefined) {
      const start = this.#clock();
      const roi = await this.#finder.step(frame, size);
      this.#timing.search = this.#clock() - start;
      if (roi === undefined) return createResult(about, []);
      this.#object = new FollowedObject(++this.#found, roi, this.#settings());
    }
    const object = this.#object;
    const { lastSeen } = object;
    const look = await (lastSeen === undefined
      ? this.#settle(frame, object.roi)
      : this.#lookThrough(frame, object.roi));
    const found = object.trusted(look);
    if (found === undefined) {
      const doubtful = object.doubt();
      if (doubtful !== undefined) return createResult(about, [doubtful]);
      this.#forget();
      if (lastSeen !== undefined) this.#finder.lookNear?.(lastSeen);
      return createResult(about, []);
    }
    const start = this.#clock();
    const shown = await object.see(look, found, { frame, size, ...time }, this.#look.model.manifest);
    this.#timing.filter = this.#clock() - start;
    return createResult(about, [shown]);
  }

  #settings(): FollowSettings<Frame> {
    const { motion, cropper, minConfidence } = this.#options;
    return {
      ...{ landmarkSet: this.#look.landmarkSet, smoothing: this.#smoothing },
      ...{ motion, gray: cropper.gray, minConfidence },
    };
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
    const [look] = await lookClosely(frame, [roi], this.#look, {
      now: this.#clock,
      spent: (what, time) => {
        this.#timing[what] += time;
      },
    });
    return look;
  }

  /** A stream that changes its size shows the object elsewhere: search anew. */
  #noteSize(size: Size): void {
    const last = this.#size;
    this.#size = size;
    if (last !== undefined && (last.width !== size.width || last.height !== size.height)) this.#forget();
  }
}
