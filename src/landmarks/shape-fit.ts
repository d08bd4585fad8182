import type { Point } from '../geometry/coordinates.ts';
import { applySimilarity, fitSimilarity, similarityScale, type Similarity } from '../geometry/similarity.ts';

export type ShapeFit = {
  /** Shape (its own units) to points (pixels). */ transform: Similarity;
  /** Weighted share of the points that agree with it, each counted the less the further it lies off, 0–1. */
  agreement: number;
  /** How far each point lies from its fitted place, in `size` units of the shape. */ residuals: Float64Array;
};

export type ShapeFitOptions = {
  /** A point further off than this counts as wrong; share of the shape's extent. Default 0.12. */ tolerance?: number;
  /** Pairs of points tried. Default 120. */ trials?: number;
};

/** Rounds of reweighting after which a fit moves by less than a thousandth. */
const settlingRounds = 6;

/** Longer side of the box of some points, in their unit. */
export const shapeExtent = (points: readonly Point[]): number => {
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  return Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
};

/** Small repeatable generator (Lehmer, 2³¹ − 1): the same matches must always give the same fit. */
const createPicker = (): ((count: number) => number) => {
  let state = 20_190_827;
  return (count) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % count;
  };
};

/**
 * Similarity from a reference shape to points of which some are wrong: pairs of points propose (RANSAC, Fischler and
 * Bolles 1981), truncated squares judge (MSAC, Torr and Zisserman 2000), reweighted least squares refines.
 * @param shape (N) reference points, any unit
 * @param points (N) found points, pixels
 * @param weights (N) how far to trust each point, ≥ 0
 * @returns undefined where the points allow no fit (all weights zero, or all points in one place)
 */
export const fitShape = (
  shape: readonly Point[],
  points: readonly Point[],
  weights: ArrayLike<number>,
  { tolerance = 0.12, trials = 120 }: ShapeFitOptions = {},
): ShapeFit | undefined => {
  const count = shape.length;
  const extent = shapeExtent(shape);
  let total = 0;
  for (let i = 0; i < count; i++) total += weights[i];
  if (!(total > 0) || count < 2) return undefined;

  /** Truncated squared residuals, weighted: 0 is a perfect fit, `total` none at all. */
  const cost = (transform: Similarity): number => {
    const limit = (tolerance * extent) ** 2 * (transform.a ** 2 + transform.b ** 2);
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const dx = transform.a * shape[i].x - transform.b * shape[i].y + transform.x0 - points[i].x;
      const dy = transform.b * shape[i].x + transform.a * shape[i].y + transform.y0 - points[i].y;
      sum += weights[i] * Math.min(1, (dx * dx + dy * dy) / limit);
    }
    return sum;
  };

  const pick = createPicker();
  let best: Similarity | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  const consider = (transform: Similarity | undefined): void => {
    if (transform === undefined || !(similarityScale(transform) > 0)) return;
    const itsCost = cost(transform);
    if (itsCost < bestCost) {
      best = transform;
      bestCost = itsCost;
    }
  };
  for (let trial = 0; trial < trials; trial++) {
    const i = pick(count);
    const j = pick(count);
    // Neighbours fix the scale badly.
    if (Math.hypot(shape[i].x - shape[j].x, shape[i].y - shape[j].y) < 0.25 * extent) continue;
    if (weights[i] === 0 || weights[j] === 0) continue;
    consider(throughPair(shape[i], shape[j], points[i], points[j]));
  }
  if (best === undefined) return undefined;
  // Which pair wins is chance: two of them that are as good lie apart by their own noise. Where this settles does not go by it.
  let transform: Similarity = best;
  for (let round = 0; round < settlingRounds; round++) {
    transform = reweighted(shape, points, weights, transform, tolerance * extent) ?? transform;
  }
  const scale = similarityScale(transform);
  const residuals = Float64Array.from(shape, (from, i) => {
    const fitted = applySimilarity(transform, from);
    return Math.hypot(fitted.x - points[i].x, fitted.y - points[i].y) / scale / extent;
  });
  return { transform, agreement: 1 - cost(transform) / total, residuals };
};

/** The similarity that takes a to p and b to q. */
const throughPair = (a: Point, b: Point, p: Point, q: Point): Similarity => {
  const from = { x: b.x - a.x, y: b.y - a.y };
  const to = { x: q.x - p.x, y: q.y - p.y };
  const squared = from.x ** 2 + from.y ** 2;
  const real = (from.x * to.x + from.y * to.y) / squared;
  const imaginary = (from.x * to.y - from.y * to.x) / squared;
  return {
    a: real,
    b: imaginary,
    x0: p.x - real * a.x + imaginary * a.y,
    y0: p.y - imaginary * a.x - real * a.y,
  };
};

/** Least squares with Tukey's weights around `current`; undefined where nothing is near it. */
const reweighted = (
  shape: readonly Point[],
  points: readonly Point[],
  weights: ArrayLike<number>,
  current: Similarity,
  limit: number,
): Similarity | undefined => {
  const reach = 1.5 * limit * similarityScale(current);
  const trusted = new Float64Array(shape.length);
  let used = 0;
  for (let i = 0; i < shape.length; i++) {
    const fitted = applySimilarity(current, shape[i]);
    const distance = Math.hypot(fitted.x - points[i].x, fitted.y - points[i].y) / reach;
    trusted[i] = distance < 1 ? weights[i] * (1 - distance ** 2) ** 2 : 0;
    if (trusted[i] > 0) used++;
  }
  return used < 3 ? undefined : fitSimilarity(shape, points, trusted);
};
