import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadNodeRuntime } from '../../src/model/runtime-node.ts';
import { readAnnotatedFolder } from '../../src/evaluation-node/read-annotated-folder.ts';
import { evaluateRegression, paperRegressor, splitCrops } from '../../src/evaluation/evaluate-regression.ts';
import type { EvaluationCrop } from '../../src/evaluation/evaluation-model.ts';
import { loadEvaluationCrops } from '../../src/evaluation-node/load-evaluation-crops.ts';
import { smoothL1, spatialSoftArgmax } from '../../src/evaluation/regressor-graphs.ts';
import { embedGradient, gradientManifest, writeGradientFaces } from '../fixtures/gradient-faces.ts';
import { modelOfEmbedding } from '../fixtures/model-of-embedding.ts';
import { checkGradients } from '../train/gradient-check.ts';

const { inputSize } = gradientManifest;
const model = modelOfEmbedding(gradientManifest, embedGradient);

let root: string;
let crops: EvaluationCrop[];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dve-regressor-'));
  await writeGradientFaces(root, 40);
  crops = await loadEvaluationCrops(await readAnnotatedFolder(root), inputSize);
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

describe('gradients of the regressor', () => {
  test('of the spatial soft-argmax agree with central differences', async () => {
    const features = Float32Array.from({ length: 2 * 4 * 9 }, (_, i) => Math.sin(7.3 * i));
    const { worst, compared } = await checkGradients([{ shape: [6, 4] }], (tape, [filters]) =>
      spatialSoftArgmax(tape, filters, tape.graph.constant(features, [2, 4, 9]), 3),
    );
    expect(compared).toBe(24);
    expect(worst).toBeLessThan(2e-3);
  });

  test('of smooth L1 agree with central differences on both sides of its bend', async () => {
    const { worst } = await checkGradients([{ shape: [5, 7], low: -3, high: 3 }], (tape, [error]) =>
      smoothL1(tape, error),
    );
    expect(worst).toBeLessThan(5e-3);
  });
});

describe('the regression protocol', () => {
  test('learns where landmarks are, and the same from the same seed', async () => {
    const runtime = await loadNodeRuntime();
    const { train, test: rest } = splitCrops(crops, 30, 1);
    const measure = (steps: number) =>
      evaluateRegression({
        model,
        runtime,
        train,
        test: rest,
        points: '5',
        settings: { ...paperRegressor, steps },
      });
    const untrained = await measure(1);
    const trained = await measure(150);
    expect(untrained.nme).toBeGreaterThan(0.3);
    expect(trained.nme).toBeLessThan(0.1);
    expect(trained.images).toBe(10);
    expect(await measure(150)).toEqual(trained);
  });

  test('takes finer maps, and more pictures than it embeds at a time', async () => {
    const runtime = await loadNodeRuntime();
    const fine = { ...gradientManifest, stride: 1 };
    const cells = fine.inputSize ** 2;
    // Every cell of the map of 24 × 24 four times.
    const doubled = modelOfEmbedding(fine, async (image) => {
      const coarse = await embedGradient(image);
      return Float32Array.from({ length: 3 * cells }, (_, i) => {
        const [row, column] = [Math.floor((i % cells) / 48), i % 48];
        return coarse[Math.floor(i / cells) * 576 + (row >> 1) * 24 + (column >> 1)];
      });
    });
    const many = Array.from({ length: 70 }, (_, i) => crops[30 + (i % 10)]);
    const result = await evaluateRegression({
      model: doubled,
      runtime,
      train: crops.slice(0, 30),
      test: many,
      points: '5',
      settings: { ...paperRegressor, steps: 40 },
    });
    expect(result.images).toBe(70);
    expect(result.nme).toBeLessThan(0.3);
  });

  test('a split keeps every picture on exactly one side', () => {
    const { train, test: rest } = splitCrops(crops, 25, 3);
    expect([train.length, rest.length]).toEqual([25, 15]);
    expect(new Set([...train, ...rest].map(({ path }) => path)).size).toBe(40);
  });

  test('nothing to measure on is refused', async () => {
    const runtime = await loadNodeRuntime();
    await expect(evaluateRegression({ model, runtime, train: crops, test: [], points: '5' })).rejects.toThrow(
      /40 pictures to train on and 0 to measure on/,
    );
  });
});
