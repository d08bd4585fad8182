/** Flows one after the other: how a frame moves into one that is too far away for a single flow. */
import type { FlowField } from '../../flow/optical-flow.ts';
import { sampleBilinear } from '../../flow/plane.ts';
import type { RawPicture } from '../../media/raw-picture.ts';

/** The flow a → c of flows a → b and b → c of one size, pixels. */
export const chainFlows = (first: FlowField, second: FlowField): FlowField => {
  const { width, height } = first;
  const planeX = { width, height, data: second.x };
  const planeY = { width, height, data: second.y };
  const x = new Float32Array(width * height);
  const y = new Float32Array(width * height);
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      const [atX, atY] = [column + first.x[i], row + first.y[i]];
      x[i] = first.x[i] + sampleBilinear(planeX, atX, atY);
      y[i] = first.y[i] + sampleBilinear(planeY, atX, atY);
    }
  }
  return { width, height, x, y };
};

/** Square of how far from its start one flow there and back may end, pixels²; errors of several add up like chance. */
const greatestGap = 0.5;

/**
 * Where a chain of flows can be believed: there and back ends near the start. What is hidden on the way is carried off by what
 * hides it, and comes back somewhere else.
 * @param forward, backward flows a → b and b → a of one size, pixels
 * @param hops flows that each is made of
 * @returns (H, W), 1 valid, 0 not
 */
export const chainValidity = (forward: FlowField, backward: FlowField, hops: number): Uint8Array => {
  const { width, height } = forward;
  const there = chainFlows(forward, backward);
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [atX, atY] = [(i % width) + forward.x[i], Math.floor(i / width) + forward.y[i]];
    const isInside = atX >= -0.5 && atX <= width - 0.5 && atY >= -0.5 && atY <= height - 0.5;
    return isInside && there.x[i] ** 2 + there.y[i] ** 2 < greatestGap * hops ? 1 : 0;
  });
};

/** Grey levels that a small patch may differ by at the other end: light that is not even, a surface that turns. */
const greatestChange = 25;
/** What is found within so many pixels has only drifted: fine detail is seldom met exactly. */
const nearby = 2;
const around = [-nearby, 0, nearby].flatMap((y) => [-nearby, 0, nearby].map((x) => ({ x, y })));
/** Every so many pixels are compared for the change of light. */
const lightStride = 7;

/** Mean colour of 3 × 3 pixels, the border repeated; written to `out`. */
const patchColor = ({ rgb, width, height }: RawPicture, x: number, y: number, out: Float64Array): void => {
  const [column, row] = [Math.round(x), Math.round(y)];
  out.fill(0);
  for (let dy = -1; dy <= 1; dy++) {
    const line = Math.min(height - 1, Math.max(0, row + dy)) * width;
    for (let dx = -1; dx <= 1; dx++) {
      const at = 3 * (line + Math.min(width - 1, Math.max(0, column + dx)));
      for (let c = 0; c < 3; c++) out[c] += rgb[at + c] / 9;
    }
  }
};

/**
 * Takes off what looks otherwise at the other end. A small thing that moves faster than it is large is lost by flow both ways
 * alike: there and back ends where it began, on the background.
 * @param a, b pictures of one size
 * @param flow a → b, pixels
 * @param valid (H, W), changed
 * @returns `valid`
 */
export const sameLooks = (a: RawPicture, b: RawPicture, flow: FlowField, valid: Uint8Array): Uint8Array => {
  const { width } = flow;
  const [here, there] = [new Float64Array(3), new Float64Array(3)];
  const read = (i: number): void => {
    const [x, y] = [i % width, Math.floor(i / width)];
    patchColor(a, x, y, here);
    patchColor(b, x + flow.x[i], y + flow.y[i], there);
  };
  // Light that changes as a whole is no other look.
  const sums = [1, 1, 1].map((value) => [value, value]);
  for (let i = 0; i < valid.length; i += lightStride) {
    if (valid[i] === 0) continue;
    read(i);
    sums.forEach((sum, c) => {
      sum[0] += here[c];
      sum[1] += there[c];
    });
  }
  const gains = sums.map(([from, to]) => to / from);
  const isAlike = (): boolean => {
    let squared = 0;
    for (let c = 0; c < 3; c++) squared += (here[c] * gains[c] - there[c]) ** 2;
    return squared <= 3 * greatestChange ** 2;
  };
  for (let i = 0; i < valid.length; i++) {
    if (valid[i] === 0) continue;
    read(i);
    if (isAlike()) continue;
    const [x, y] = [(i % width) + flow.x[i], Math.floor(i / width) + flow.y[i]];
    const isNear = around.some((shift) => {
      patchColor(b, x + shift.x, y + shift.y, there);
      return isAlike();
    });
    if (!isNear) valid[i] = 0;
  }
  return valid;
};
