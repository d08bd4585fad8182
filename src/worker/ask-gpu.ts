/**
 * A part of the tracker's worker, fetched where the browser has WebGPU: asks for a device. Not all who have the one get
 * the other, and only who does fetches the rest.
 */
import { NoWebGpuError, requestGpuDevice, type GpuHandle } from '../model/gpu-device.ts';

/** @returns a device that is worth trying, or why there is none */
export const gpuOrReason = async (): Promise<GpuHandle | string> => {
  try {
    const handle = await requestGpuDevice();
    if (!handle.isSoftware) return handle;
    handle.device.destroy();
    return 'WebGPU runs on the CPU here, which is slower than wasm';
  } catch (error) {
    if (error instanceof NoWebGpuError) return `no WebGPU: ${error.reason}`;
    throw error;
  }
};

export { requestGpuDevice } from '../model/gpu-device.ts';
