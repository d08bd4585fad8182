import type { Point } from '../../src/geometry/coordinates.ts';
import { median } from '../../src/geometry/statistics.ts';
import { shapeExtent } from '../../src/landmarks/shape-fit.ts';

/** Two landmarks that lie nearer to each other than this in half of the pictures, over the extent of the shape, coincide. */
const coinciding = 0.015;
/** From here on a picture shows them apart. */
const apart = 0.05;

/**
 * Which pictures show landmarks apart that lie in one place in most: those inside the lips, on faces, whose mouths are mostly
 * closed. References that are made of closed mouths find both lips in the middle of an open one.
 * @param shapes (pictures) of (N), any unit
 * @returns (pictures) false for all where no two landmarks coincide
 */
export const showsApart = (shapes: readonly (readonly Point[])[]): boolean[] => {
  const extents = shapes.map(shapeExtent);
  const distances = (i: number, j: number): number[] =>
    shapes.map((points, k) => Math.hypot(points[i].x - points[j].x, points[i].y - points[j].y) / extents[k]);
  const pairs: number[][] = [];
  for (let i = 0; i < shapes[0].length; i++) {
    for (let j = i + 1; j < shapes[0].length; j++) {
      const ofPair = distances(i, j);
      if (median(ofPair) < coinciding) pairs.push(ofPair);
    }
  }
  return shapes.map((_, k) => pairs.length > 0 && median(pairs.map((ofPair) => ofPair[k])) >= apart);
};
