/** Why there is no WebGPU, as far as the browser tells without being asked for a device. */
import { DeviceError } from '../errors.ts';

/** There is no WebGPU here. */
export class NoWebGpuError extends DeviceError {
  /** @param reason why, in words */
  constructor(
    readonly reason: string,
    cause?: unknown,
  ) {
    super(`WebGPU is unavailable (${reason}). Pass device: 'wasm' to run without it.`, { cause });
  }
}

/** What a look at the browser tells. @returns why WebGPU need not be asked for; undefined where it may be there */
export const gpuObstacle = (): string | undefined => {
  // Typed as always there, but it is missing in older browsers and in insecure pages.
  if ((navigator.gpu as GPU | undefined) === undefined) {
    return 'this browser, or a page without https, has no navigator.gpu';
  }
  return 'Suspending' in WebAssembly
    ? undefined
    : 'this browser has no WebAssembly JSPI, which ONNX Runtime needs to wait for the GPU';
};
