/**
 * Fits a pose to points of a picture under perspective: damped Gauss–Newton steps on reprojection errors, points that do
 * not fit counting less (Geman–McClure). Camera coordinates: x to the right, y up, z towards the camera, which looks along −z.
 */
import { factorizeInPlace, solveFactored } from '../geometry/positive-definite.ts';
import { multiplyInto, rotationOfVector, vectorOfRotation } from './solid-rotation.ts';

/** Where a head is. */
export type Placement = {
  /** (9) row-major, head to camera coordinates. */ rotation: Float64Array;
  /** (3) of the head's origin in camera coordinates, cm. */ translation: Float64Array;
};

/** Points as rays: (x, y, −1) in camera coordinates goes through the point. */
export type Rays = {
  /** (N). */ x: Float64Array;
  y: Float64Array;
  /** (N) one over the variance of the point, 1/cm² at the head's distance; 0 for points that do not count. */
  weights: Float64Array;
};

/** How far points lie beside where they should be, cm, beyond which they count for little. */
const outlier = 0.9;
const steps = 8;

/** A turn that is expected, and how sure it is: one over its variance, 1/rad². */
export type ExpectedTurn = { rotation: Float64Array; weight: number };

/** How much a point counts that lies so far beside where it should be, 0–1. */
export const trustOf = (dx: number, dy: number): number =>
  (outlier ** 2 / (outlier ** 2 + dx * dx + dy * dy)) ** 2;

/** (N, 3) of a shape in camera coordinates. @param out filled */
export const placeShape = (
  shape: ArrayLike<number>,
  { rotation: r, translation: t }: Placement,
  out: Float64Array | Float32Array,
): void => {
  for (let i = 0; i < shape.length; i += 3) {
    const [x, y, z] = [shape[i], shape[i + 1], shape[i + 2]];
    out[i] = r[0] * x + r[1] * y + r[2] * z + t[0];
    out[i + 1] = r[3] * x + r[4] * y + r[5] * z + t[1];
    out[i + 2] = r[6] * x + r[7] * y + r[8] * z + t[2];
  }
};

/** The two rows of a point's derivative by (rotation vector, translation), times its depth. @param rows (12) filled */
export const poseRows = (
  placed: ArrayLike<number>,
  at: number,
  t: ArrayLike<number>,
  depth: number,
  rows: Float64Array,
): void => {
  const [x, y, z] = [placed[at], placed[at + 1], placed[at + 2]];
  // What turns with the head: the place without its translation.
  const [px, py, pz] = [x - t[0], y - t[1], z - t[2]];
  // u = x / −z and v = y / −z; du · depth = dx + (x / depth) · dz.
  const [gx, gy] = [x / depth, y / depth];
  rows[0] = gx * py;
  rows[1] = pz - gx * px;
  rows[2] = -py;
  rows[3] = 1;
  rows[4] = 0;
  rows[5] = gx;
  rows[6] = -pz + gy * py;
  rows[7] = -gy * px;
  rows[8] = px;
  rows[9] = 0;
  rows[10] = 1;
  rows[11] = gy;
};

/** Rotation vector, camera coordinates, from a placement to the turn that is expected. */
const turnBetween = ({ rotation: r }: Placement, { rotation: e }: ExpectedTurn) => {
  const back = Float64Array.of(r[0], r[3], r[6], r[1], r[4], r[7], r[2], r[5], r[8]);
  return vectorOfRotation(multiplyInto(e, back, new Float64Array(9)));
};

/** What a fit found. */
export type PoseFit = Placement & {
  /** (N, 2) how far points lie from where the shape has them, cm at their depth: to the right, up. */
  residuals: Float64Array;
  /** Root of the weighted mean of squared residuals, cm. */ error: number;
  /** Share of the weight that fits, 0–1. */ inliers: number;
};

/** Fits poses of shapes of N points; it keeps its work space. */
export class PoseFitter {
  /** (N, 3) of the last fit, camera coordinates, cm. */ readonly placed: Float64Array;
  readonly #residuals: Float64Array;
  readonly #rows = new Float64Array(12);
  readonly #matrix = new Float64Array(36);
  readonly #right = new Float64Array(6);

