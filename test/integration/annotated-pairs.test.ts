import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import type { Point } from '../../src/geometry/coordinates.ts';
import { loadNodeRuntime } from '../../src/model/runtime-node.ts';
import { createBatchMaker } from '../../src/train/batch/batch.ts';
import type { Batch } from '../../src/train/batch/batch.ts';
import type { AnnotatedPicture } from '../../src/train/batch/sources.ts';
import { parseBatchSettings } from '../fixtures/settings.ts';
import { createBatchSource } from '../../src/train-node/batch-source.ts';
import type { LossSettings } from '../../src/train/step/dve-loss.ts';
import { defaultLoss } from '../../src/train/step/dve-loss.ts';
import { createTrainingEngine } from '../../src/train/step/engine.ts';
import { createGridMap } from '../../src/train/views/grid-map.ts';
import { correspondLandmarks } from '../../src/train/pairs/landmark-pairs.ts';
import type { NetworkSettings } from '../../src/train/network/networks.ts';
import { defaultOptimizer, scheduleAt } from '../../src/train/graph/adam.ts';
import { createPictureSet } from '../../src/train/views/pictures.ts';
import { createRandom } from '../../src/augment/random.ts';
import {
  initialParameters,
  initialStatistics,
  parameterLayout,
} from '../../src/train/network/training-network.ts';
import type { TrainingState } from '../../src/train/step/training-step.ts';
import { buildTrainingStep } from '../../src/train/step/training-step.ts';
import type { View } from '../../src/train/views/warps.ts';
import { drawFrame, movingSquare } from '../fixtures/drawn-clip.ts';

describe('landmarks of two pictures', () => {
  const size = 48;
  const view = (width: number, height: number, center: Point, side: number, rotation = 0): View => ({
    map: createGridMap(size, { center, width: side, height: side, rotation }),
    ...{ width, height },
    occluded: new Uint8Array(size * size),
  });
  const correspond = (source: View, target: View, from: Point[], to: Point[]) => {
    const targets = new Float32Array(2 * 144);
    const weights = new Float32Array(144);
    correspondLandmarks(source, target, [from, to], 12, targets, weights);
    return { targets, weights };
  };

  test('take the cell that holds a landmark to the same landmark in the other picture', () => {
    // The source shows its picture pixel by pixel, the target one of twice the size, shifted.
    const source = view(48, 48, { x: 24, y: 24 }, 48);
    const target = view(96, 96, { x: 40, y: 48 }, 96);
    const { targets, weights } = correspond(source, target, [{ x: 13, y: 22 }], [{ x: 50, y: 30 }]);
    // Cell (3, 5) with its centre at (14, 22), one pixel right of the landmark: two in the target picture, one in its view.
    const query = 5 * 12 + 3;
    expect(weights.reduce((sum, value) => sum + value, 0)).toBe(1);
    expect(weights[query]).toBe(1);
    expect(targets[2 * query]).toBeCloseTo((50 + 2 - (40 - 48)) / 2, 4);
    expect(targets[2 * query + 1]).toBeCloseTo(30 / 2, 4);
    expect(targets.every(Number.isFinite)).toBe(true);
  });

  test('count where both views show them, and one a cell: the one nearest to its centre', () => {
    const source = view(48, 48, { x: 24, y: 24 }, 48);
    const target = view(48, 48, { x: 24, y: 24 }, 48);
    const points = [
      { x: 13, y: 22 },
      { x: 14.1, y: 22 },
      { x: 30, y: 30 },
      { x: 60, y: 10 },
      { x: 6, y: 6 },
    ];
    const moved = points.map(({ x, y }) => ({ x: x + 8, y }));
    moved[4] = { x: -20, y: 6 };
    target.occluded[30 * size + 38] = 1;
    const { targets, weights } = correspond(source, target, points, moved);
    expect(weights.reduce((sum, value) => sum + value, 0)).toBe(1);
    expect(weights[5 * 12 + 3]).toBe(1);
    expect(targets[2 * (5 * 12 + 3)]).toBeCloseTo(22, 4);
  });
});

const pictures = createPictureSet(
  Array.from({ length: 9 }, (_, i) => drawFrame(movingSquare(40 + i, 80, 72), 0)),
);
const settings = parseBatchSettings({
  ...{ inputSize: 32, queryGrid: 8, pairs: 8, backgrounds: 1, annotatedShare: 0.25 },
  occlusion: { share: 0 },
});
const annotated: AnnotatedPicture[] = [1, 4, 6].map((picture) => ({
  picture,
  points: [20, 30, 40, 50].flatMap((x) => [25, 45].map((y) => ({ x, y }))),
}));

