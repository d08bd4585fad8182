import type { Point } from '../geometry/coordinates.ts';
import { cropToImage, type Roi } from '../geometry/roi.ts';
import { logOdds } from '../landmarks/log-odds.ts';
import type { ShapeFit } from '../landmarks/shape-fit.ts';

/** What one crop told: where each landmark was matched, and how well the matches make up the object. */
export type Look = {
  /** The square that was looked at, image pixels. */ roi: Roi;
  /** (N) image pixels. */ points: Point[];
  /** (N) as the network gives them, 0–1. */ confidences: Float32Array;
  /** (M) image pixels: what the shape was fitted to, the set's anchors or, where it has none, the points. */
  fitted: Point[];
  /** Mean shape → image pixels, and how far the points lie off it; undefined where the matches allow none. */ fit:
    ShapeFit | undefined;
  /** Mean log-odds of the confidences, on the landmark set's own scale: 0 is typical background, 1 the object. */
  evidence: number;
  /** Evidence and agreement of the fit together: what looks are ranked by. 0 where there is nothing. */ score: number;
};

/** What some of the matches of a look tell: where they lie, image pixels, and how sure they are. */
export const readMatches = (
  matches: Float32Array,
  from: number,
  count: number,
  roi: Roi,
  inputSize: number,
): { points: Point[]; confidences: Float32Array; logOdds: number } => {
  const confidences = new Float32Array(count);
  let sum = 0;
  const points = Array.from({ length: count }, (_, index) => {
    const at = 3 * (from + index);
    confidences[index] = matches[at + 2];
    sum += logOdds(confidences[index]);
    return cropToImage({ x: matches[at], y: matches[at + 1] }, roi, inputSize);
  });
  return { points, confidences, logOdds: sum / count };
};
