import type { Point } from '../geometry/coordinates.ts';

/** The same N points in consecutive frames, pixels; undefined where a frame has none. */
export type PointTrack = readonly (readonly Point[] | undefined)[];

/**
 * How much points tremble: the root mean square, over all points and all runs of three neighbouring frames, of the length
 * of the second difference p(t−1) − 2 p(t) + p(t+1). Steady motion does not count, only what departs from it.
 * @param unit length that counts as 1, pixels; for faces the inter-ocular distance
 * @returns share of the unit (0.001 is 0.1 %), or undefined where no three neighbouring frames have points
 */
export const secondDifference = (track: PointTrack, unit: number): number | undefined => {
  let sum = 0;
  let count = 0;
  for (let t = 1; t + 1 < track.length; t++) {
    const [before, now, after] = [track[t - 1], track[t], track[t + 1]];
    if (before === undefined || now === undefined || after === undefined) continue;
    for (let i = 0; i < now.length; i++) {
      const x = before[i].x - 2 * now[i].x + after[i].x;
      const y = before[i].y - 2 * now[i].y + after[i].y;
      sum += x * x + y * y;
    }
    count += now.length;
  }
  return count === 0 ? undefined : Math.sqrt(sum / count) / unit;
};

/** Weights over neighbouring frames that take the noise off and shift nothing: [1 2 1] ⋆ [1 2 1] / 16. */
const kernel = [1, 4, 6, 4, 1].map((weight) => weight / 16);

/** A track without its noise: symmetric in time, so without lag. Frames near a gap or an end become undefined. */
const calmed = (track: PointTrack): PointTrack =>
  track.map((_, t) => {
    const window = kernel.map((_weight, k) => track[t + k - 2]);
    const known = window.filter((points) => points !== undefined);
    if (known.length < kernel.length) return undefined;
    return known[0].map((_point, i) => ({
      x: known.reduce((sum, points, k) => sum + kernel[k] * points[i].x, 0),
      y: known.reduce((sum, points, k) => sum + kernel[k] * points[i].y, 0),
    }));
  });

/** Largest lag that is looked for, frames. */
const maxLag = 6;
/** Shifts that are tried, per frame. */
const triesPerFrame = 20;

/**
 * By how many frames a smoothed track is behind the raw one: the shift of the raw track, between −1 and 6 frames, at which
 * the two differ least (least squares, both freed of noise by the same symmetric kernel, straight lines between frames).
 * @returns frames, or undefined where the tracks share too few frames or hardly move (less than their noise could feign)
 */
export const estimateLag = (smoothed: PointTrack, raw: PointTrack): number | undefined => {
  const late = calmed(smoothed);
  const early = calmed(raw);
  const frames = late.flatMap((points, t) => (points === undefined ? [] : [{ points, t }]));
  /** Mean squared difference at a shift, over frames for which every shift is known. */
  const difference = (shift: number): number | undefined => {
    let sum = 0;
    let count = 0;
    for (const { points, t } of frames) {
      if (!isKnown(early, t - maxLag, t + 1)) continue;
      const from = Math.floor(t - shift);
      const share = t - shift - from;
      const a = early[from];
      const b = early[Math.min(from + 1, early.length - 1)];
      if (a === undefined || b === undefined) continue;
      for (let i = 0; i < points.length; i++) {
        const x = points[i].x - (a[i].x + share * (b[i].x - a[i].x));
        const y = points[i].y - (a[i].y + share * (b[i].y - a[i].y));
        sum += x * x + y * y;
      }
      count += points.length;
    }
    return count === 0 ? undefined : sum / count;
  };
  let best: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  let greatest = 0;
  for (let i = -triesPerFrame; i <= maxLag * triesPerFrame; i++) {
    const shift = i / triesPerFrame;
    const value = difference(shift);
    if (value === undefined) continue;
    greatest = Math.max(greatest, value);
    if (value < least) {
      least = value;
      best = shift;
    }
  }
  // Of points that move, some shift is clearly wrong.
  return greatest > 2 * least && greatest > 1e-9 ? best : undefined;
};

const isKnown = (track: PointTrack, first: number, last: number): boolean => {
  if (first < 0 || last >= track.length) return false;
  for (let t = first; t <= last; t++) if (track[t] === undefined) return false;
  return true;
};