describe('a batch with annotated pictures', () => {
  const make = createBatchMaker({ set: pictures, settings, seed: 4, annotated });

  test('has a fixed number of annotated pairs, whose cells count as annotated and not otherwise', () => {
    for (let step = 0; step < 12; step++) {
      const { valid, annotated: onLandmarks, targets } = make(step);
      if (onLandmarks === undefined) return expect.unreachable('the batch has no annotated cells');
      const sum = (weights: Float32Array, n: number): number =>
        weights.subarray(64 * n, 64 * (n + 1)).reduce((total, value) => total + value, 0);
      const pairs = Array.from({ length: 8 }, (_, n) => n);
      const without = pairs.filter((n) => sum(valid, n) === 0);
      expect(without.length).toBeGreaterThanOrEqual(2);
      expect(pairs.filter((n) => sum(onLandmarks, n) > 0).every((n) => without.includes(n))).toBe(true);
      for (const n of pairs) expect(sum(onLandmarks, n)).toBeLessThanOrEqual(8);
      expect(targets.every(Number.isFinite)).toBe(true);
    }
  });

  test('comes from worker threads as it does from this one', async () => {
    const source = await createBatchSource({ pictures, settings, seed: 4, startStep: 3, annotated });
    const batch = await source.next();
    await source.close();
    expect(batch.annotated).toEqual(make(3).annotated);
    expect(batch.targets).toEqual(make(3).targets);
  });

  test('needs two pictures, and is what it was where none is annotated', () => {
    expect(() =>
      createBatchMaker({ set: pictures, settings, seed: 4, annotated: annotated.slice(1, 2) }),
    ).toThrow(InputError);
    const plain = createBatchMaker({ set: pictures, settings, seed: 4 })(2);
    const none = createBatchMaker({ set: pictures, settings, seed: 4, annotated: [] })(2);
    expect(plain.annotated).toBeUndefined();
    expect(Buffer.from(plain.images.buffer).equals(Buffer.from(none.images.buffer))).toBe(true);
  });
});

describe('the annotated term of the loss', async () => {
  const runtime = await loadNodeRuntime({ threads: 1 });
  const shape = { inputSize: 32, pairs: 4, queryGrid: 8, backgrounds: 1, annotated: true };
  const tiny: NetworkSettings = { kind: 'light', embeddingSize: 8, widths: [8, 8, 12] };
  const loss: LossSettings = { ...defaultLoss, auxiliaryGrid: 8, backgroundGrid: 4, annotationWeight: 0.7 };
  const layout = parameterLayout(tiny, shape.inputSize);
  const optimizer = { ...defaultOptimizer, clip: 1e12 };
  const freshState = (): TrainingState => {
    const parameters = initialParameters(layout, createRandom(1));
    return {
      parameters,
      momentum: new Float32Array(layout.parameterCount),
      velocity: new Float32Array(layout.parameterCount),
      average: parameters.slice(),
      statistics: initialStatistics(layout),
    };
  };
  const random = createRandom(3);
  const fill = (count: number, draw: (i: number) => number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => draw(i));
  // The last pair is an annotated one.
  const batch: Batch = {
    images: fill(9 * 3 * 32 * 32, () => random.uniform()),
    targets: fill(4 * 64 * 2, () => random.uniform(0, 32)),
    valid: fill(4 * 64, (i) => (i < 192 && random.chance(0.8) ? 1 : 0)),
    annotated: fill(4 * 64, (i) => (i >= 192 && random.chance(0.2) ? 1 : 0)),
  };
  const schedule = scheduleAt(0, 10, optimizer);
  const step = async (settings: LossSettings, parameters = freshState().parameters, given = batch) => {
    const graph = buildTrainingStep(layout, tiny, settings, optimizer, shape);
    const engine = await createTrainingEngine(runtime, graph, shape, { ...freshState(), parameters });
    const result = await engine.step(given, schedule);
    const gradient = engine.state.momentum.map((value) => value / (1 - optimizer.beta1));
    await engine.close();
    return {
      ...result,
      gradient,
      total: result.loss + settings.annotationWeight * (result.annotatedLoss ?? NaN),
    };
  };

  test('has the right gradient over the whole network', async () => {
    const { gradient } = await step(loss);
    const norm = Math.hypot(...gradient);
    expect(norm).toBeGreaterThan(0);
    const errors: number[] = [];
    for (const length of [1e-3, 3e-4, 1e-4]) {
      const along = async (sign: number): Promise<number> => {
        const moved = freshState().parameters.map(
          (value, i) => value + (sign * length * gradient[i]) / norm ** 2,
        );
        return (await step(loss, moved)).total;
      };
      errors.push(Math.abs(((await along(1)) - (await along(-1))) / (2 * length) - 1));
    }
    expect(Math.min(...errors)).toBeLessThan(0.02);
  });

  test('is reported apart, and leaves the rest of the loss as it is', async () => {
    const both = await step(loss);
    const off = await step({ ...loss, annotationWeight: 0 });
    const none = await step(loss, undefined, { ...batch, annotated: new Float32Array(4 * 64) });
    expect(both.annotatedLoss).toBeGreaterThan(0.1);
    expect(off.loss).toBeCloseTo(both.loss, 5);
    expect(none.annotatedLoss).toBe(0);
    expect(none.loss).toBeCloseTo(both.loss, 5);
    const apart = off.gradient.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - both.gradient[i])),
      0,
    );
    expect(apart).toBeGreaterThan(1e-4);
    const same = off.gradient.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - none.gradient[i])),
      0,
    );
    expect(same).toBeLessThan(1e-6);
  });
});
