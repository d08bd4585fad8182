/** How the landmarks of something that bends hang together: by the lengths between neighbours, not by one rigid shape. */
import type { Point } from '../geometry/coordinates.ts';
import type { ShapeFit } from './shape-fit.ts';

/** Two landmarks by index, and how far apart they are where nothing is foreshortened, in sides of the ROI. */
export type Bone = readonly [number, number, number];

/** What a landmark set says of an object that bends: an arm, a hand, an animal. */
export type Parts = {
  /** Neighbours; every landmark is in one bone at least. */ bones: readonly Bone[];
  /**
   * (K · N, C) unit vectors: what the landmarks look like in K of the annotated pictures, one picture after the other. A
   * landmark is where the best of its K is found. One of it, the mean, is in the set's own references.
   */
  references: Float32Array;
};

/** A bone that is off by so much has nothing to say; sides of the ROI. */
const tolerance = 0.06;
/** A bone that is too short is seen end-on: it is forgiven more. */
const shortness = 0.7;
/** Points say where the object is whose bones agree so far, and whose weight is such a share of the greatest. */
const leastTrust = 0.3;

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

/** How far a bone is off, sides of the ROI. */
const missOf = ([a, b, length]: Bone, points: readonly Point[], scale: number): number => {
  const miss = distance(points[a], points[b]) / scale - length;
  return miss < 0 ? -shortness * miss : miss;
};

const costOf = (miss: number): number => Math.min(1, (miss / tolerance) ** 2);

/** How well a point agrees with the rest, 0–1. @param residual as `fitParts` gives it */
export const partAgreement = (residual: number): number => 1 - costOf(residual);

/** The scale that most of the bones have, pixels of a side; 0 where none has one. */
const commonScale = (
  bones: readonly Bone[],
  points: readonly Point[],
  weights: ArrayLike<number>,
): number => {
  const weightOf = ([a, b]: Bone): number => weights[a] * weights[b];
  let best = 0;
  let bestCost = Infinity;
  for (const bone of bones) {
    const scale = distance(points[bone[0]], points[bone[1]]) / bone[2];
    if (!(scale > 0) || weightOf(bone) === 0) continue;
    const cost = bones.reduce((sum, one) => sum + weightOf(one) * costOf(missOf(one, points, scale)), 0);
    if (cost < bestCost) [best, bestCost] = [scale, cost];
  }
  return best;
};

/**
 * Lays the parts of an object on points of which some are wrong. A point agrees as well as the best of its bones.
 * @param points (N) found points, pixels
 * @param weights (N) how far to trust each point, ≥ 0
 * @returns as of `fitShape`, upright: its square lies around the points that agree. Undefined where none does.
 */
export const fitParts = (
  bones: readonly Bone[],
  points: readonly Point[],
  weights: ArrayLike<number>,
): ShapeFit | undefined => {
  const scale = commonScale(bones, points, weights);
  if (scale === 0) return undefined;
  const residuals = new Float64Array(points.length).fill(Infinity);
  for (const bone of bones) {
    const miss = missOf(bone, points, scale);
    for (const end of [bone[0], bone[1]]) residuals[end] = Math.min(residuals[end], miss);
  }
  const agreements = residuals.map(partAgreement);
  let [total, agreed, greatest] = [0, 0, 0];
  agreements.forEach((agreement, n) => {
    total += weights[n];
    agreed += weights[n] * agreement;
    greatest = Math.max(greatest, weights[n]);
  });
  const sure = points.filter((_, n) => agreements[n] >= leastTrust && weights[n] >= leastTrust * greatest);
  if (sure.length === 0) return undefined;
  const middle = (axis: 'x' | 'y'): number => {
    const places = sure.map((point) => point[axis]);
    return (Math.min(...places) + Math.max(...places)) / 2;
  };
  return {
    transform: { a: scale, b: 0, x0: middle('x') - scale / 2, y0: middle('y') - scale / 2 },
    agreement: agreed / total,
    residuals,
  };
};
