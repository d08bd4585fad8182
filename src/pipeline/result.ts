import type { Point } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';

/** One named point of the tracked object. */
export type Landmark = {
  /** Name from the landmark set. */ name: string;
  /** Image pixels, smoothed. */ x: number;
  /** Image pixels, smoothed. */ y: number;
  /** (x, y) divided by the picture's width and height. */ normalized: Point;
  /** How likely the point is right, 0–1; see `Calibration`. */ confidence: number;
  /** False where the point is hidden, outside the picture or not to be trusted. */ visible: boolean;
  /**
   * Where the point was found in this frame alone, image pixels, before smoothing: the network's match, refined by the
   * set's refiner where it has one.
   */ raw: Point;
};

/** What is known of one frame. */
export type TrackResult = SearchingResult | TrackingResult;

/** A frame on which the object is not known, or no longer. */
export type SearchingResult = {
  status: 'searching';
  /** Capture time, seconds. */ timestamp: number;
  /** Width of the frame, pixels. */ width: number;
  /** Height of the frame, pixels. */ height: number;
};

/** A frame on which the object is known. */
export type TrackingResult = {
  status: 'tracking';
  /** Capture time, seconds. */ timestamp: number;
  /** Width of the frame, pixels. */ width: number;
  /** Height of the frame, pixels. */ height: number;
  /** The square of this frame that the network saw. */ roi: Roi;
  /** One per name of the landmark set, in its order. */ landmarks: Landmark[];
};
