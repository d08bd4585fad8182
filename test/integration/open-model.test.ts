import { beforeEach, describe, expect, test, vi } from 'vitest';
import { DeviceError } from '../../src/errors.ts';
import type { Roi } from '../../src/geometry/roi.ts';
import { FrameTracker } from '../../src/pipeline/frame-tracker.ts';
import { chooseEngine } from '../../src/worker/choose-engine.ts';
import type { ChosenEngine } from '../../src/worker/engine-context.ts';
import type { Engine } from '../../src/worker/engine.ts';
import type { DeviceChoice } from '../../src/worker/messages.ts';
import { ModelTracker } from '../../src/worker/model-tracker.ts';
import { OpenModel } from '../../src/worker/open-model.ts';
import { createWorld, landmarkSet, type VirtualFrame } from '../unit/virtual-world.ts';

vi.mock('../../src/worker/choose-engine.ts', () => ({ chooseEngine: vi.fn() }));
vi.mock('../../src/model/model-web.ts', () => ({
  fetchManifest: () => Promise.resolve({ files: {} }),
}));

/** An engine that sees the virtual world until its device is lost. */
type FakeEngine = { chosen: ChosenEngine; close: ReturnType<typeof vi.fn>; lose(): void };

const createFakeEngine = (device: Engine['device']): FakeEngine => {
  let lose: (reason: string) => void = () => undefined;
  const lost = new Promise<string>((resolve) => {
    lose = resolve;
  });
  const close = vi.fn(() => Promise.reject(new Error('the device is lost')));
  const createTracker = (parts: object) =>
    Object.assign(new FrameTracker({ ...createWorld(0.5), landmarkSet, ...parts }), {
      close: () => undefined,
    });
  // The part of an Engine that a model and its trackers use.
  const engine = { device, lost, close, createTracker } as unknown as Engine;
  return {
    chosen: { engine, threads: 1, note: undefined },
    close,
    lose: () => {
      lose('unknown: unplugged');
    },
  };
};

let gpu: FakeEngine;

beforeEach(() => {
  gpu = createFakeEngine('webgpu');
  vi.mocked(chooseEngine).mockReset().mockResolvedValueOnce(gpu.chosen);
});

const open = (device: DeviceChoice): Promise<OpenModel> =>
  OpenModel.open({
    ...{ model: { urls: {}, folder: 'http://page/model/' }, device, precision: 'auto' },
    ...{ runtime: {} as never, parts: {} as never },
  });

const run = (model: OpenModel): Promise<string> =>
  model.use(({ device }) => (device === 'webgpu' ? Promise.reject(new Error('x')) : Promise.resolve(device)));

describe('an engine whose device is lost is closed', () => {
  test('as soon as it is lost, before anybody asks for another', async () => {
    await open('auto');
    gpu.lose();
    await vi.waitFor(() => {
      expect(gpu.close).toHaveBeenCalledOnce();
    });
  });

  test('where the page asked for WebGPU, and nothing takes its place', async () => {
    const model = await open('webgpu');
    gpu.lose();
    await expect(run(model)).rejects.toThrow(DeviceError);
    expect(gpu.close).toHaveBeenCalledOnce();
    expect(chooseEngine).toHaveBeenCalledOnce();
  });

  test('where wasm cannot be opened in its place', async () => {
    const model = await open('auto');
    vi.mocked(chooseEngine).mockRejectedValueOnce(new DeviceError('no memory'));
    gpu.lose();
    await expect(run(model)).rejects.toThrow('no memory');
    expect(gpu.close).toHaveBeenCalledOnce();
  });

  test('once, where wasm takes its place for all who wait', async () => {
    const model = await open('auto');
    const wasm = createFakeEngine('wasm');
    vi.mocked(chooseEngine).mockResolvedValueOnce(wasm.chosen);
    const runs = Promise.all([run(model), run(model)]);
    gpu.lose();
    expect(await runs).toEqual(['wasm', 'wasm']);
    expect(gpu.close).toHaveBeenCalledOnce();
    expect(wasm.close).not.toHaveBeenCalled();
  });
});

test('ids go on when a tracker moves to another engine', async () => {
  const model = await open('auto');
  const tracker = new ModelTracker(model, { landmarkSet }, 1);
  const still: Roi = { center: { x: 320, y: 240 }, size: 300, rotation: 0 };
  const view: VirtualFrame = { width: 640, height: 480, object: still };
  let time = 0;
  /** Steps until an object is found. @returns its id and where that was */
  const find = async (): Promise<[number, string]> => {
    for (let steps = 0; steps < 60; steps++) {
      // The virtual world's cropper takes its own frames.
      const frame = view as unknown as VideoFrame;
      const { result, device } = await tracker.step(frame, time++ / 30, false);
      const [object] = result.objects;
      if (result.objects.length > 0) return [object.id, device];
    }
    throw new Error('nothing was found');
  };
  expect(await find()).toEqual([1, 'webgpu']);
  vi.mocked(chooseEngine).mockResolvedValueOnce(createFakeEngine('wasm').chosen);
  gpu.lose();
  await vi.waitFor(() => {
    expect(gpu.close).toHaveBeenCalledOnce();
  });
  expect(await find()).toEqual([2, 'wasm']);
});
