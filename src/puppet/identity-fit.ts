/**
 * Who is seen, fitted over time: weights of the identity modes by least squares over all frames so far, each frame's pose
 * free (eliminated by its Schur complement), so that turned views tell depth and size stays steady.
 */
import { factorizeInPlace, solveFactored } from '../geometry/positive-definite.ts';
import { poseRows, trustOf, type Placement, type PoseFit, type Rays } from './pose-fit.ts';

/** Frames of a second look alike: what is known of somebody grows with time, not with frames. */
const secondsPerLook = 0.4;
/** Looks beyond which older ones are forgotten. */
const memory = 40;

/** Fits the identity of one person. */
export class IdentityFit {
  /** (K) weights, N(0, 1) over people. */ readonly weights: Float64Array;
  /** (N, 3) landmarks at rest of this person, cm. */ readonly shape: Float64Array;
  readonly #neutral: Float64Array;
  /** (K, N, 3). */ readonly #modes: Float64Array;
  readonly #count: number;
  readonly #matrix: Float64Array;
  readonly #right: Float64Array;
  #looks = 0;
  #last: number | undefined;

  /** @param neutral (N, 3) @param modes (K, N, 3) */
  constructor(neutral: Float64Array, modes: Float64Array) {
    this.#neutral = neutral;
    this.#modes = modes;
    this.#count = modes.length / neutral.length;
    this.weights = new Float64Array(this.#count);
    this.shape = neutral.slice();
    this.#matrix = new Float64Array(this.#count ** 2);
    this.#right = new Float64Array(this.#count);
  }

  /** Forgets the person. */
  reset(): void {
    this.#matrix.fill(0);
    this.#right.fill(0);
    this.#looks = 0;
    this.#last = undefined;
    this.weights.fill(0);
    this.shape.set(this.#neutral);
  }

  /**
   * Learns from a frame.
   * @param placed (N, 3) landmarks of the fit in camera coordinates
   * @param timestamp seconds; one that stands still or goes back teaches nothing
   */
  add(fit: PoseFit, placed: Float64Array, rays: Rays, timestamp: number): void {
    const passed = this.#last === undefined ? Infinity : timestamp - this.#last;
    if (!(passed > 0)) return;
    this.#last = timestamp;
    const share = Math.min(1, passed / secondsPerLook);
    this.#looks += share;
    if (this.#looks > memory) {
      const kept = memory / this.#looks;
      for (let i = 0; i < this.#matrix.length; i++) this.#matrix[i] *= kept;
      for (let k = 0; k < this.#count; k++) this.#right[k] *= kept;
      this.#looks = memory;
    }
    this.#accumulate(fit, placed, rays, share);
    this.#solve();
  }

  #accumulate(fit: PoseFit, placed: Float64Array, { weights }: Rays, share: number): void {
    const k = this.#count;
    const size = 6 + k;
    const all = new Float64Array(size * size);
    const pull = new Float64Array(size);
    const rows = new Float64Array(12);
    const [first, second] = [new Float64Array(size), new Float64Array(size)];
    for (let i = 0; i < weights.length; i++) {
      if (weights[i] === 0) continue;
      const depth = Math.max(1, -placed[3 * i + 2]);
      poseRows(placed, 3 * i, fit.translation, depth, rows);
      first.set(rows.subarray(0, 6));
      second.set(rows.subarray(6, 12));
      this.#modeRows(fit, placed, i, depth, first, second);
      const [dx, dy] = [fit.residuals[2 * i], fit.residuals[2 * i + 1]];
      const trust = weights[i] * trustOf(dx, dy);
      // Linear about the present weights: what they explain already is put back.
      let [ex, ey] = [dx, dy];
      for (let m = 0; m < k; m++) {
        ex += first[6 + m] * this.weights[m];
        ey += second[6 + m] * this.weights[m];
      }
      for (let p = 0; p < size; p++) {
        const [wx, wy] = [trust * first[p], trust * second[p]];
        pull[p] += wx * ex + wy * ey;
        for (let q = 0; q <= p; q++) all[p * size + q] += wx * first[q] + wy * second[q];
      }
    }
    this.#eliminatePose(all, pull, share);
  }

  /** Derivatives of a point by the modes, times its depth, behind those by the pose. */
  #modeRows(
    { rotation: r }: Placement,
    placed: Float64Array,
    point: number,
    depth: number,
    first: Float64Array,
    second: Float64Array,
  ): void {
    const length = this.#neutral.length;
    const [gx, gy] = [placed[3 * point] / depth, placed[3 * point + 1] / depth];
    for (let m = 0; m < this.#count; m++) {
      const at = m * length + 3 * point;
      const [x, y, z] = [this.#modes[at], this.#modes[at + 1], this.#modes[at + 2]];
      const nearer = r[6] * x + r[7] * y + r[8] * z;
      first[6 + m] = r[0] * x + r[1] * y + r[2] * z + gx * nearer;
      second[6 + m] = r[3] * x + r[4] * y + r[5] * z + gy * nearer;
    }
  }

  /** What is left for the modes when the pose takes what it can: M − C·P⁻¹·Cᵀ. @param all lower triangle */
  #eliminatePose(all: Float64Array, pull: Float64Array, share: number): void {
    const k = this.#count;
    const size = 6 + k;
    const pose = new Float64Array(36);
    const solved = new Float64Array(6 * (k + 1));
    for (let p = 0; p < 6; p++) {
      for (let q = 0; q <= p; q++) pose[6 * p + q] = all[p * size + q];
      pose[7 * p] += 1e-9;
      for (let m = 0; m < k; m++) solved[6 * m + p] = all[(6 + m) * size + p];
      solved[6 * k + p] = pull[p];
    }
    const coupling = solved.slice();
    factorizeInPlace(pose, 6);
    solveFactored(pose, 6, solved);
    for (let m = 0; m < k; m++) {
      for (let n = 0; n <= m; n++) {
        let value = all[(6 + m) * size + 6 + n];
        for (let p = 0; p < 6; p++) value -= coupling[6 * m + p] * solved[6 * n + p];
        this.#matrix[m * k + n] += share * value;
      }
      let value = pull[6 + m];
      for (let p = 0; p < 6; p++) value -= coupling[6 * m + p] * solved[6 * k + p];
      this.#right[m] += share * value;
    }
  }

  #solve(): void {
    const k = this.#count;
    const factor = this.#matrix.slice();
    // Weights are N(0, 1) before anything is seen.
    for (let m = 0; m < k; m++) factor[m * k + m] += 1;
    factorizeInPlace(factor, k);
    const solved = solveFactored(factor, k, this.#right.slice());
    this.shape.set(this.#neutral);
    for (let m = 0; m < k; m++) {
      const weight = Math.max(-3, Math.min(3, solved[m]));
      this.weights[m] = weight;
      for (let i = 0; i < this.shape.length; i++)
        this.shape[i] += weight * this.#modes[m * this.shape.length + i];
    }
  }
}
