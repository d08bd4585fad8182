import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TrackerService } from '../../src/worker/service.ts';
import { catchDevices } from './caught.ts';
import { runtimeFiles } from './runtime-files.ts';
import { errorOf, model, sceneFrame, times } from './scene.ts';

// The software adapter is never the faster one; here it is to be chosen all the same.
vi.mock('../../src/worker/self-check.ts', () => ({
  compareEngines: () => Promise.resolve({ isBetter: true }),
}));

let devices: GPUDevice[] = [];

beforeEach(() => {
  devices = catchDevices();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const startMessage = {
  model: { urls: {}, folder: new URL(model, location.href).href },
  landmarks: undefined,
  runtime: runtimeFiles,
  precision: 'auto',
  smoothing: false,
  searchBudget: undefined,
  minConfidence: undefined,
} as const;

describe('a GPU that is lost', () => {
  test('is an error with the remedy where WebGPU was asked for', async () => {
    const service = new TrackerService();
    const info = await service.start({ ...startMessage, device: 'webgpu' }, undefined);
    expect(info).toMatchObject({ device: 'webgpu', precision: 'fp32' });
    await service.step(sceneFrame(0), 0);
    devices[0].destroy();
    const frame = sceneFrame(0.1);
    await expect(service.step(frame, 0.1)).rejects.toThrow("device 'auto'");
    expect(frame.format).toBeNull();
  });

  test('is replaced by wasm where the device was ours to choose: the same frame is tracked on', async () => {
    const service = new TrackerService();
    const info = await service.start({ ...startMessage, device: 'auto' }, undefined);
    expect(info.device).toBe('webgpu');
    expect((await service.step(sceneFrame(0), 0)).device).toBe('webgpu');
    devices[0].destroy();
    const frames = times(6).map((seconds) => sceneFrame(seconds));
    for (const frame of frames) {
      const { device, result } = await service.step(frame, frame.timestamp / 1e6);
      expect(device).toBe('wasm');
      if (frame === frames.at(-1)) expect(errorOf(result)).toBeLessThan(2);
    }
    expect(frames.map(({ format }) => format)).toEqual(frames.map(() => null));
  });
});
