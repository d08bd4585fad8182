/** Whether landmarks go along with a mouth that opens: what puppets and speech need, and what a mean distance hides. */
import { interOcularDistance } from '../../src/landmarks/point-sets.ts';
import type { PointTrack } from '../../src/evaluation/jitter.ts';

/** Middle of the upper and of the lower lip, where the lips meet and at their outer edge: iBUG order, 0-based. */
export const lips = { inner: [62, 66], outer: [51, 57] } as const;

/**
 * Slope of the least-squares line of a track's opening of the mouth over that of another source, both in IOD of the
 * latter: 1 where the landmarks open as far as the mouth does, 0 where they stay where they are. NaN without frames that
 * both have.
 */
export const followedOpening = (
  track: PointTrack,
  truth: PointTrack,
  [upper, lower]: readonly [number, number],
): number => {
  const openings = truth.flatMap((wanted, t) => {
    const found = track.at(t);
    if (wanted === undefined || found === undefined) return [];
    const iod = interOcularDistance(wanted);
    const [theirs, ours] = [wanted, found].map(
      (points) => Math.hypot(points[upper].x - points[lower].x, points[upper].y - points[lower].y) / iod,
    );
    return [{ theirs, ours }];
  });
  const mean = (key: 'theirs' | 'ours'): number =>
    openings.reduce((sum, one) => sum + one[key], 0) / openings.length;
  const [meanTheirs, meanOurs] = [mean('theirs'), mean('ours')];
  let covariance = 0;
  let variance = 0;
  for (const { theirs, ours } of openings) {
    covariance += (theirs - meanTheirs) * (ours - meanOurs);
    variance += (theirs - meanTheirs) ** 2;
  }
  return covariance / variance;
};
