import { InputError } from '../errors.ts';
import type { Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { checkSmootherOptions } from '../landmarks/smoother-check.ts';
import type { SmootherOptions } from '../landmarks/smoother.ts';
import type { Model } from '../model/model.ts';
import type { Cropper } from './cropper.ts';
import { FollowedObject, type FrameMoment } from './followed-object.ts';
import { FrameClock } from './frame-clock.ts';
import { Localizer } from './localizer.ts';
import { lookClosely, type EmbeddedLook, type LookOptions } from './look.ts';
import type { MotionFollower } from './motion-follower.ts';
import { createResult, type SearchEvidence, type TrackedObject, type TrackResult } from './result.ts';

/** Finds the object in whole frames, a little in every frame. The localizer is one; a face detector can be another. */
export type ObjectFinder<Frame> = {
  /**
   * Looks at one more frame of the stream.
   * @param size of the frame, image pixels
   * @param known where objects are that are tracked already, image pixels: another one is sought
   * @returns the ROI as soon as the object is found in this frame, else undefined
   */
  step(frame: Frame, size: Size, known?: readonly Roi[]): Promise<Roi | undefined>;
  /** How near the search has come; undefined where that is not known. */
  readonly best?: SearchEvidence | undefined;
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
  smoothing?: SmootherOptions | false | undefined;
  /**
   * Makes what carries the landmarks of one object from frame to frame by motion, for the match to correct. Default: none.
   * It is handed in so that who does without does not load it.
   */
  motion?: (() => MotionFollower<Frame>) | undefined;
  /**
   * Network runs that search may use in one frame, 2 at most while other objects are tracked; the last check of a find
   * takes 6 at once. Default 6.
   */
  searchBudget?: number | undefined;
  /** Landmarks less sure than this are not `visible`. Default 0.1. */ minConfidence?: number | undefined;
  /** Default: the localizer, which needs no other model. */ finder?: ObjectFinder<Frame> | undefined;
  /** The last id that is taken already: objects get the next ones. Default 0. */ lastId?: number;
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

/** What the network saw of an object in the last frame. */
export type SeenSquare = {
  /** The object's. */ id: number;
  /** Of the frame, seconds. */ timestamp: number;
  /** Image pixels. */ roi: Roi;
  /** (C, H, W) */ embedding: Float32Array;
};

/** What trackers of one object and of several have in common: steps, one after the other, and what is set between them. */
export abstract class FrameSteps<Frame, Input> {
  readonly #options: FrameTrackerOptions<Frame, Input>;
  #look: LookOptions<Frame, Input>;
  #finder: ObjectFinder<Frame>;
  #smoothing: SmootherOptions | false | undefined;
  #size: Size | undefined;
  readonly #clockOfFrames = new FrameClock();
  #lastId: number;
  #isStepping = false;
  /** What was asked for during a step, done after it: the step would overwrite it. */
  #later: (() => void)[] = [];
  #timing: FrameTiming = { search: 0, crop: 0, match: 0, filter: 0, total: 0 };
  #keepsSeen = false;
  #givesGists = false;
  #seen: SeenSquare[] = [];
  /** Milliseconds. */ protected readonly now: () => number;
  /** Where an object is to be looked for first, image pixels. */ protected start: Roi | undefined;

  constructor(options: FrameTrackerOptions<Frame, Input>) {
    const { model, cropper, landmarkSet, smoothing } = options;
    this.#options = options;
    this.#lastId = options.lastId ?? 0;
    this.#look = { model, cropper, landmarkSet };
    this.now = options.clock ?? (() => performance.now());
    this.#finder = options.finder ?? this.#createLocalizer();
    // There may be no object yet whose smoother would refuse them.
    if (smoothing !== undefined && smoothing !== false) checkSmootherOptions(smoothing);
    this.#smoothing = smoothing;
  }

  /** Where the last step's time went. */
  get timing(): FrameTiming {
    return this.#timing;
  }

  /** The id of the newest object; for a tracker that takes this one's place. */
  get lastId(): number {
    return this.#lastId;
  }

  /** The objects that were recognised in the last frame, where they are kept: see `keepSeen`. */
  get seen(): readonly SeenSquare[] {
    return this.#seen;
  }

  /** Keeps what the network sees from the next frame on: its embeddings are read back, which takes time. */
  keepSeen(isWanted: boolean): void {
    this.#keepsSeen = isWanted;
    this.#seen = [];
  }

  /** Gives gists with objects from the next frame on, or no longer: see `ObjectPlace`. */
  giveGists(isWanted: boolean): void {
    this.#givesGists = isWanted;
  }

  /** Changes smoothing from the next frame on: false switches it off, and motion with it. */
  setSmoothing(smoothing: SmootherOptions | false | undefined): void {
    if (smoothing !== undefined && smoothing !== false) checkSmootherOptions(smoothing);
    this.#smoothing = smoothing;
    for (const object of this.followed()) object.setSmoothing(smoothing);
  }

  /** Forgets the objects and searches anew, from the next frame on. */
  reset(): void {
    this.#betweenSteps(() => {
      this.forget();
    });
  }

  /**
   * Looks for an object in a square, from the next frame on, and searches near it if there is none. @param roi image pixels
   */
  follow(roi: Roi): void {
    this.#betweenSteps(() => {
      this.start = roi;
    });
  }

  /**
   * Changes the landmarks from the next frame on, without losing the objects: they are looked at through the squares where
   * they are known to be, until these fit what the new set calls their ROIs.
   */
  setLandmarks(landmarkSet: LandmarkSet): void {
    this.#betweenSteps(() => {
      this.#look = { ...this.#look, landmarkSet };
      this.#finder = this.#options.finder ?? this.#createLocalizer();
      for (const object of this.followed()) {
        this.#finder.lookNear?.(object.roi);
        object.setLandmarks(landmarkSet);
      }
      this.onLandmarks();
    });
  }

  /**
   * @param timestamp capture time, seconds; missing, repeated or backward ones never break anything
   * @throws InputError for a frame without pixels; whatever the cropper or the session throw. The tracker stays usable.
   */
  async step(frame: Frame, timestamp?: number): Promise<TrackResult> {
    const start = this.now();
    this.#timing = { search: 0, crop: 0, match: 0, filter: 0, total: 0 };
    const size = this.#options.cropper.frameSize(frame);
    if (!(size.width > 0 && size.height > 0)) {
      throw new InputError(
        `A frame of ${size.width}×${size.height} pixels cannot be tracked. Pass frames that have pixels.`,
      );
    }
    this.#noteSize(size);
    const moment = { frame, size, ...this.#clockOfFrames.note(timestamp) };
    this.#isStepping = true;
    this.#seen = [];
    try {
      const objects = await this.track(moment);
      this.#timing.total = this.now() - start;
      return createResult({ timestamp: moment.timestamp, ...size }, objects, this.#finder.best);
    } finally {
      this.#isStepping = false;
      for (const job of this.#later.splice(0)) job();
    }
  }

  /** The objects of one frame. */
  protected abstract track(moment: FrameMoment<Frame>): Promise<TrackedObject[]>;
  /** The objects that are in sight. */
  protected abstract followed(): readonly FollowedObject<Frame>[];
  /** Told when there are other landmarks. */
  protected onLandmarks(): void {
    // Most have nothing that depends on them.
  }

  /** Forgets what earlier frames told. */
  protected forget(): void {
    this.#finder.reset();
  }

  protected get landmarkSet(): LandmarkSet {
    return this.#look.landmarkSet;
  }

  protected get model(): Model<Input> {
    return this.#options.model;
  }

  /** Adds to the last step's times, milliseconds. */
  protected spend(what: keyof FrameTiming, time: number): void {
    this.#timing[what] += time;
  }

  /** Lets the finder look at a frame. @returns a square in which something was found, image pixels */
  protected async find(
    { frame, size }: FrameMoment<Frame>,
    known?: readonly Roi[],
  ): Promise<Roi | undefined> {
    const start = this.now();
    const roi = await this.#finder.step(frame, size, known);
    this.spend('search', this.now() - start);
    return roi;
  }

  /** Lets the finder look there first. */
  protected lookNear(roi: Roi): void {
    this.#finder.lookNear?.(roi);
  }

  /** @param id default: one that no object had before */
  protected createObject(roi: Roi, id = ++this.#lastId): FollowedObject<Frame> {
    const { motion, minConfidence } = this.#options;
    return new FollowedObject(id, roi, {
      ...{ landmarkSet: this.landmarkSet, smoothing: this.#smoothing },
      ...{ motion, minConfidence },
    });
  }

  /** Tells of an object that it was recognised in this look. */
  protected see(
    object: FollowedObject<Frame>,
    look: EmbeddedLook,
    found: Roi,
    moment: FrameMoment<Frame>,
  ): Promise<TrackedObject> {
    const { roi, embedding } = look;
    const { timestamp } = moment;
    if (this.#keepsSeen && embedding.length > 0)
      this.#seen.push({ id: object.id, timestamp, roi, embedding });
    return object.see(look, found, moment, this.model.manifest, this.#givesGists);
  }

  /** Looks through squares of one frame in one run. @param embeds as in `lookClosely` */
  protected lookThrough(
    frame: Frame,
    rois: readonly Roi[],
    embeds = false,
    landmarkSet = this.landmarkSet,
  ): Promise<EmbeddedLook[]> {
    const clock = {
      now: this.now,
      spent: (what: 'crop' | 'match', time: number): void => {
        this.spend(what, time);
      },
    };
    return lookClosely(frame, rois, { ...this.#look, landmarkSet }, clock, embeds || this.#keepsSeen);
  }

  #createLocalizer(): ObjectFinder<Frame> {
    return new Localizer({ ...this.#look, budget: this.#options.searchBudget });
  }

  #betweenSteps(job: () => void): void {
    if (this.#isStepping) this.#later.push(job);
    else job();
  }

  /** A stream that changes its size shows the objects elsewhere: search anew. */
  #noteSize(size: Size): void {
    const last = this.#size;
    this.#size = size;
    if (last !== undefined && (last.width !== size.width || last.height !== size.height)) this.forget();
  }
}
