import type { Point } from '../geometry/coordinates.ts';
import { factorizeInPlace, solveFactored } from '../geometry/positive-definite.ts';

/** How the landmarks of a category move together: principal components of annotated shapes (Cootes et al. 1995). */
export type ShapeModel = {
  /** (K, 2N) orthonormal rows over x and y of each landmark in turn. */ components: Float32Array;
  /** (K) of the shapes along them, squared sides of the ROI. */ variances: Float32Array;
};

/** y = up · down · x + offset. */
export type LowRankMap = {
  /** (R, F) */ down: Float32Array;
  /** (2N, R) */ up: Float32Array;
  /** (2N) */ offset: Float32Array;
};

/**
 * Where landmarks really are, told from all matches together. Matches follow what deforms only part of the way; how far
 * they are off shows in where the others were found, and in the embedding at that place. Two linear maps, one after the
 * other, as in supervised descent (Xiong and De la Torre 2013): fitted by ridge regression on annotated pictures, see
 * `fitRefiner`. All points are in the frame of the fitted mean shape, sides of the ROI.
 */
export type Refiner = {
  shape: ShapeModel;
  /** (D, C): what of an embedding counts. */ projection: Float32Array;
  /** From 2N coordinates off the mean shape to what is missing. */ fromCoordinates: LowRankMap;
  /** From N·D projected embeddings at these places, and 2N coordinates, to what is still missing; rank 0 for nothing. */
  fromEmbeddings: LowRankMap;
};

/** A match this far off what the others say begins to count less; sides of the ROI. */
const strayFrom = 0.02;
const strayRounds = 4;

/** Small growth, turns and shifts of a shape as rows over its 2N coordinates. */
const similarityRows = (shape: readonly Point[]): number[] => [
  ...shape.flatMap(({ x, y }) => [x, y]),
  ...shape.flatMap(({ x, y }) => [-y, x]),
  ...shape.flatMap(() => [1, 0]),
  ...shape.flatMap(() => [0, 1]),
];

const bases = new WeakMap<Float32Array, Float64Array>();

/** Similarity and components below each other, (4 + K, 2N); the same in every frame, so it is kept for each model. */
const basisOf = (components: ShapeModel['components'], meanShape: readonly Point[]): Float64Array => {
  let basis = bases.get(components);
  if (basis === undefined) {
    basis = Float64Array.of(...similarityRows(meanShape), ...components);
    bases.set(components, basis);
  }
  return basis;
};

/**
 * Pulls points that stray towards where the shape model has them by the others: reweighted least squares for the model's
 * coefficients, then what is left of a point beyond twice {@link strayFrom} is cut off. A covered mouth must not bend the
 * eyes.
 * @param points (N) in the frame of `meanShape`
 * @returns (N) same frame; points that the model explains stay where they are
 */
export const pullStrays = (
  points: readonly Point[],
  meanShape: readonly Point[],
  { components, variances }: ShapeModel,
): Point[] => {
  const size = 2 * points.length;
  const count = 4 + variances.length;
  const basis = basisOf(components, meanShape);
  const off = new Float64Array(size);
  const explained = new Float64Array(size);
  const trust = new Float64Array(points.length).fill(1);
  const beyond = new Float64Array(points.length);
  points.forEach(({ x, y }, n) => {
    off[2 * n] = x - meanShape[n].x;
    off[2 * n + 1] = y - meanShape[n].y;
  });
  for (let round = 0; round < strayRounds; round++) {
    const matrix = new Float64Array(count * count);
    const coefficients = new Float64Array(count);
    for (let a = 0; a < count; a++) {
      // What is known beforehand: how far shapes lie along each component; nothing of place, size and turn.
      matrix[a * count + a] = a < 4 ? 1e-6 : strayFrom ** 2 / Math.max(variances[a - 4], 1e-12);
    }
    // Point by point, so that the sums go on side by side: one after the other each term would wait for the one before.
    for (let i = 0; i < size; i += 2) {
      for (let a = 0; a < count; a++) {
        const x = trust[i / 2] * basis[a * size + i];
        const y = trust[i / 2] * basis[a * size + i + 1];
        coefficients[a] += x * off[i] + y * off[i + 1];
        for (let b = 0, at = i; b <= a; b++, at += size)
          matrix[a * count + b] += x * basis[at] + y * basis[at + 1];
      }
    }
    factorizeInPlace(matrix, count);
    solveFactored(matrix, count, coefficients);
    explained.fill(0);
    coefficients.forEach((coefficient, a) => {
      for (let i = 0; i < size; i++) explained[i] += coefficient * basis[a * size + i];
    });
    points.forEach((_, n) => {
      beyond[n] =
        Math.hypot(off[2 * n] - explained[2 * n], off[2 * n + 1] - explained[2 * n + 1]) / (2 * strayFrom);
      trust[n] = 1 / (1 + beyond[n] ** 2) ** 2;
    });
  }
  return points.map((_, n) => {
    const keep = Math.min(1, 1 / beyond[n]);
    const at = (i: number): number => explained[i] + keep * (off[i] - explained[i]);
    return { x: meanShape[n].x + at(2 * n), y: meanShape[n].y + at(2 * n + 1) };
  });
};

