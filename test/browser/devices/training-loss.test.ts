import { expose } from '../../../src/worker/rpc.ts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createBatchMaker } from '../../../src/train/batch/batch.ts';
import { parseConfig } from '../../../src/train/settings/config.ts';
import { calibrationCrops } from '../../../src/train/model-files.ts';
import { createPictureSet } from '../../../src/train/views/pictures.ts';
import type { BatchApi, StepsReport } from '../../../src/train-web/messages.ts';
import { TrainService } from '../../../src/train-web/train-service.ts';
import { drawFrame, movingSquare } from '../../fixtures/drawn-clip.ts';
import { catchDevices } from '../caught.ts';
import { runtimeFiles } from '../runtime-files.ts';
import { describeOn } from './on-devices.ts';

// The software adapter is never the faster one; here it is to be chosen all the same.
vi.mock('../../../src/train-web/compare-steps.ts', () => ({
  findWrong: () => undefined,
  findSlow: () => undefined,
}));

const config = parseConfig({
  steps: 100_000,
  network: { embeddingSize: 4, widths: [4, 4] },
  loss: { auxiliaryGrid: 4, backgroundGrid: 4 },
  batch: { inputSize: 16, queryGrid: 4, pairs: 2, backgrounds: 1 },
});

/** The end of a port on which batches are offered. */
const batchPort = (): MessagePort => {
  const set = createPictureSet([1, 2, 3].map((seed) => drawFrame(movingSquare(seed, 64, 64), 0)));
  const source = { set, pools: [] };
  const make = createBatchMaker({ set, settings: config.batch, seed: 1 });
  const api: BatchApi = {
    batch: make,
    sample: () => make(0),
    calibration: () => calibrationCrops(source, config),
  };
  const { port1, port2 } = new MessageChannel();
  expose(api, port1);
  return port2;
};

const untilStep = async (service: TrainService, step: number): Promise<StepsReport> => {
  for (;;) {
    const report = await service.next();
    if (report === undefined) return expect.unreachable('training has ended');
    if (report.step >= step) return report;
  }
};

describeOn(
  ['webgpu'],
  'a device that is lost, training',
  () => {
    let devices: GPUDevice[] = [];
    beforeEach(() => {
      devices = catchDevices();
    });
    afterEach(() => {
      vi.restoreAllMocks();
    });

    test('ends it with the remedy where WebGPU was asked for, and what was learnt can be kept', async () => {
      const service = new TrainService();
      const start = { config, device: 'webgpu', runtime: runtimeFiles, digest: '' } as const;
      expect(await service.start(start, batchPort())).toMatchObject({ device: 'webgpu' });
      const { device } = await untilStep(service, 1);
      expect(device.device).toBe('webgpu');
      devices[0].destroy();
      await expect(untilStep(service, 100_000)).rejects.toThrow(/GPU was lost .* can be kept/);
      expect((await service.files(undefined)).has('model.onnx')).toBe(true);
    });

    test('is replaced by wasm where the device was ours to choose: no step is lost', async () => {
      const service = new TrainService();
      const start = { config, device: 'auto', runtime: runtimeFiles, digest: '' } as const;
      expect(await service.start(start, batchPort())).toMatchObject({ device: 'webgpu' });
      const before = await untilStep(service, 1);
      const destroy = vi.spyOn(devices[0], 'destroy');
      devices[0].destroy();
      const after = await untilStep(service, before.step + 20);
      expect(after.device).toMatchObject({ device: 'wasm', deviceNote: 'the GPU was lost' });
      // Once by this test, and once to free what it held.
      expect(destroy).toHaveBeenCalledTimes(2);
      service.stop();
      while ((await service.next()) !== undefined);
      expect((await service.files(undefined)).has('checkpoint.bin')).toBe(true);
    });
  },
  { timeout: 180_000 },
);
