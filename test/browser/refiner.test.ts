import { expect, inject, test } from 'vitest';
import { parseLandmarkSet } from '../../src/landmarks/landmark-set.ts';
import { createModel } from '../../src/model/model.ts';
import { fetchManifest, fetchModelFile, loadWebRuntime, runtimeOn } from '../../src/model/model-web.ts';
import { findBlobs } from '../fixtures/refined-blobs.ts';
import { runtimeFiles } from './runtime-files.ts';

const fileUrl = (name: string): string =>
  new URL(`/.cache/fixtures/refined-blobs/${name}`, location.href).href;

const farthest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i])));

test('refined landmarks are in the browser where they are in Node', async () => {
  const inNode = inject('blobsInNode');
  const manifest = await fetchManifest(fileUrl);
  const bytes = await fetchModelFile(fileUrl, manifest.files.model);
  const model = await createModel(runtimeOn(await loadWebRuntime(runtimeFiles.wasm)), {
    ...{ manifest, bytes, where: 'model.onnx' },
  });
  const set = parseLandmarkSet(await (await fetch(fileUrl('landmarks.json'))).text());
  const found = await findBlobs(model, set);
  await model.close();
  // Pixels of the picture.
  expect(farthest(found.refined, inNode.refined)).toBeLessThan(1e-4);
  expect(farthest(found.onAnotherMap, inNode.onAnotherMap)).toBeLessThan(1e-4);
  // The refiner moves points, and by what it sees in the embedding.
  expect(farthest(found.refined, found.matched)).toBeGreaterThan(1);
  expect(farthest(found.refined, found.onAnotherMap)).toBeGreaterThan(0.1);
});
