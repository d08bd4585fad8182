import { InputError } from '../errors.ts';
import type { Point } from './coordinates.ts';

/**
 * Similarity transform (rotation, uniform scale, translation; never a reflection):
 * x' = a·x − b·y + x0, y' = b·x + a·y + y0.
 * Scale is √(a² + b²); rotation is atan2(b, a), radians, clockwise on screen.
 */
export type Similarity = { a: number; b: number; x0: number; y0: number };

export const identitySimilarity: Similarity = { a: 1, b: 0, x0: 0, y0: 0 };

/**
 * The similarity that scales and rotates about the origin and then translates.
 * @param rotation radians, clockwise on screen
 */
export const createSimilarity = (scale: number, rotation: number, translation: Point): Similarity => ({
  a: scale * Math.cos(rotation),
  b: scale * Math.sin(rotation),
  x0: translation.x,
  y0: translation.y,
});

export const applySimilarity = (transform: Similarity, point: Point): Point => ({
  x: transform.a * point.x - transform.b * point.y + transform.x0,
  y: transform.b * point.x + transform.a * point.y + transform.y0,
});

/** The transform that applies `first`, then `second`. */
export const composeSimilarity = (second: Similarity, first: Similarity): Similarity => {
  const origin = applySimilarity(second, { x: first.x0, y: first.y0 });
  return {
    a: second.a * first.a - second.b * first.b,
    b: second.b * first.a + second.a * first.b,
    x0: origin.x,
    y0: origin.y,
  };
};

/** @throws InputError where the scale is zero or not finite */
export const invertSimilarity = ({ a, b, x0, y0 }: Similarity): Similarity => {
  const squared = a * a + b * b;
  if (!(squared > 0) || !Number.isFinite(squared)) {
    throw new InputError(
      `A similarity of scale ${Math.sqrt(squared)} has no inverse. Pass one with a scale above 0.`,
    );
  }
  const inverse: Similarity = { a: a / squared, b: -b / squared, x0: 0, y0: 0 };
  const origin = applySimilarity(inverse, { x: x0, y: y0 });
  return { ...inverse, x0: -origin.x, y0: -origin.y };
};

export const similarityScale = ({ a, b }: Similarity): number => Math.hypot(a, b);

/** Radians, clockwise on screen, in (−π, π]. */
export const similarityRotation = ({ a, b }: Similarity): number => Math.atan2(b, a);

/**
 * Weighted least-squares similarity: minimises Σ weight · ‖T(from) − to‖². Closed form (Umeyama 1991 in two
 * dimensions without reflections).
 * @param weights one per point, ≥ 0; all 1 by default
 * @throws InputError for lists of different lengths, or fewer than two distinct points of positive weight
 */
export const fitSimilarity = (
  from: readonly Point[],
  to: readonly Point[],
  weights?: ArrayLike<number>,
): Similarity => {
  if (from.length !== to.length || (weights !== undefined && weights.length !== from.length)) {
    throw new InputError(
      `A similarity fit got ${from.length} points, ${to.length} targets and ${weights?.length ?? from.length} weights. Pass one of each per point.`,
    );
  }
  const weightOf = (index: number): number => weights?.[index] ?? 1;
  let total = 0;
  let fromX = 0;
  let fromY = 0;
  let toX = 0;
  let toY = 0;
  for (let i = 0; i < from.length; i++) {
    const weight = weightOf(i);
    total += weight;
    fromX += weight * from[i].x;
    fromY += weight * from[i].y;
    toX += weight * to[i].x;
    toY += weight * to[i].y;
  }
  fromX /= total;
  fromY /= total;
  toX /= total;
  toY /= total;
  let spread = 0;
  let dot = 0;
  let cross = 0;
  for (let i = 0; i < from.length; i++) {
    const weight = weightOf(i);
    const fx = from[i].x - fromX;
    const fy = from[i].y - fromY;
    const tx = to[i].x - toX;
    const ty = to[i].y - toY;
    spread += weight * (fx * fx + fy * fy);
    dot += weight * (fx * tx + fy * ty);
    cross += weight * (fx * ty - fy * tx);
  }
  if (!(spread > 0)) {
    throw new InputError(
      `A similarity fit needs two distinct points of positive weight and got ${from.length} points that coincide. Pass points that lie apart.`,
    );
  }
  const a = dot / spread;
  const b = cross / spread;
  return { a, b, x0: toX - a * fromX + b * fromY, y0: toY - b * fromX - a * fromY };
};
