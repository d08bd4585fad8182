import type { FlowField } from './plane.ts';

/** Steps in a pixel: a flow is stored to 1/64 px, a tenth of what it is wrong by at best. */
export const STEPS = 64;
const GREATEST = 32767;

/** A value that is not a number becomes 0. */
export const toSteps = (value: number): number =>
  Math.round(Math.min(GREATEST, Math.max(-GREATEST, value * STEPS))) | 0;

/** The flow as a cache will give it back: whole 1/64 px, at most 512 px. */
export const roundFlow = (flow: FlowField): FlowField => {
  const round = (plane: Float32Array): Float32Array => plane.map((value) => toSteps(value) / STEPS);
  return { width: flow.width, height: flow.height, x: round(flow.x), y: round(flow.y) };
};
