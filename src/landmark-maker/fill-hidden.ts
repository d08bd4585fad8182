/** Where hidden points would be: so that every picture has all landmarks while a set is made. */
import type { Point } from '../geometry/coordinates.ts';
import { cropToImage, imageToCrop, type Roi } from '../geometry/roi.ts';
import { applySimilarity, fitSimilarity, invertSimilarity } from '../geometry/similarity.ts';

/** Points of one picture, null where hidden, and its ROI where it is known; pixels. */
type Marked = { points: readonly (Point | null)[]; roi?: Roi };

/** A picture all of whose points have a place. */
export type Filled = {
  /** (N) pixels: hidden ones where the other pictures say they are. */ points: Point[];
  /** (N) false for a hidden point: its place is a guess, and nothing is learnt of it. */ seen: boolean[];
};

/** Rounds after which the mean no longer moves. */
const rounds = 4;

const seenWeights = (points: readonly (Point | null)[]): number[] =>
  points.map((point) => (point === null ? 0 : 1));
const orOrigin = (points: readonly (Point | null)[]): Point[] =>
  points.map((point) => point ?? { x: 0, y: 0 });

/** How often two shapes show the same point. */
const shared = (a: readonly (Point | null)[], b: readonly (Point | null)[]): number =>
  a.filter((point, n) => point !== null && b[n] !== null).length;

/** The mean over pictures of what is seen, brought to one frame. @param toFrame of each picture */
const meanSeen = (
  pictures: readonly Marked[],
  toFrame: (index: number, point: Point) => Point | undefined,
  before: readonly (Point | null)[],
): (Point | null)[] =>
  before.map((old, n) => {
    const places = pictures.flatMap(({ points }, index) => {
      const point = points[n];
      const place = point === null ? undefined : toFrame(index, point);
      return place === undefined ? [] : [place];
    });
    if (places.length === 0) return old;
    return {
      x: places.reduce((sum, { x }) => sum + x, 0) / places.length,
      y: places.reduce((sum, { y }) => sum + y, 0) / places.length,
    };
  });

/** Where the ROIs say where the object is. */
const fillInRois = (pictures: readonly (Marked & { roi: Roi })[]): Filled[] => {
  const none = pictures[0].points.map(() => null);
  const mean = meanSeen(pictures, (index, point) => imageToCrop(point, pictures[index].roi, 1), none);
  return pictures.map(({ points, roi }) => ({
    points: points.map((point, n) => point ?? cropToImage(mean[n] ?? { x: 0.5, y: 0.5 }, roi, 1)),
    seen: points.map((point) => point !== null),
  }));
};

/**
 * Gives hidden points the place where the mean of the other pictures, laid on what this picture shows, has them
 * (generalised Procrustes analysis of what is seen).
 * @param pictures each shows two points or has a ROI; every point is seen in one of them
 */
export const fillHidden = (pictures: readonly Marked[]): Filled[] => {
  if (pictures.every(({ points }) => points.every((point) => point !== null))) {
    return pictures.map(({ points }) => ({ points: orOrigin(points), seen: points.map(() => true) }));
  }
  const located = pictures.flatMap(({ points, roi }) => (roi === undefined ? [] : [{ points, roi }]));
  if (located.length === pictures.length) return fillInRois(located);
  const counts = pictures.map(({ points }) => points.filter((point) => point !== null).length);
  let mean: (Point | null)[] = [...pictures[counts.indexOf(Math.max(...counts))].points];
  const fitOf = ({ points }: Marked) => {
    if (shared(mean, points) < 2) return undefined;
    const weights = seenWeights(points).map((weight, n) => (mean[n] === null ? 0 : weight));
    const from = orOrigin(mean);
    return fitSimilarity(from, orOrigin(points), weights);
  };
  for (let round = 0; round < rounds; round++) {
    const backs = pictures.map((picture) => {
      const fit = fitOf(picture);
      return fit && invertSimilarity(fit);
    });
    mean = meanSeen(
      pictures,
      (index, point) => {
        const back = backs[index];
        return back && applySimilarity(back, point);
      },
      mean,
    );
  }
  return pictures.map((picture) => {
    const { points } = picture;
    const fit = fitOf(picture);
    // A point that no picture shares with the others lies in the middle of what is seen.
    const seenHere = points.filter((point) => point !== null);
    const middle = {
      x: seenHere.reduce((sum, { x }) => sum + x, 0) / seenHere.length,
      y: seenHere.reduce((sum, { y }) => sum + y, 0) / seenHere.length,
    };
    return {
      points: points.map((point, n): Point => {
        const place = mean[n];
        return point ?? (fit === undefined || place === null ? middle : applySimilarity(fit, place));
      }),
      seen: points.map((point) => point !== null),
    };
  });
};
