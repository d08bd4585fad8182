import type { Point } from '../geometry/coordinates.ts';
import {
  applySimilarity,
  composeSimilarity,
  createSimilarity,
  fitSimilarity,
  type Similarity,
} from '../geometry/similarity.ts';

const mean = (points: readonly Point[]): Point => ({
  x: points.reduce((sum, { x }) => sum + x, 0) / points.length,
  y: points.reduce((sum, { y }) => sum + y, 0) / points.length,
});

const boxOf = (points: readonly Point[]) => {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return {
    center: { x: (left + right) / 2, y: (top + bottom) / 2 },
    side: Math.max(right - left, bottom - top),
  };
};

/** Centre to the origin, longer side of the box to 1; direction kept. */
const standardized = (points: readonly Point[]): Point[] => {
  const { center, side } = boxOf(points);
  return points.map(({ x, y }) => ({ x: (x - center.x) / side, y: (y - center.y) / side }));
};

/** Rounds after which the mean no longer moves. */
const rounds = 5;

/**
 * The mean of several shapes after each is brought to it by a similarity (generalised Procrustes analysis, Gower 1975),
 * in sides of the ROI that the tracker cuts: the box of the mean lies in the middle of the unit square and its longer
 * side is 1 / cropMargin. Upright is what is upright on average in the pictures.
 * @param shapes (pictures) of N points, pixels
 * @param cropMargin ROI side over object size
 * @returns (N) points
 */
export const meanShapeOf = (shapes: readonly (readonly Point[])[], cropMargin: number): Point[] => {
  const upright = shapes.map(standardized);
  const average = (aligned: readonly (readonly Point[])[]): Point[] =>
    aligned[0].map((_, index) => mean(aligned.map((points) => points[index])));
  let current = standardized(average(upright));
  for (let round = 0; round < rounds; round++) {
    const fits = upright.map((points) => fitSimilarity(points, current));
    // Alignment must not turn the mean: what the pictures are turned by on average stays.
    const turn = Math.atan2(
      fits.reduce((sum, { a, b }) => sum + b / Math.hypot(a, b), 0),
      fits.reduce((sum, { a, b }) => sum + a / Math.hypot(a, b), 0),
    );
    const back = createSimilarity(1, -turn, { x: 0, y: 0 });
    current = standardized(
      average(
        upright.map((points, i) =>
          points.map((point) => applySimilarity(composeSimilarity(back, fits[i]), point)),
        ),
      ),
    );
  }
  const toRoi: Similarity = createSimilarity(1 / cropMargin, 0, { x: 0.5, y: 0.5 });
  return current.map((point) => applySimilarity(toRoi, point));
};
