import type { FlowField } from './optical-flow.ts';
import type { CropBase } from './warps.ts';

/** The part of a sorted list below which `share` of it lies. */
const quantile = (sorted: Float32Array, share: number): number =>
  sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

/** Mean over squares of (2 · radius + 1)², cut off at the picture's edge; in place. */
const boxBlur = (plane: Float32Array, width: number, height: number, radius: number): void => {
  const pass = (count: number, length: number, start: number, step: number): void => {
    const line = new Float32Array(length);
    for (let i = 0; i < count; i++) {
      const first = i * start;
      let sum = 0;
      let inside = 0;
      for (let k = 0; k < Math.min(radius, length); k++, inside++) sum += plane[first + k * step];
      for (let k = 0; k < length; k++) {
        if (k + radius < length) {
          sum += plane[first + (k + radius) * step];
          inside++;
        }
        if (k - radius - 1 >= 0) {
          sum -= plane[first + (k - radius - 1) * step];
          inside--;
        }
        line[k] = sum / inside;
      }
      for (let k = 0; k < length; k++) plane[first + k * step] = line[k];
    }
  };
  pass(height, width, width, 1);
  pass(width, height, 1, width);
};

/**
 * How fast each pixel moves against the whole picture: the camera's part (the median flow) is taken off, and
 * what is left is smoothed over a sixteenth of the side, so that the smooth middle of what moves counts as well.
 * @param valid (H, W) 0 where the flow is not known
 * @returns (H, W) pixels
 */
export const ownMotion = (flow: FlowField, valid: Uint8Array): Float32Array => {
  const { width, height, x, y } = flow;
  const known = (plane: Float32Array): Float32Array => plane.filter((_, i) => valid[i] !== 0).sort();
  const cameraX = quantile(known(x), 0.5);
  const cameraY = quantile(known(y), 0.5);
  const motion = x.map((value, i) => (valid[i] === 0 ? 0 : Math.hypot(value - cameraX, y[i] - cameraY)));
  const radius = Math.max(1, Math.round(Math.min(width, height) / 16));
  boxBlur(motion, width, height, radius);
  boxBlur(motion, width, height, radius);
  return motion;
};

/** Below this, pixels, motion is as good as none, and what the flow is wrong by. */
const leastMotion = 0.25;

/**
 * How much each pixel of a pair's first frame counts in training, so that the background, which mostly stands still
 * and is most of the picture, does not dominate: 1 for what moves at half the speed of the fastest tenth or more,
 * `stillWeight` for what stands still.
 * @returns (H, W), 1–255 for 0–1; 0 where the flow is not valid
 */
export const motionWeights = (flow: FlowField, valid: Uint8Array, stillWeight: number): Uint8Array => {
  const motion = ownMotion(flow, valid);
  const fast = quantile(motion.slice().sort(), 0.9);
  const full = Math.max(leastMotion, 0.5 * fast);
  return toBytes(motion, valid, (speed) => stillWeight + (1 - stillWeight) * Math.min(1, speed / full));
};

/**
 * The same for a picture whose object is known to fill the middle of its canonical crop: 1 on the object, falling to
 * `stillWeight` at the crop's edge.
 * @param objectShare side of the object over side of the canonical crop
 */
export const regionWeights = (
  { width, height }: FlowField,
  valid: Uint8Array,
  base: CropBase,
  objectShare: number,
  stillWeight: number,
): Uint8Array => {
  const half = (base.side * Math.min(width, height)) / 2;
  const distance = new Float32Array(width * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const dx = column + 0.5 - base.centerX * width;
      const dy = row + 0.5 - base.centerY * height;
      distance[row * width + column] = Math.hypot(dx, dy) / half;
    }
  }
  return toBytes(distance, valid, (r) => {
    const fall = Math.min(1, Math.max(0, (r - objectShare) / (1 - objectShare)));
    return 1 - fall * (1 - stillWeight);
  });
};

const toBytes = (values: Float32Array, valid: Uint8Array, weightOf: (value: number) => number): Uint8Array =>
  valid.map((isValid, i) => (isValid === 0 ? 0 : Math.max(1, Math.round(255 * weightOf(values[i])))));
