import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NoWebGpuError, openGpuDevice } from '../../src/model/gpu-device.ts';

const never = new Promise<never>(() => undefined);

/** An adapter that gives devices as it is told. */
const adapterOf = (requestDevice: () => Promise<unknown>) => ({
  limits: {},
  features: new Set(),
  info: { isFallbackAdapter: false },
  requestDevice,
});

/** A browser whose GPU process answers as it is told. */
const stubGpu = (requestAdapter: () => Promise<unknown>): void => {
  vi.stubGlobal('navigator', { gpu: { requestAdapter } });
};

beforeEach(() => {
  vi.stubGlobal('WebAssembly', { Suspending: {} });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('opening a GPU device', () => {
  test.each([
    ['requestAdapter', () => Promise.reject(new TypeError('driver trouble'))],
    [
      'requestDevice',
      () => Promise.resolve(adapterOf(() => Promise.reject(new TypeError('driver trouble')))),
    ],
  ])('says that there is none where %s rejects', async (call, requestAdapter) => {
    stubGpu(requestAdapter);
    await expect(openGpuDevice()).rejects.toThrow(NoWebGpuError);
    await expect(openGpuDevice()).rejects.toThrow(`${call}: driver trouble`);
  });

  test.each([
    ['requestAdapter', () => never],
    ['requestDevice', () => Promise.resolve(adapterOf(() => never))],
  ])('does not wait for ever for %s', async (call, requestAdapter) => {
    vi.useFakeTimers();
    stubGpu(requestAdapter);
    const opening = expect(openGpuDevice()).rejects.toThrow(`${call} gave no answer in 10 s`);
    await vi.advanceTimersByTimeAsync(10_000);
    await opening;
  });

  test('destroys a device that comes too late', async () => {
    vi.useFakeTimers();
    const device = { destroy: vi.fn() };
    let give: (device: unknown) => void = () => undefined;
    const giving = new Promise((resolve) => {
      give = resolve;
    });
    stubGpu(() => Promise.resolve(adapterOf(() => giving)));
    const opening = expect(openGpuDevice()).rejects.toThrow(NoWebGpuError);
    await vi.advanceTimersByTimeAsync(10_000);
    await opening;
    expect(device.destroy).not.toHaveBeenCalled();
    give(device);
    await vi.advanceTimersByTimeAsync(0);
    expect(device.destroy).toHaveBeenCalledOnce();
  });

  test('gives a device that comes in time', async () => {
    const device = { destroy: vi.fn() };
    stubGpu(() => Promise.resolve(adapterOf(() => Promise.resolve(device))));
    expect(await openGpuDevice()).toEqual({ device, isSoftware: false });
    expect(device.destroy).not.toHaveBeenCalled();
  });
});
