/** What the worker does on WebGPU only: a file of its own, which it loads where there may be a device. */
export { chooseGpu, tryGpu } from './choose-gpu.ts';
