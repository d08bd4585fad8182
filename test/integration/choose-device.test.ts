import { beforeEach, describe, expect, test, vi } from 'vitest';
import { createModel, createModelOf } from '../../src/model/model.ts';
import { loadWebRuntime, type WebRuntime } from '../../src/model/model-web.ts';
import { parseConfig } from '../../src/train/settings/config.ts';
import { createTrainingEngine } from '../../src/train/step/engine.ts';
import { chooseDevice } from '../../src/train-web/choose-device.ts';
import { findWrong } from '../../src/train-web/compare-steps.ts';
import { chooseEngine } from '../../src/worker/choose-engine.ts';

const device = { destroy: vi.fn(), lost: new Promise(() => undefined) };
const compareEngines = vi.fn();

vi.mock('../../src/model/gpu-device.ts', async (original) => ({
  ...(await original<object>()),
  openGpuDevice: () => Promise.resolve({ device, isSoftware: false }),
  requestGpuDevice: () => Promise.resolve({ device, isSoftware: false }),
}));
vi.mock('../../src/model/model-web.ts', async (original) => ({
  ...(await original<object>()),
  loadWebRuntime: vi.fn(),
  fetchModelFile: () => Promise.resolve(new ArrayBuffer(0)),
}));
vi.mock('../../src/model/model.ts', () => ({ createModel: vi.fn(), createModelOf: vi.fn() }));
vi.mock('../../src/train/step/engine.ts', () => ({ createTrainingEngine: vi.fn() }));
vi.mock('../../src/train-web/compare-steps.ts', () => ({ findWrong: vi.fn(), findSlow: () => undefined }));
vi.mock('../../src/model/gpu-obstacle.ts', async (original) => ({
  ...(await original<object>()),
  gpuObstacle: () => undefined,
}));
vi.mock('../../src/worker/self-check.ts', () => ({
  compareEngines: (...given: unknown[]) => compareEngines(...given) as unknown,
}));
vi.mock('../../src/pipeline/crop-gpu.ts', () => ({ createGpuCropper: () => ({ close: () => undefined }) }));
vi.mock('../../src/worker/parts.ts', () => ({
  loadPart: async () => ({
    ...(await import('../../src/worker/ask-gpu.ts')),
    ...(await import('../../src/worker/choose-gpu.ts')),
    createPlaneCropper: () => ({}),
  }),
}));

const runtime = { env: { wasm: {} } } as WebRuntime;
const model = (name: 'wasm' | 'webgpu') => ({
  ...{ device: name, precision: 'fp32', manifest: {} },
  close: () => Promise.resolve(),
});

beforeEach(() => {
  vi.resetAllMocks();
  vi.mocked(loadWebRuntime).mockResolvedValue(runtime);
  vi.mocked(createModel).mockImplementation(() => Promise.resolve(model('wasm') as never));
  vi.mocked(createModelOf).mockImplementation(() => Promise.resolve(model('webgpu') as never));
  vi.mocked(createTrainingEngine).mockImplementation(() =>
    Promise.resolve({ step: () => Promise.resolve({}), close: () => Promise.resolve() } as never),
  );
});

describe('the device of a tracker that is not chosen is destroyed', () => {
  const choose = (wanted: 'auto' | 'webgpu' = 'auto') =>
    chooseEngine({
      ...{ urls: (name: string) => name, runtime: {} as never, parts: {} as never },
      ...{ manifest: { files: { model: { name: 'model.onnx' } } } as never },
      ...{ device: wanted, precision: 'auto' as const },
    });

  test('where it gives other landmarks, or is slower', async () => {
    compareEngines.mockResolvedValue({ isBetter: false, reason: 'it is slower' });
    expect(await choose()).toMatchObject({ engine: { device: 'wasm' }, note: 'it is slower' });
    expect(device.destroy).toHaveBeenCalled();
  });

  test('where the self-check fails', async () => {
    compareEngines.mockRejectedValue(new Error('no shader'));
    expect((await choose()).note).toContain('no shader');
    expect(device.destroy).toHaveBeenCalled();
  });

  test.each(['auto', 'webgpu'] as const)('where the network cannot be loaded on it: %s', async (wanted) => {
    vi.mocked(createModelOf).mockRejectedValue(new Error('no kernel'));
    if (wanted === 'webgpu') await expect(choose(wanted)).rejects.toThrow('no kernel');
    else expect((await choose(wanted)).note).toContain('no kernel');
    expect(device.destroy).toHaveBeenCalled();
  });

  test('but not where it is chosen', async () => {
    compareEngines.mockResolvedValue({ isBetter: true });
    expect(await choose()).toMatchObject({ engine: { device: 'webgpu' }, note: undefined });
    expect(device.destroy).not.toHaveBeenCalled();
  });
});

describe('the device of a training that is not chosen is destroyed', () => {
  const config = parseConfig({
    steps: 10,
    network: { embeddingSize: 4, widths: [4, 4] },
    loss: { auxiliaryGrid: 4, backgroundGrid: 4 },
    batch: { inputSize: 16, queryGrid: 4, pairs: 2, backgrounds: 1 },
  });
  const choose = (wanted: 'auto' | 'webgpu' = 'auto') =>
    chooseDevice({
      ...{ config, device: wanted, runtime: {} as never },
      batch: () => Promise.resolve({} as never),
    });

  test('where it computes other steps', async () => {
    vi.mocked(findWrong).mockReturnValue('other losses');
    expect(await choose()).toMatchObject({ device: 'wasm', note: 'other losses' });
    expect(device.destroy).toHaveBeenCalledOnce();
  });

  test('where the self-check fails', async () => {
    vi.mocked(createTrainingEngine).mockRejectedValue(new Error('no kernel'));
    expect((await choose()).note).toContain('no kernel');
    expect(device.destroy).toHaveBeenCalledOnce();
  });

  test('where it was asked for, and is no good', async () => {
    vi.mocked(findWrong).mockReturnValue('other losses');
    await expect(choose('webgpu')).rejects.toThrow('other losses');
    expect(device.destroy).toHaveBeenCalledOnce();
  });

  test('where ONNX Runtime cannot be loaded for it', async () => {
    vi.mocked(loadWebRuntime).mockRejectedValue(new Error('404'));
    await expect(choose()).rejects.toThrow('404');
    expect(device.destroy).toHaveBeenCalledOnce();
  });

  test('but not where it is chosen', async () => {
    expect(await choose()).toMatchObject({ device: 'webgpu' });
    expect(device.destroy).not.toHaveBeenCalled();
  });
});
