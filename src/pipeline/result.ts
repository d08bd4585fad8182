import type { Point } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import type { FaceLandmarkName } from '../landmarks/face-names.ts';
import type { Gist } from '../landmarks/gist.ts';
import type { IndexPair } from '../landmarks/landmark-set.ts';

/** One named point of the tracked object. */
export type Landmark = {
  /** Name from the landmark set. */ name: string;
  /** Image pixels, smoothed. */ x: number;
  /** Image pixels, smoothed. */ y: number;
  /** (x, y) divided by the picture's width and height. */ normalized: Point;
  /** How likely the point is right, 0–1, where the set is calibrated (see `calibrated`); else it only ranks points. */
  confidence: number;
  /** False where the point is hidden, outside the picture or not to be trusted. */ visible: boolean;
  /**
   * Where the point was found in this frame alone, image pixels, before smoothing: the network's match, refined by the
   * set's refiner where it has one.
   */ raw: Point;
};

/** Where an object is. */
export type ObjectPlace = {
  /**
   * Stays the same from when the object is found until it is lost. A tracker of one object gives a new one to what it
   * finds then; one of several knows by place and appearance who comes back within a minute.
   */ id: number;
  /** The square that the network saw, image pixels. */ roi: Roi;
  /** One per name of the landmark set, in its order. */ landmarks: Landmark[];
  /**
   * What the network saw of the square, by which a puppet tells the turn of a head. There where it is asked for (the option
   * `gist`; a puppet in the same page asks by itself) and the embedding is looked at anyway, by a set with a refiner.
   */
  gist?: Gist;
};

/** What tells a doubtful object or frame. */
type Doubt = {
  status: 'doubtful';
  /** Frames in a row on which the object was not recognised, this one included. */
  doubts: number;
};

/**
 * An object in a frame. `doubtful` is one that was not recognised in this frame but may well be in the next: it keeps the
 * ROI and landmarks of the last frame that was trusted, so that a drawing does not flicker; `doubts` counts such frames
 * in a row.
 */
export type TrackedObject = ObjectPlace & ({ status: 'tracking' } | Doubt);

/** What every result has. */
export type FrameResult = {
  /** Capture time, seconds. */ timestamp: number;
  /** Width of the frame, pixels. */ width: number;
  /** Height of the frame, pixels. */ height: number;
  /** All objects of the frame, in the order of their ids; empty while searching. */ objects: TrackedObject[];
  /** Lines to draw, landmarks by index: those of the landmark set. Results of a `Tracker` and of `track()` have them. */
  connections?: readonly IndexPair[];
  /**
   * Whether the landmark set has a calibration: without it confidences are what the network gives, and 0.9 need not be
   * right nine times of ten. Results of a `Tracker` and of `track()` have it.
   */
  calibrated?: boolean;
};

/** How near a search has come to finding something. */
export type SearchEvidence = {
  /** Of the best look since the search began: about 0 shows background, 1 the object. */ evidence: number;
  /** Mean evidence that several looks at one place must have. */ needed: number;
  /** Share of that look's landmarks that lie where one shape has them, 0–1. */ agreement: number;
};

/** A frame on which no object is known, or no longer. */
export type SearchingResult = FrameResult & {
  status: 'searching';
  /**
   * Why nothing is found. With enough evidence, what was seen did not stay in place from one square to the next.
   * Undefined before the first look, and where another finder searches.
   */
  searched?: SearchEvidence;
};
/** A frame on which the first object was recognised. */
export type TrackingResult = FrameResult & ObjectPlace & { status: 'tracking' };
/** A frame on which the first object was not recognised but is still expected; see {@link TrackedObject}. */
export type DoubtfulResult = FrameResult & ObjectPlace & Doubt;

/**
 * What is known of one frame. Objects are a list, because there may be several and each has a state of its own. The
 * first one is also spread over the result itself: with one object, which is the usual case, `result.landmarks` is all
 * that is needed, and a check of `status` tells what is there.
 */
export type TrackResult = SearchingResult | TrackingResult | DoubtfulResult;

/**
 * Puts the objects of a frame together.
 * @param objects the first one is shown by the result itself
 * @param searched told where there is none
 */
export const createResult = (
  frame: Omit<FrameResult, 'objects'>,
  objects: TrackedObject[],
  searched?: SearchEvidence,
): TrackResult =>
  objects.length === 0
    ? { ...frame, status: 'searching', objects, ...(searched && { searched }) }
    : { ...frame, ...objects[0], objects };

/**
 * A landmark by its name.
 * @param of a result, or one of its objects
 * @returns undefined while searching, and for a name that the landmark set does not have
 */
export const findLandmark = (
  of: TrackResult | TrackedObject,
  // Any name, and those of the face model offered while one types.
  name: FaceLandmarkName | (string & Record<never, never>),
): Landmark | undefined =>
  of.status === 'searching' ? undefined : of.landmarks.find((landmark) => landmark.name === name);
