import { vi } from 'vitest';

/** Remembers the workers that are started while it is on, so that a test can kill them; `vi.unstubAllGlobals` ends it. */
export const catchWorkers = (): Worker[] => {
  const workers: Worker[] = [];
  const Original = globalThis.Worker;
  vi.stubGlobal(
    'Worker',
    class extends Original {
      constructor(url: string | URL, init?: WorkerOptions) {
        super(url, init);
        workers.push(this);
      }
    },
  );
  return workers;
};

/**
 * Makes the adapter look like hardware, and remembers the devices that are opened, so that a test can lose them;
 * `vi.restoreAllMocks` ends it.
 */
export const catchDevices = (): GPUDevice[] => {
  const devices: GPUDevice[] = [];
  const requestAdapter = navigator.gpu.requestAdapter.bind(navigator.gpu);
  vi.spyOn(navigator.gpu, 'requestAdapter').mockImplementation(async (options) => {
    const adapter = await requestAdapter(options);
    if (adapter === null) return null;
    vi.spyOn(adapter.info, 'isFallbackAdapter', 'get').mockReturnValue(false);
    const requestDevice = adapter.requestDevice.bind(adapter);
    vi.spyOn(adapter, 'requestDevice').mockImplementation(async (descriptor) => {
      const device = await requestDevice(descriptor);
      devices.push(device);
      return device;
    });
    return adapter;
  });
  return devices;
};
