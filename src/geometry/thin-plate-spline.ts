import { InputError } from '../errors.ts';
import type { Point } from './coordinates.ts';

/** A fitted thin-plate spline: a smooth map of the plane that bends as little as its control points allow. */
export type ThinPlateSpline = {
  /** Control points, in the units of the input. */ controls: readonly Point[];
  /** One radial weight per control, then the affine rows for 1, x and y. */ weights: readonly Point[];
};

/** Radial kernel r² log r, written in r² (Bookstein 1989). */
const kernel = (squared: number): number => (squared > 0 ? 0.5 * squared * Math.log(squared) : 0);

/**
 * Solves A·X = B by Gaussian elimination with partial pivoting; A (n × n) and B (n × m), row-major, are
 * overwritten, B with the solution. Returns false where A is singular.
 */
const solveInPlace = (matrix: Float64Array, right: Float64Array, n: number, m: number): boolean => {
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column + 1; row < n; row++) {
      if (Math.abs(matrix[row * n + column]) > Math.abs(matrix[pivot * n + column])) pivot = row;
    }
    if (!(Math.abs(matrix[pivot * n + column]) > 1e-12)) return false;
    for (let k = 0; k < n; k++) {
      const kept = matrix[column * n + k];
      matrix[column * n + k] = matrix[pivot * n + k];
      matrix[pivot * n + k] = kept;
    }
    for (let k = 0; k < m; k++) {
      const kept = right[column * m + k];
      right[column * m + k] = right[pivot * m + k];
      right[pivot * m + k] = kept;
    }
    for (let row = 0; row < n; row++) {
      if (row === column) continue;
      const factor = matrix[row * n + column] / matrix[column * n + column];
      if (factor === 0) continue;
      for (let k = column; k < n; k++) matrix[row * n + k] -= factor * matrix[column * n + k];
      for (let k = 0; k < m; k++) right[row * m + k] -= factor * right[column * m + k];
    }
  }
  for (let row = 0; row < n; row++) {
    for (let k = 0; k < m; k++) right[row * m + k] /= matrix[row * n + row];
  }
  return true;
};

/** The (n + 3)² spline system of `n` controls: kernel block, affine block, zeros. */
const systemMatrix = (controls: readonly Point[], smoothing: number): Float64Array => {
  const n = controls.length;
  const size = n + 3;
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < n; i++) {
    const { x, y } = controls[i];
    for (let j = 0; j < n; j++) {
      matrix[i * size + j] = kernel((x - controls[j].x) ** 2 + (y - controls[j].y) ** 2);
    }
    matrix[i * size + i] += smoothing;
    const affine = [1, x, y];
    for (let k = 0; k < 3; k++) {
      matrix[i * size + n + k] = affine[k];
      matrix[(n + k) * size + i] = affine[k];
    }
  }
  return matrix;
};

const degenerate = (count: number): InputError =>
  new InputError(
    `A thin-plate spline cannot be fitted to ${count} control points that coincide or lie on one line. Pass at least three that do not.`,
  );

/**
 * Fits the spline that takes every `from` to its `to` (exactly, where `smoothing` is 0).
 * @param smoothing ≥ 0, in squared units of the input; larger values bend less and miss the targets
 * @throws InputError for lists of different lengths, and for controls that coincide or lie on one line
 */
export const fitThinPlateSpline = (
  from: readonly Point[],
  to: readonly Point[],
  smoothing = 0,
): ThinPlateSpline => {
  if (from.length !== to.length) {
    throw new InputError(
      `A thin-plate spline got ${from.length} control points and ${to.length} targets. Pass one target per control point.`,
    );
  }
  const size = from.length + 3;
  const right = new Float64Array(size * 2);
  to.forEach((point, i) => {
    right[i * 2] = point.x;
    right[i * 2 + 1] = point.y;
  });
  if (from.length < 3 || !solveInPlace(systemMatrix(from, smoothing), right, size, 2)) {
    throw degenerate(from.length);
  }
  const weights = Array.from({ length: size }, (_, i) => ({ x: right[i * 2], y: right[i * 2 + 1] }));
  return { controls: [...from], weights };
};

/** Where the spline takes `point`; input and output in the units of the fit. */
export const applyThinPlateSpline = ({ controls, weights }: ThinPlateSpline, point: Point): Point => {
  const n = controls.length;
  let x = weights[n].x + weights[n + 1].x * point.x + weights[n + 2].x * point.y;
  let y = weights[n].y + weights[n + 1].y * point.x + weights[n + 2].y * point.y;
  for (let i = 0; i < n; i++) {
    const value = kernel((point.x - controls[i].x) ** 2 + (point.y - controls[i].y) ** 2);
    x += weights[i].x * value;
    y += weights[i].y * value;
  }
  return { x, y };
};

/**
 * The spline as a linear map: a spline's value at fixed positions is linear in its target values, so many splines
 * over the same controls cost one matrix product each.
 * @returns (at.length × controls.length), row-major: value at `at[i]` = Σ_j matrix[i, j] · target value of control j
 * @throws InputError for controls that coincide or lie on one line
 */
export const thinPlateSplineMatrix = (controls: readonly Point[], at: readonly Point[]): Float64Array => {
  const n = controls.length;
  const size = n + 3;
  const inverse = new Float64Array(size * n);
  for (let i = 0; i < n; i++) inverse[i * n + i] = 1;
  if (n < 3 || !solveInPlace(systemMatrix(controls, 0), inverse, size, n)) throw degenerate(n);
  const matrix = new Float64Array(at.length * n);
  const basis = new Float64Array(size);
  at.forEach((point, row) => {
    for (let j = 0; j < n; j++) {
      basis[j] = kernel((point.x - controls[j].x) ** 2 + (point.y - controls[j].y) ** 2);
    }
    basis[n] = 1;
    basis[n + 1] = point.x;
    basis[n + 2] = point.y;
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < size; k++) sum += basis[k] * inverse[k * n + j];
      matrix[row * n + j] = sum;
    }
  });
  return matrix;
};
