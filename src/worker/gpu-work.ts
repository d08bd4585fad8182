/** What the worker does on WebGPU only: a file of its own, which it loads once it has a device. */
export { createGpuCropper } from '../pipeline/crop-gpu.ts';
export { compareEngines } from './self-check.ts';
