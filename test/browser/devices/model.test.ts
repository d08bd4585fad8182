import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ClosedError, DeviceError, InputError, ModelError } from '../../../src/errors.ts';
import { openGpuDevice } from '../../../src/model/gpu-device.ts';
import { createModel, type Model, type Runtime } from '../../../src/model/model.ts';
import type { Manifest } from '../../../src/model/manifest.ts';
import { fetchManifest, fetchModelFile, loadWebRuntime, runtimeOn } from '../../../src/model/model-web.ts';
import { blobModel, runtimeFiles } from '../runtime-files.ts';
import { describeOn } from './on-devices.ts';

const image = (batch: number): Float32Array =>
  Float32Array.from({ length: batch * 3 * 96 * 96 }, (_, i) => Math.sin(i * 0.37) * 0.5 + 0.5);
const references = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i) / 2);

let manifest: Manifest;
let bytes: ArrayBuffer;

beforeAll(async () => {
  manifest = await fetchManifest(blobModel);
  bytes = await fetchModelFile(blobModel, manifest.files.model);
});

describeOn(['wasm', 'webgpu'], 'a model in the browser', (device) => {
  let runtime: Runtime;
  let gpu: GPUDevice | undefined;
  const open = (): Promise<Model> => createModel(runtime, { manifest, bytes, where: 'model.onnx' });

  beforeAll(async () => {
    gpu = device === 'webgpu' ? (await openGpuDevice()).device : undefined;
    runtime = runtimeOn(await loadWebRuntime(runtimeFiles[device]), gpu);
  });
  afterAll(() => {
    gpu?.destroy();
  });

  test('embeds and matches batches', async () => {
    const session = await open();
    const map = await session.embed(image(2));
    expect(map).toHaveLength(2 * 4 * 24 * 24);
    const length = Math.hypot(...[0, 1, 2, 3].map((channel) => map[channel * 576 + 100]));
    expect(length).toBeCloseTo(1, 5);
    const [one, two] = await Promise.all([
      session.match(image(1), references),
      session.match(image(2), references),
    ]);
    expect(one).toHaveLength(18);
    // A GPU rounds a batch of another size otherwise: by 1.5e-5 crop pixels on the software adapter.
    const differences = one.map((value, i) => Math.abs(two[i] - value));
    expect(Math.max(...differences)).toBeLessThanOrEqual(device === 'wasm' ? 0 : 1e-3);
    await session.close();
  });

  test('one failed run does not fail the next, and runs do not overlap', async () => {
    const session = await open();
    const outcomes = await Promise.allSettled([
      session.match(image(1).subarray(1), references),
      session.match(image(1), references.subarray(1)),
      session.match(image(1), references),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    await expect(session.match(image(1).subarray(1), references)).rejects.toThrow(InputError);
    await session.close();
    await session.close();
    await expect(session.match(image(1), references)).rejects.toThrow(ClosedError);
  });

  test('a file that is no network is refused', async () => {
    const created = createModel(runtime, {
      manifest,
      bytes: new ArrayBuffer(100),
      where: 'model.onnx',
    });
    await expect(created).rejects.toThrow(ModelError);
    await expect(created).rejects.toThrow('model.onnx');
  });

  test('a network that is not what its manifest says is refused, with both sides', async () => {
    const wrong = { ...manifest, embeddingSize: 7 };
    const created = createModel(runtime, { manifest: wrong, bytes, where: 'model.onnx' });
    await expect(created).rejects.toThrow(ModelError);
    await expect(created).rejects.toThrow('embeddingSize 7');
  });
});

describe('the files of a model', () => {
  test('a network of another export is refused by its size or its hash', async () => {
    const { model } = manifest.files;
    const longer = fetchModelFile(blobModel, { ...model, bytes: model.bytes + 1 });
    await expect(longer).rejects.toThrow(`says ${model.bytes + 1}`);
    const other = fetchModelFile(blobModel, { ...model, sha256: '0'.repeat(64) });
    await expect(other).rejects.toThrow(ModelError);
    await expect(other).rejects.toThrow('000000000000');
  });

  test('a start page in place of the manifest is refused as what it is', async () => {
    const urls = (): string => URL.createObjectURL(new Blob(['<!doctype html>']));
    await expect(fetchManifest(urls)).rejects.toThrow('is not JSON');
  });

  test('a server that cannot be reached is named', async () => {
    vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('Failed to fetch'));
    await expect(fetchManifest(blobModel)).rejects.toThrow(ModelError);
    await expect(fetchManifest(blobModel)).rejects.toThrow('Failed to fetch');
    vi.restoreAllMocks();
  });

  test('ONNX Runtime that is not where it should be is an error with the remedy', async () => {
    const { binary } = runtimeFiles.wasm;
    const library = new URL('/nowhere/ort.mjs', location.href).href;
    const loaded = loadWebRuntime({ library, binary });
    await expect(loaded).rejects.toThrow(DeviceError);
    await expect(loaded).rejects.toThrow('assetBase');
  });
});
