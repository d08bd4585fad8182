import { derivatives, pad, type GrayImage } from './plane.ts';

/**
 * Motion of a patch: displacement (u, v) of its centre, and its change per pixel around it. The pixel at
 * offset (x, y) from the centre moves by (u + j0·x + j1·y, v + j2·x + j3·y): [u, v, j0, j1, j2, j3].
 */
export type PatchMotion = Float64Array;
export const MOTION_LENGTH = 6;

/** How far a patch may lie outside the second picture, pixels. */
const MARGIN = 16;

/**
 * Compares one square patch of a first picture with a second one under trial motions.
 * Inverse compositional search: Kroeger et al., ECCV 2016, section 2.1 (there with translations only).
 */
export class PatchMatcher {
  /** Right-hand side of the descent step at the motion that {@link cost} was last called with. */
  slopeX = 0;
  slopeY = 0;

  private readonly a: GrayImage;
  private readonly gradientX: Float32Array;
  private readonly gradientY: Float32Array;
  private readonly target: GrayImage;
  private readonly size: number;

  // The current patch: position, brightness, gradients with their sums, inverse Hessian.
  private left = 0;
  private top = 0;
  private readonly template: Float32Array;
  private readonly templateX: Float32Array;
  private readonly templateY: Float32Array;
  private sumX = 0;
  private sumY = 0;
  private inverse11 = 0;
  private inverse12 = 0;
  private inverse22 = 0;

  /** @param a, b pictures of the same size, at least `size` on each side */
  constructor(a: GrayImage, b: GrayImage, size: number) {
    const gradient = derivatives(a);
    this.a = a;
    this.gradientX = gradient.x;
    this.gradientY = gradient.y;
    this.target = pad(b, MARGIN);
    this.size = size;
    this.template = new Float32Array(size * size);
    this.templateX = new Float32Array(size * size);
    this.templateY = new Float32Array(size * size);
  }

  /**
   * Chooses the patch whose top-left pixel is (left, top).
   * @returns whether it has texture in two directions, without which a descent step means nothing
   */
  load(left: number, top: number): boolean {
    const { size, template, templateX, templateY } = this;
    const area = size * size;
    let h11 = 0;
    let h12 = 0;
    let h22 = 0;
    let sumX = 0;
    let sumY = 0;
    for (let y = 0, k = 0; y < size; y++) {
      let index = (top + y) * this.a.width + left;
      for (let x = 0; x < size; x++, k++, index++) {
        const gx = this.gradientX[index];
        const gy = this.gradientY[index];
        template[k] = this.a.data[index];
        templateX[k] = gx;
        templateY[k] = gy;
        sumX += gx;
        sumY += gy;
        h11 += gx * gx;
        h12 += gx * gy;
        h22 += gy * gy;
      }
    }
    // The mean of a patch is not compared, so it drops out of the gradients as well.
    h11 -= (sumX * sumX) / area;
    h12 -= (sumX * sumY) / area;
    h22 -= (sumY * sumY) / area;
    const determinant = h11 * h22 - h12 * h12;
    this.left = left;
    this.top = top;
    this.sumX = sumX;
    this.sumY = sumY;
    this.inverse11 = h22 / determinant;
    this.inverse12 = -h12 / determinant;
    this.inverse22 = h11 / determinant;
    return determinant > 1e-3 * (h11 + h22) ** 2 && determinant > 1;
  }

  /** Sum of squared differences under `motion` after removing the mean difference; sets the slope. */
  cost(motion: PatchMotion): number {
    const { size, template, templateX, templateY } = this;
    const { data, width, height } = this.target;
    const maxX = width - 1.001;
    const maxY = height - 1.001;
    const j1 = motion[3];
    const j2 = motion[4];
    const stepX = 1 + motion[2];
    const stepY = 1 + motion[5];
    const half = (size - 1) / 2;
    const cornerX = this.left + motion[0] - half * (motion[2] + j1) + MARGIN;
    const cornerY = this.top + motion[1] - half * (j2 + motion[5]) + MARGIN;
    let sum = 0;
    let squares = 0;
    let crossX = 0;
    let crossY = 0;
    for (let row = 0, k = 0; row < size; row++) {
      let x = cornerX + row * j1;
      let y = cornerY + row * stepY;
      for (let column = 0; column < size; column++, k++, x += stepX, y += j2) {
        const clampedX = x < 0 ? 0 : x > maxX ? maxX : x;
        const clampedY = y < 0 ? 0 : y > maxY ? maxY : y;
        const x0 = clampedX | 0;
        const y0 = clampedY | 0;
        const fx = clampedX - x0;
        const index = y0 * width + x0;
        const upper = data[index] + fx * (data[index + 1] - data[index]);
        const lower = data[index + width] + fx * (data[index + width + 1] - data[index + width]);
        const difference = upper + (clampedY - y0) * (lower - upper) - template[k];
        sum += difference;
        squares += difference * difference;
        crossX += difference * templateX[k];
        crossY += difference * templateY[k];
      }
    }
    const area = size * size;
    this.slopeX = crossX - (this.sumX * sum) / area;
    this.slopeY = crossY - (this.sumY * sum) / area;
    return squares - (sum * sum) / area;
  }

  /** Moves `motion` by the descent step that belongs to a slope; returns the step's squared length. */
  step(motion: PatchMotion, slopeX: number, slopeY: number): number {
    const x = this.inverse11 * slopeX + this.inverse12 * slopeY;
    const y = this.inverse12 * slopeX + this.inverse22 * slopeY;
    // The step is one of the template; in the second picture it is bent like the patch.
    motion[0] -= x + motion[2] * x + motion[3] * y;
    motion[1] -= y + motion[4] * x + motion[5] * y;
    return x * x + y * y;
  }

  /**
   * Adds the motion of the patch at (left, top) to a dense flow, each pixel weighted by how well the motion explains it:
   * 1 / max(1, |brightness difference|). Kroeger et al., section 2.2.
   * @param sumX, sumY, weight sums of weighted displacements and of weights, size of the first picture
   */
  splat(
    left: number,
    top: number,
    motion: PatchMotion,
    sumX: Float32Array,
    sumY: Float32Array,
    weight: Float32Array,
  ): void {
    const { size } = this;
    const { data, width, height } = this.target;
    const half = (size - 1) / 2;
    for (let row = 0; row < size; row++) {
      let index = (top + row) * this.a.width + left;
      for (let column = 0; column < size; column++, index++) {
        const u = motion[0] + motion[2] * (column - half) + motion[3] * (row - half);
        const v = motion[1] + motion[4] * (column - half) + motion[5] * (row - half);
        const x = Math.min(Math.max(left + column + u + MARGIN, 0), width - 1.001);
        const y = Math.min(Math.max(top + row + v + MARGIN, 0), height - 1.001);
        const x0 = x | 0;
        const y0 = y | 0;
        const fx = x - x0;
        const from = y0 * width + x0;
        const upper = data[from] + fx * (data[from + 1] - data[from]);
        const lower = data[from + width] + fx * (data[from + width + 1] - data[from + width]);
        const difference = upper + (y - y0) * (lower - upper) - this.a.data[index];
        const w = 1 / Math.max(1, Math.abs(difference));
        weight[index] += w;
        sumX[index] += w * u;
        sumY[index] += w * v;
      }
    }
  }
}
