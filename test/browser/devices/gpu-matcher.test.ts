import { cellPlace, correspond } from 'dve-sdk/pictures';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { matchPair } from '../../../src/correspond/correspondence.ts';
import { correspondPictures, type PictureSide } from '../../../src/correspond/correspond-pictures.ts';
import { GpuMatcher } from '../../../src/correspond/gpu-matcher.ts';
import type { EmbeddingMap } from '../../../src/landmarks/matching.ts';
import { openGpuDevice } from '../../../src/model/gpu-device.ts';
import { fetchManifest, fetchModelFile, loadWebRuntime, runtimeOn } from '../../../src/model/model-web.ts';
import { createModelOf } from '../../../src/model/model.ts';
import { createGpuEngine } from '../../../src/worker/choose-gpu.ts';
import { assemble, networkFile, type Engine } from '../../../src/worker/engine.ts';
import { blobCenters, blobRadius, sceneRoi } from '../../fixtures/blob-scene.ts';
import { blobModel, runtimeFiles } from '../runtime-files.ts';
import { height, model, sceneImage, width } from '../scene.ts';
import { describeOn } from './on-devices.ts';

/** What rounding may change of a place, crop pixels, and of a cosine. */
const tolerance = { place: 0.01, cosine: 1e-4 };

const differences = (a: ArrayLike<number>, b: ArrayLike<number>): number[] =>
  Array.from(a, (value, n) => Math.abs(value - b[n]));

const side = 11;
const channels = 6;
const geometry = { inputSize: 2 * side, stride: 2, embeddingSize: channels, temperature: 0.08 };

/** Unit vectors that change slowly from cell to cell, unlike each other further away. @param shift cells */
const smoothMap = (shift: number): EmbeddingMap => {
  const data = new Float32Array(channels * side * side);
  for (let cell = 0; cell < side * side; cell++) {
    const [x, y] = [(cell % side) + shift, Math.floor(cell / side)];
    const vector = Array.from({ length: channels }, (_, c) =>
      Math.sin((0.31 + 0.11 * c) * x + (0.53 - 0.13 * c) * y + c),
    );
    const length = Math.hypot(...vector);
    vector.forEach((value, c) => {
      data[c * side * side + cell] = value / length;
    });
  }
  return { data, channels, width: side, height: side, stride: 2 };
};

