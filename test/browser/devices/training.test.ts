import { createTraining } from 'dve-sdk/train';
import { expect, test } from 'vitest';
import { squarePictures, tinyConfig } from '../training-data.ts';
import { describeOn } from './on-devices.ts';

// A few steps on a software adapter take as long as hundreds of them on a CPU.
const config = {
  ...tinyConfig,
  steps: 1,
  network: { embeddingSize: 4, widths: [4, 4] },
  loss: { auxiliaryGrid: 4, backgroundGrid: 4, exchange: 1 },
  batch: { inputSize: 16, queryGrid: 4, pairs: 2, backgrounds: 1 },
};

const train = async (device: 'auto' | 'webgpu' | 'wasm') => {
  using training = createTraining({ pictures: await squarePictures(3), config, device });
  const losses: number[] = [];
  for await (const progress of training) if (progress.phase === 'training') losses.push(...progress.losses);
  const { device: used, deviceNote } = await training.ready;
  return { losses, used, deviceNote, files: await training.result() };
};

describeOn(['webgpu'], 'a training', () => {
  test('gives the losses of wasm', { timeout: 180_000 }, async () => {
    const onGpu = await train('webgpu');
    const onWasm = await train('wasm');
    expect(onGpu.used).toBe('webgpu');
    expect(onGpu.losses).toHaveLength(1);
    onGpu.losses.forEach((loss, i) => {
      expect(Math.abs(loss - onWasm.losses[i])).toBeLessThan(1e-3 * onWasm.losses[i]);
    });
    expect([...onGpu.files.keys()]).toContain('model.onnx');
  });

  test('a software adapter is not chosen by itself, and the reason is told', async () => {
    const { used, deviceNote } = await train('auto');
    expect(used).toBe('wasm');
    expect(deviceNote).toMatch(/WebGPU/);
  });
});
