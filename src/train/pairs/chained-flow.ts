/** Flows one after the other: how a frame moves into one that is too far away for a single flow. */
import type { FlowField } from '../../flow/optical-flow.ts';
import { sampleBilinear } from '../../flow/plane.ts';

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
