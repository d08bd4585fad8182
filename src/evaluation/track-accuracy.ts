import type { Point } from '../geometry/coordinates.ts';
import { median } from '../geometry/statistics.ts';
import { landmarkErrors } from './accuracy.ts';
import { secondDifference, type PointTrack } from './jitter.ts';
import { interOcularDistance, selectPoints } from '../landmarks/point-sets.ts';

/** How a face track compares with another source's points. Shares, not percent (0.05 is 5 %). */
export type TrackAccuracy = {
  /** Frames compared: those of the truth, as far as the track goes. */ frames: number;
  /** Share of the frames in which the truth has a face that are tracked. */ trackedShare: number;
  /** Index of the first tracked frame; −1 where none is. */ first: number;
  /** Mean over frames of the mean distance of the 51 inner points, shares of the frame's IOD. */ meanError: number;
  /** Median over frames of the same. */ medianError: number;
  /** Steps between neighbouring frames more than 20 % IOD longer than the truth's (mean of 51 points). */ jumps: number;
  /** RMS of the second difference of the 68 points, shares of the mean IOD. */ jitter: number;
  /** Share of the tracked frames with a face in the truth whose place (25 % of the box) and size (1.35) are right. */
  rightShare: number;
};

const jumpLimit = 0.2;

/** Mean length of the steps of the 51 inner points. */
const stepLength = (from: readonly Point[], to: readonly Point[]): number => {
  const before = selectPoints(from, '51');
  const steps = selectPoints(to, '51').map(({ x, y }, i) => Math.hypot(x - before[i].x, y - before[i].y));
  return steps.reduce((sum, step) => sum + step, 0) / steps.length;
};

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Centre and longer side of the box of some points. */
const boxOf = (points: readonly Point[]) => {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return { x: (left + right) / 2, y: (top + bottom) / 2, side: Math.max(right - left, bottom - top) };
};

/** Whether some points have the place (25 % of the box) and size (1.35) of the true ones. */
export const isRightPlace = (points: readonly Point[], truth: readonly Point[]): boolean => {
  const found = boxOf(points);
  const wanted = boxOf(truth);
  const scale = Math.max(found.side / wanted.side, wanted.side / found.side);
  return Math.hypot(found.x - wanted.x, found.y - wanted.y) <= 0.25 * wanted.side && scale <= 1.35;
};

/**
 * @param track (frames) of 68 points in iBUG order, pixels; undefined where searching
 * @param truth (frames) of the same, of another source; undefined where it has no face
 * @returns NaN in figures that no frame tells
 */
export const compareTracks = (track: PointTrack, truth: PointTrack): TrackAccuracy => {
  const frames = Math.min(track.length, truth.length);
  const errors: number[] = [];
  const distances: number[] = [];
  let withFace = 0;
  let right = 0;
  let jumps = 0;
  for (let t = 0; t < frames; t++) {
    const wanted = truth[t];
    if (wanted === undefined) continue;
    withFace++;
    const found = track[t];
    if (found === undefined) continue;
    const iod = interOcularDistance(wanted);
    distances.push(iod);
    errors.push(mean(landmarkErrors(selectPoints(found, '51'), selectPoints(wanted, '51'), iod)));
    if (isRightPlace(found, wanted)) right++;
    const [before, wantedBefore] = [track[t - 1], truth[t - 1]];
    if (t === 0 || before === undefined || wantedBefore === undefined) continue;
    if (stepLength(before, found) - stepLength(wantedBefore, wanted) > jumpLimit * iod) jumps++;
  }
  return {
    frames,
    trackedShare: errors.length / withFace,
    first: track.findIndex((points) => points !== undefined),
    meanError: mean(errors),
    medianError: errors.length === 0 ? Number.NaN : median(errors),
    jumps,
    jitter: secondDifference(track.slice(0, frames), mean(distances)) ?? Number.NaN,
    rightShare: right / errors.length,
  };
};
