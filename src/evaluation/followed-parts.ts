/** Whether landmarks go along with a face that speaks, blinks and turns: what a mean distance hides. iBUG order. */
import type { Point } from '../geometry/coordinates.ts';
import { interOcularDistance } from '../landmarks/point-sets.ts';
import type { PointTrack } from './jitter.ts';

/** What of a face moves by itself. */
export type FacePart = 'inner' | 'outer' | 'lids' | 'yaw';

/** How a part's movement in one track goes along with that in another. */
export type Followed = {
  /** Of the least-squares line: 1 where the landmarks move as far as the part does, 0 where they stay. */ slope: number;
  /** Pearson's correlation. */ correlation: number;
};

const distance = (points: readonly Point[], a: number, b: number): number =>
  Math.hypot(points[a].x - points[b].x, points[a].y - points[b].y);

/** Upper and lower lid above each other, two pairs an eye. */
const lidPairs: readonly (readonly [number, number])[] = [
  [37, 41],
  [38, 40],
  [43, 47],
  [44, 46],
];

/** How far each part is open, pixels; of the yaw how far the tip of the nose lies off the middle of the eyes. */
const measures: Readonly<Record<FacePart, (points: readonly Point[]) => number>> = {
  inner: (points) => distance(points, 62, 66),
  outer: (points) => distance(points, 51, 57),
  lids: (points) => lidPairs.reduce((sum, [a, b]) => sum + distance(points, a, b), 0) / lidPairs.length,
  yaw: (points) => {
    const [right, left, tip] = [points[36], points[45], points[30]];
    const along = { x: left.x - right.x, y: left.y - right.y };
    const off = { x: tip.x - (right.x + left.x) / 2, y: tip.y - (right.y + left.y) / 2 };
    return (off.x * along.x + off.y * along.y) / Math.hypot(along.x, along.y);
  },
};

export const faceParts = ['inner', 'outer', 'lids', 'yaw'] as const satisfies FacePart[];

/** What slopes and correlations come of, about the means; sums of several clips add up. */
export type Moments = { truth: number; track: number; both: number };

/**
 * Sums over the frames that both tracks have, each part over the inter-ocular distance of the truth.
 * @param track (frames) of 68 points in iBUG order, pixels; undefined where there is no face
 * @param truth (frames) of the same, of another source
 */
export const partMoments = (track: PointTrack, truth: PointTrack, part: FacePart): Moments => {
  const measure = measures[part];
  const pairs = truth.flatMap((wanted, t) => {
    const found = track.at(t);
    if (wanted === undefined || found === undefined) return [];
    const iod = interOcularDistance(wanted);
    return [{ theirs: measure(wanted) / iod, ours: measure(found) / iod }];
  });
  const mean = (key: 'theirs' | 'ours'): number =>
    pairs.reduce((sum, pair) => sum + pair[key], 0) / pairs.length;
  const [meanTheirs, meanOurs] = [mean('theirs'), mean('ours')];
  const moments = { truth: 0, track: 0, both: 0 };
  for (const { theirs, ours } of pairs) {
    moments.truth += (theirs - meanTheirs) ** 2;
    moments.track += (ours - meanOurs) ** 2;
    moments.both += (theirs - meanTheirs) * (ours - meanOurs);
  }
  return moments;
};

/**
 * @param moments of one clip or of several: what a clip is wrong by all the time does not count
 * @returns NaN where nothing moves
 */
export const followed = (moments: readonly Moments[]): Followed => {
  const sum = (key: keyof Moments): number => moments.reduce((total, one) => total + one[key], 0);
  const [truth, track, both] = [sum('truth'), sum('track'), sum('both')];
  return { slope: both / truth, correlation: both / Math.sqrt(truth * track) };
};
