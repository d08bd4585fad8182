import { describe, type SuiteOptions } from 'vitest';

type Device = 'cpu' | 'wasm' | 'webgpu';

// Typed as always there, but an insecure page has none.
const gpu = navigator.gpu as GPU | undefined;
const hasAdapter = ((await gpu?.requestAdapter()) ?? null) !== null;

/**
 * The same tests on each of some devices, under titles that name the device: test/run.mjs counts those on WebGPU by it.
 * Where the page has no adapter these are skipped, `beforeAll` included.
 */
export const describeOn = <D extends Device>(
  devices: readonly D[],
  title: string,
  body: (device: D) => void,
  options: SuiteOptions = {},
): void => {
  for (const device of devices) {
    describe.skipIf(device === 'webgpu' && !hasAdapter)(`${title} on ${device}`, options, () => {
      body(device);
    });
  }
};
