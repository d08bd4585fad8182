import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TrackerService } from '../../../src/worker/service.ts';
import { sceneRoi } from '../../fixtures/blob-scene.ts';
import { catchDevices } from '../caught.ts';
import { parts, runtimeFiles } from '../runtime-files.ts';
import { errorOf, height, model, sceneFrame, times, width } from '../scene.ts';
import { describeOn } from './on-devices.ts';

// The software adapter is never the faster one; here it is to be chosen all the same.
vi.mock('../../../src/worker/self-check.ts', () => ({
  compareEngines: () => Promise.resolve({ isBetter: true }),
}));

const openMessage = {
  model: { urls: {}, folder: new URL(model, location.href).href },
  parts,
  runtime: runtimeFiles,
  precision: 'auto',
} as const;
const trackerMessage = {
  landmarks: undefined,
  smoothing: false,
  searchBudget: undefined,
  minConfidence: undefined,
  objects: 1,
  roi: undefined,
  motion: undefined,
  adapt: undefined,
} as const;

describeOn(['webgpu'], 'a device that is lost, tracking', () => {
  let devices: GPUDevice[] = [];
  beforeEach(() => {
    devices = catchDevices();
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('is an error with the remedy where WebGPU was asked for', async () => {
    const service = new TrackerService();
    const info = await service.open({ ...openMessage, device: 'webgpu' });
    expect(info).toMatchObject({ device: 'webgpu', precision: 'fp32' });
    const { id } = await service.createTracker(trackerMessage, undefined);
    await service.step(id, sceneFrame(0), 0);
    devices[0].destroy();
    const frame = sceneFrame(0.1);
    await expect(service.step(id, frame, 0.1)).rejects.toThrow("device 'auto'");
    expect(frame.format).toBeNull();
  });

  test('is replaced by wasm, once for all trackers, where the device was ours to choose', async () => {
    const service = new TrackerService();
    const info = await service.open({ ...openMessage, device: 'auto' });
    expect(info.device).toBe('webgpu');
    const ids = [
      (await service.createTracker(trackerMessage, undefined)).id,
      (await service.createTracker(trackerMessage, undefined)).id,
    ];
    const stepAll = (seconds: number) =>
      Promise.all(ids.map((id) => service.step(id, sceneFrame(seconds), seconds)));
    expect((await stepAll(0)).map(({ device }) => device)).toEqual(['webgpu', 'webgpu']);
    devices[0].destroy();
    const opened = devices.length;
    const frames = times(6).map((seconds) => sceneFrame(seconds));
    for (const frame of frames) {
      const seconds = frame.timestamp / 1e6;
      // The same frame is tracked on by the one, and by the other at the same time.
      const replies = await Promise.all([
        service.step(ids[0], frame, seconds),
        service.step(ids[1], sceneFrame(seconds), seconds),
      ]);
      for (const { device, result } of replies) {
        expect(device).toBe('wasm');
        if (frame === frames.at(-1)) expect(errorOf(result)).toBeLessThan(2);
      }
    }
    expect(frames.map(({ format }) => format)).toEqual(frames.map(() => null));
    expect(devices).toHaveLength(opened);
    const made = await service.createTracker(trackerMessage, undefined);
    expect(made.info).toMatchObject({ device: 'wasm', deviceNote: 'the GPU was lost' });
    expect((await service.embed(sceneFrame(0), sceneRoi(0, width, height))).length).toBe(4 * 24 * 24);
  });
});