/** Sum of products of b and as many values of a from `at` on. Two sums at once: each waits for itself only. */
const dot = (a: Float32Array, at: number, b: Float32Array): number => {
  let even = 0;
  let odd = 0;
  let i = 1;
  for (; i < b.length; i += 2) {
    even += a[at + i - 1] * b[i - 1];
    odd += a[at + i] * b[i];
  }
  return i > b.length ? even + odd : even + odd + a[at + i - 1] * b[i - 1];
};

/** Writes points as coordinates off the mean shape. @param out from `start` on, 2N values */
export const writeCoordinates = (
  points: readonly Point[],
  meanShape: readonly Point[],
  out: Float32Array,
  start: number,
): void => {
  points.forEach(({ x, y }, n) => {
    out[start + 2 * n] = x - meanShape[n].x;
    out[start + 2 * n + 1] = y - meanShape[n].y;
  });
};

/** Writes what of an embedding counts. @param embedding (C) @param out D values from `start` on */
export const projectEmbedding = (
  projection: Float32Array,
  embedding: Float32Array,
  out: Float32Array,
  start: number,
): void => {
  const channels = embedding.length;
  for (let d = 0; d * channels < projection.length; d++)
    out[start + d] = dot(projection, d * channels, embedding);
};

/** @param input (F) @returns `points` moved by what the map says */
export const moveBy = (
  { down, up, offset }: LowRankMap,
  input: Float32Array,
  points: readonly Point[],
): Point[] => {
  const rank = up.length / offset.length;
  const inner = new Float32Array(rank);
  for (let r = 0; r < rank; r++) inner[r] = dot(down, r * input.length, input);
  const moved = (value: number, i: number): number => value + offset[i] + dot(up, i * rank, inner);
  return points.map(({ x, y }, n) => ({ x: moved(x, 2 * n), y: moved(y, 2 * n + 1) }));
};

/** Whether the map looks at embeddings at all: few annotated pictures do not tell what is to be seen there. */
export const usesEmbeddings = ({ up }: LowRankMap): boolean => up.length > 0;

/**
 * Refines the matches of one look.
 * @param points (N) matches in the frame of `meanShape`
 * @param embeddingsAt the embeddings (N, C) of the crop at points of that frame
 * @returns (N) same frame
 */
export const refinePoints = (
  { shape, projection, fromCoordinates, fromEmbeddings }: Refiner,
  points: readonly Point[],
  meanShape: readonly Point[],
  embeddingsAt: (points: readonly Point[]) => Float32Array,
): Point[] => {
  const pulled = pullStrays(points, meanShape, shape);
  const coordinates = new Float32Array(2 * points.length);
  writeCoordinates(pulled, meanShape, coordinates, 0);
  const nearer = moveBy(fromCoordinates, coordinates, pulled);
  if (!usesEmbeddings(fromEmbeddings)) return nearer;
  const seen = embeddingsAt(nearer);
  const channels = seen.length / points.length;
  const dimensions = projection.length / channels;
  const input = new Float32Array(points.length * (dimensions + 2));
  for (let n = 0; n < points.length; n++) {
    projectEmbedding(projection, seen.subarray(n * channels, (n + 1) * channels), input, n * dimensions);
  }
  writeCoordinates(nearer, meanShape, input, points.length * dimensions);
  return moveBy(fromEmbeddings, input, nearer);
};