describeOn(['webgpu'], 'embeddings that stay on the GPU', () => {
  let engine: Engine;
  let device: GPUDevice;
  beforeAll(async () => {
    const manifest = await fetchManifest(blobModel);
    const bytes = await fetchModelFile(blobModel, manifest.files.model);
    const runtime = await loadWebRuntime(runtimeFiles.webgpu);
    ({ device } = await openGpuDevice());
    const tools = { assemble, createModelOf, networkFile };
    engine = await createGpuEngine(runtimeOn(runtime, device), manifest, bytes, device, tools);
  });
  afterAll(() => engine.close());

  test('are matched as on the CPU, cells and points, there and back', async () => {
    const maps = [smoothMap(0), smoothMap(1.3)];
    const matcher = new GpuMatcher(
      {
        device,
        embedInto: (crop, buffer) => {
          device.queue.writeBuffer(buffer, 0, new Float32Array(maps[crop[0]].data));
          return Promise.resolve();
        },
      },
      geometry,
    );
    const sought = [
      { x: 11.2, y: 9.7 },
      { x: 0, y: 22 },
      { x: -5, y: 30 },
    ];
    const [a, b] = [await matcher.embed(Float32Array.of(0)), await matcher.embed(Float32Array.of(1))];
    const found = await matcher.match(a, b, sought);
    // Each cell against every other, as the GPU compares them.
    const truth = matchPair(maps[0], maps[1], sought, geometry.temperature, 1);
    for (const way of ['forward', 'backward'] as const) {
      expect([found[way].columns, found[way].rows]).toEqual([side, side]);
      for (const key of ['x', 'y', 'cosine'] as const) {
        const limit = key === 'cosine' ? tolerance.cosine : tolerance.place;
        expect(Math.max(...differences(found[way][key], truth[way][key]))).toBeLessThan(limit);
      }
    }
    for (const way of ['there', 'back'] as const) {
      expect(found[way]).toHaveLength(9);
      expect(Math.max(...differences(found[way], truth[way]))).toBeLessThan(tolerance.place);
    }
    expect((await matcher.match(a, a, [])).there).toHaveLength(0);
    matcher.close();
  });

  test('are not read back for a correspondence', async () => {
    const { gpu, manifest, model: network } = engine;
    if (gpu === undefined) throw new Error('no GPU');
    const sideAt = (seconds: number): PictureSide => ({
      image: { data: sceneImage(seconds).data, width, height, channels: 4 },
      roi: sceneRoi(seconds, width, height),
    });
    const unread = { ...network, embed: () => Promise.reject(new Error('read back')) };
    const matcher = new GpuMatcher(gpu, manifest);
    const points = blobCenters(sceneRoi(0, width, height)).slice(0, 2);
    const found = await correspondPictures(unread, undefined, sideAt(0), sideAt(1), { points }, matcher);
    matcher.close();
    const truth = blobCenters(sceneRoi(1, width, height));
    found.points.forEach(({ x, y }, n) => {
      expect(Math.hypot(x - truth[n].x, y - truth[n].y)).toBeLessThan(4);
    });
  });

  test('are those that the network gives', async () => {
    const { gpu, manifest, model } = engine;
    if (gpu === undefined) throw new Error('no GPU');
    const { inputSize, stride, embeddingSize } = manifest;
    const crop = Float32Array.from({ length: 3 * inputSize ** 2 }, (_, i) => Math.sin(i * 0.37) / 2 + 0.5);
    const size = 4 * embeddingSize * (inputSize / stride) ** 2;
    const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    const buffer = device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST });
    const back = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
    await gpu.embedInto(crop, buffer);
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, back, 0, size);
    device.queue.submit([encoder.finish()]);
    await back.mapAsync(GPUMapMode.READ);
    const stayed = new Float32Array(back.getMappedRange());
    expect(Math.max(...differences(stayed, await model.embed(crop)))).toBeLessThan(1e-4);
    buffer.destroy();
    back.destroy();
  });
});

describeOn(['webgpu'], 'the correspondence of two pictures', (device) => {
  const [from, to] = [sceneRoi(0, width, height), sceneRoi(2, width, height)];
  const sides = [
    { picture: sceneImage(0), roi: from },
    { picture: sceneImage(2), roi: to },
  ] as const;
  const points = blobCenters(from);

  test('is that of wasm', async () => {
    const options = { model, points, roughness: 1, pyramid: [1, 0.7] };
    const onGpu = await correspond(...sides, { ...options, device });
    const onWasm = await correspond(...sides, { ...options, device: 'wasm' });
    expect(onGpu.points).toHaveLength(points.length);
    onGpu.points.forEach(({ x, y, confidence, mutual }, n) => {
      const there = onWasm.points[n];
      expect(Math.hypot(x - there.x, y - there.y)).toBeLessThan(0.05);
      expect(Math.abs(confidence - there.confidence)).toBeLessThan(0.01);
      expect(mutual).toBe(there.mutual);
    });
    expect(onGpu.field).toMatchObject({ from, to, columns: onWasm.field.columns, rows: onWasm.field.rows });
    // Discs are of one colour, and which of their cells is the best is a matter of rounding; so is the ground.
    const centers = blobCenters(from);
    const onDiscs = [...onWasm.field.mutual.keys()].filter((cell) => {
      const { columns } = onWasm.field;
      const place = cellPlace(onWasm.field, cell % columns, Math.floor(cell / columns));
      return centers.some(({ x, y }) => Math.hypot(x - place.x, y - place.y) < 0.7 * blobRadius * from.size);
    });
    expect(onDiscs.length).toBeGreaterThan(20);
    for (const cell of onDiscs) {
      const [dx, dy] = [2 * cell, 2 * cell + 1].map((at) => onGpu.field.places[at] - onWasm.field.places[at]);
      expect(Math.hypot(dx, dy)).toBeLessThan(2 * blobRadius * to.size);
    }
  });
});