  /** @param count N */
  constructor(count: number) {
    this.placed = new Float64Array(3 * count);
    this.#residuals = new Float64Array(2 * count);
  }

  /**
   * @param shape (N, 3) head coordinates, cm
   * @param start where to begin
   */
  fit(shape: ArrayLike<number>, rays: Rays, start: Placement, expected: ExpectedTurn): PoseFit {
    let now: Placement = { rotation: start.rotation.slice(), translation: start.translation.slice() };
    let found = this.#measure(shape, now, rays, expected);
    let damping = 1e-3;
    for (let step = 0; step < steps; step++) {
      const next = this.#step(now, rays, expected, damping);
      const tried = this.#measure(shape, next, rays, expected);
      if (tried.cost < found.cost && next.translation[2] < -1) {
        const isDone = found.cost - tried.cost < 1e-7 * found.cost;
        now = next;
        found = tried;
        damping *= 0.3;
        if (isDone) break;
      } else {
        damping = Math.max(1e-3, damping * 10);
        found = this.#measure(shape, now, rays, expected);
      }
    }
    const { error, inliers } = this.#measure(shape, now, rays, expected);
    return { ...now, residuals: this.#residuals.slice(), error, inliers };
  }

  /** Places the shape and tells the cost of it. */
  #measure(
    shape: ArrayLike<number>,
    placement: Placement,
    { x, y, weights }: Rays,
    expected: ExpectedTurn,
  ): { cost: number; error: number; inliers: number } {
    const { placed } = this;
    placeShape(shape, placement, placed);
    let [cost, squared, total, fits] = [0, 0, 0, 0];
    for (let i = 0; i < weights.length; i++) {
      const depth = Math.max(1, -placed[3 * i + 2]);
      const dx = x[i] * depth - placed[3 * i];
      const dy = y[i] * depth - placed[3 * i + 1];
      this.#residuals[2 * i] = dx;
      this.#residuals[2 * i + 1] = dy;
      const miss = dx * dx + dy * dy;
      const share = outlier ** 2 / (outlier ** 2 + miss);
      cost += weights[i] * miss * share;
      squared += weights[i] * miss * share * share;
      fits += weights[i] * share;
      total += weights[i];
    }
    const off = turnBetween(placement, expected);
    cost += expected.weight * (off[0] ** 2 + off[1] ** 2 + off[2] ** 2);
    const all = Math.max(total, 1e-9);
    return { cost, error: Math.sqrt(squared / all), inliers: fits / all };
  }

  /** Normal equations of one step, from what was measured last, solved. */
  #step(placement: Placement, { weights }: Rays, expected: ExpectedTurn, damping: number): Placement {
    const [matrix, right, rows] = [this.#matrix.fill(0), this.#right.fill(0), this.#rows];
    for (let i = 0; i < weights.length; i++) {
      if (weights[i] === 0) continue;
      const [dx, dy] = [this.#residuals[2 * i], this.#residuals[2 * i + 1]];
      const weight = weights[i] * trustOf(dx, dy);
      const depth = Math.max(1, -this.placed[3 * i + 2]);
      poseRows(this.placed, 3 * i, placement.translation, depth, rows);
      for (let p = 0; p < 6; p++) {
        right[p] += weight * (rows[p] * dx + rows[6 + p] * dy);
        for (let q = 0; q <= p; q++) {
          matrix[6 * p + q] += weight * (rows[p] * rows[q] + rows[6 + p] * rows[6 + q]);
        }
      }
    }
    const off = turnBetween(placement, expected);
    for (let p = 0; p < 3; p++) {
      right[p] += expected.weight * off[p];
      matrix[7 * p] += expected.weight;
    }
    for (let p = 0; p < 6; p++) matrix[7 * p] = matrix[7 * p] * (1 + damping) + 1e-9;
    factorizeInPlace(matrix, 6);
    solveFactored(matrix, 6, right);
    const turn = Math.hypot(right[0], right[1], right[2]);
    const shorten = turn > 0.6 ? 0.6 / turn : 1;
    const turned = rotationOfVector(right[0] * shorten, right[1] * shorten, right[2] * shorten);
    return {
      rotation: multiplyInto(turned, placement.rotation, new Float64Array(9)),
      translation: placement.translation.map((value, axis) => value + right[3 + axis]),
    };
  }
}
