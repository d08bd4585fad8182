import { InputError } from '../errors.ts';
import { normalize, type Point, type Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { calibrate } from '../landmarks/calibration.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { usesEmbeddings } from '../landmarks/refiner.ts';
import { LandmarkSmoother, type SmootherOptions } from '../landmarks/smoother.ts';
import type { Model } from '../model/model.ts';
import type { Cropper } from './cropper.ts';
import { Localizer } from './localizer.ts';
import { lookFromMatches, refineLook, type Look, type LookOptions } from './look.ts';
import { nextRoi } from './next-roi.ts';
import type { Landmark, TrackResult } from './result.ts';
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
  /** Settings of the smoother; false gives raw landmarks. */ smoothing?: SmootherOptions | false;
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
      /** The object's own ROI when it was last trusted. */ object: Roi | undefined;
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
  readonly #look: LookOptions<Frame, Input>;
  readonly #finder: ObjectFinder<Frame>;
  readonly #clock: () => number;
  #smoother: LandmarkSmoother | undefined;
  #state: State = { status: 'searching' };
  #size: Size | undefined;
  #timestamp = 0;
  #interval = 1 / 30;
  #timing: FrameTiming = { search: 0, crop: 0, match: 0, filter: 0, total: 0 };

  constructor(options: FrameTrackerOptions<Frame, Input>) {
    const { model, cropper, landmarkSet, smoothing, searchBudget } = options;
    this.#options = options;
    this.#look = { model, cropper, landmarkSet };
    this.#clock = options.clock ?? (() => performance.now());
    this.#finder =
      options.finder ??
      new Localizer({
        ...this.#look,
        ...(searchBudget === undefined ? {} : { budget: searchBudget }),
      });
    this.setSmoothing(smoothing ?? {});
  }

  /** Where the last step's time went. */
  get timing(): FrameTiming {
    return this.#timing;
  }

  /** Changes smoothing from the next frame on; false switches it off. */
  setSmoothing(smoothing: SmootherOptions | false): void {
    this.#smoother = smoothing === false ? undefined : new LandmarkSmoother(smoothing);
  }

  /** Forgets the object and searches anew. */
  reset(): void {
    this.#state = { status: 'searching' };
    this.#finder.reset();
    this.#smoother?.reset();
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
    const time = this.#noteTime(timestamp);
    const result = await this.#track(frame, size, time);
    this.#timing.total = this.#clock() - start;
    return result;
  }

  async #track(frame: Frame, size: Size, timestamp: number): Promise<TrackResult> {
    const searching: TrackResult = { status: 'searching', timestamp, ...size };
    if (this.#state.status === 'searching') {
      const start = this.#clock();
      const roi = await this.#finder.step(frame, size);
      this.#timing.search = this.#clock() - start;
      if (roi === undefined) return searching;
      this.#state = { status: 'tracking', roi, object: undefined, doubts: 0 };
    }
    const { object, doubts } = this.#state;
    const look = await (object === undefined
      ? this.#settle(frame, this.#state.roi)
      : this.#lookThrough(frame, this.#state.roi));
    const found = this.#trusted(look, object, doubts);
    if (found === undefined) {
      this.#doubt(this.#state);
      return searching;
    }
    const { roi } = look;
    this.#state = { status: 'tracking', roi: nextRoi(roi, found, object), object: found, doubts: 0 };
    return { status: 'tracking', timestamp, ...size, roi, landmarks: this.#landmarks(look, size, timestamp) };
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
    // Reading the embedding back is for refining alone.
    const { matches, embedding } =
      landmarkSet.refiner === undefined || !usesEmbeddings(landmarkSet.refiner.fromEmbeddings)
        ? { matches: await model.match(input, landmarkSet.references), embedding: new Float32Array(0) }
        : await model.matchAndEmbed(input, landmarkSet.references);
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
  #doubt(state: State & { status: 'tracking' }): void {
    // Nothing was ever seen through this square: the finder was wrong.
    if (state.object === undefined || state.doubts + 1 >= maxDoubts) {
      this.reset();
      if (state.object !== undefined) this.#finder.lookNear?.(state.object);
      return;
    }
    this.#state = { ...state, roi: state.object, doubts: state.doubts + 1 };
  }

  #landmarks(look: EmbeddedLook, size: Size, timestamp: number): Landmark[] {
    const start = this.#clock();
    const { landmarkSet, minConfidence = 0.1 } = this.#options;
    // What is told is refined; where to look next and whether to trust goes by the matches themselves.
    const raw = refineLook(look, look.embedding, landmarkSet, this.#look.model.manifest);
    const points = this.#smoother?.filter(raw, look.roi.size, timestamp) ?? raw;
    // What decides goes by the network's own confidences, what is told by the calibrated ones.
    const { calibration } = landmarkSet;
    const confidences =
      calibration === undefined
        ? look.confidences
        : calibrate(look.confidences, look.fit?.residuals, calibration);
    const landmarks = landmarkSet.names.map((name, index): Landmark => {
      const { x, y } = points[index];
      const confidence = confidences[index];
      return {
        name,
        x,
        y,
        normalized: normalize({ x, y }, size),
        confidence,
        visible: confidence >= minConfidence && isInside({ x, y }, size),
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
    if (last !== undefined && (last.width !== size.width || last.height !== size.height)) this.reset();
  }

  /** A missing timestamp is bridged by the last interval; others are taken as they are. */
  #noteTime(timestamp: number | undefined): number {
    const known = timestamp !== undefined && Number.isFinite(timestamp);
    const time = known ? timestamp : this.#timestamp + this.#interval;
    const interval = time - this.#timestamp;
    if (known && interval > 0 && interval < 1) this.#interval = interval;
    this.#timestamp = time;
    return time;
  }
}

const isInside = ({ x, y }: Point, { width, height }: Size): boolean =>
  x >= 0 && y >= 0 && x <= width && y <= height;
