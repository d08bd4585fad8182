import type { Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import type { SmootherOptions } from '../landmarks/smoother.ts';
import type { Manifest } from '../model/manifest.ts';
import type { Cropper, Matcher } from './cropper.ts';
import type { TrackResult } from './result.ts';

/** Finds the object in whole frames, a little in every frame. The localizer is one; a face detector can be another. */
export type ObjectFinder<Frame> = {
  /**
   * Looks at one more frame of the stream.
   * @param size of the frame, image pixels
   * @returns the ROI as soon as the object is found in this frame, else undefined
   */
  step(frame: Frame, size: Size): Promise<Roi | undefined>;
  /** Forgets what earlier frames told. */
  reset(): void;
};

export type FrameTrackerOptions<Frame, Input> = {
  manifest: Pick<Manifest, 'inputSize' | 'cropMargin'>;
  matcher: Matcher<Input>;
  cropper: Cropper<Frame, Input>;
  landmarkSet: LandmarkSet;
  /** Settings of the smoother; false gives raw landmarks. */ smoothing?: SmootherOptions | false;
  /** Network runs that search may use in one frame. Default 6. */ searchBudget?: number;
  /** Landmarks less sure than this are not `visible`. Default 0.3. */ minConfidence?: number;
  /** Default: the localizer, which needs no other model. */ finder?: ObjectFinder<Frame>;
  /** Milliseconds from any origin, for `timing`. Default `performance.now`. */ clock?: () => number;
};

/** Where the last step's time went, milliseconds. */
export type FrameTiming = { search: number; crop: number; match: number; filter: number; total: number };

/**
 * What the class FrameTracker (this file) will be: landmarks of one object in a stream of frames; DESIGN.md, "One frame". It never closes frames: who makes a frame
 * closes it. Steps must not overlap: await one before the next.
 */
export type FrameStepper<Frame> = {
  /**
   * @param timestamp capture time, seconds; missing, repeated or backward ones are put right, never refused
   * @throws InputError for a frame without pixels; whatever the cropper or the session throw. The tracker stays usable.
   */
  step(frame: Frame, timestamp?: number): Promise<TrackResult>;
  /** Forgets the object and searches anew. */
  reset(): void;
  /** Where the last step's time went. */
  readonly timing: FrameTiming;
  /** Changes smoothing from the next frame on; false switches it off. */
  setSmoothing(smoothing: SmootherOptions | false): void;
};
