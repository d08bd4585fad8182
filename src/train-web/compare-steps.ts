/** Whether the first steps of a training on a GPU are what they are on wasm. */
import type { StepResult } from '../train/step/engine.ts';

/** Greatest difference of losses that rounding explains, of the loss itself. */
const tolerance = 2e-3;

/** @returns why the GPU is not to be used, or undefined where it is */
export const findWrong = (gpu: readonly StepResult[], wasm: readonly StepResult[]): string | undefined => {
  const differences = gpu.map(({ loss }, i) => Math.abs(loss - wasm[i].loss) / Math.abs(wasm[i].loss));
  const difference = Math.max(...differences);
  if (difference <= tolerance) return undefined;
  return `WebGPU computes another loss than wasm here (by ${(100 * difference).toFixed(1)} %)`;
};

/** Likewise, for a device that computes the right numbers. */
export const findSlow = (gpu: readonly StepResult[], wasm: readonly StepResult[]): string | undefined => {
  const [gpuTime, wasmTime] = [gpu, wasm].map((results) => results[results.length - 1].milliseconds);
  if (gpuTime < wasmTime) return undefined;
  return `WebGPU is slower than wasm here (${gpuTime.toFixed(0)} against ${wasmTime.toFixed(0)} ms a step)`;
};
