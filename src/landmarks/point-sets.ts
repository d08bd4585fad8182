import type { Point } from '../geometry/coordinates.ts';

/** Points of a face that figures are given for: 5 (eye centres, nose tip, mouth corners), 51 (no jaw line), 68 (all). */
export type PointSetName = '5' | '51' | '68';

/** Number of points in the iBUG order that every set is derived from. */
export const ibugPointCount = 68;

/** The outer eye corners, whose distance is the unit of face errors (IOD). */
export const outerEyeCorners = [36, 45] as const;
/** Points 0–16 are the jaw line. */
const jawLinePoints = 17;

const mean = (points: readonly Point[]): Point => ({
  x: points.reduce((sum, point) => sum + point.x, 0) / points.length,
  y: points.reduce((sum, point) => sum + point.y, 0) / points.length,
});

/**
 * @param points (68) iBUG order, any unit
 * @returns 5, 51 or 68 points in the same unit
 */
export const selectPoints = (points: readonly Point[], set: PointSetName): Point[] => {
  switch (set) {
    case '68':
      return [...points];
    case '51':
      return points.slice(jawLinePoints);
    case '5':
      return [mean(points.slice(36, 42)), mean(points.slice(42, 48)), points[30], points[48], points[54]];
  }
};

/**
 * Distance between the outer eye corners.
 * @param points (68) iBUG order, any unit
 * @returns in the unit of `points`
 */
export const interOcularDistance = (points: readonly Point[]): number => {
  const [right, left] = outerEyeCorners.map((index) => points[index]);
  return Math.hypot(left.x - right.x, left.y - right.y);
};
