import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { createBatchMaker } from '../../src/train/batch/batch.ts';
import { videoPool } from '../../src/train/batch/sources.ts';
import { parseBatchSettings } from '../fixtures/settings.ts';
import { createBatchSource } from '../../src/train-node/batch-source.ts';
import { applyGridMap, invertGridMap } from '../../src/train/views/grid-map.ts';
import { toFramePair } from '../../src/train/pairs/frame-pair.ts';
import { motionWeights, regionWeights } from '../../src/train/pairs/motion-weights.ts';
import { createPairPoolBuilder, pairMap } from '../../src/train/pairs/pair-pool.ts';
import type { PairPool } from '../../src/train/pairs/pair-pool.ts';
import { createPictureSet } from '../../src/train/views/pictures.ts';
import { createRandom } from '../../src/augment/random.ts';
import {
  createStepItems,
  splitPairs,
  spreadGroups,
  type StepItem,
} from '../../src/train/batch/step-items.ts';
import type { VideoPair } from '../../src/train/pairs/video-pairs.ts';
import { defaultVideoSettings } from '../../src/train/settings/video-settings.ts';
import { parseVideoSettings } from '../fixtures/settings.ts';
import { correspond, createWarpSampler } from '../../src/train/views/warps.ts';
import { drawFrame, flowPair, isOnSquare, movingSquare } from '../fixtures/drawn-clip.ts';

const base = { centerX: 0.5, centerY: 0.5, side: 0.8 };
const stillWeight = 0.1;

/** Three videos of four pairs each. */
const createPool = (side = 64, videos = 3, reversed = false): PairPool => {
  const builder = createPairPoolBuilder(
    Array.from({ length: videos }, (_, video) => `clip ${video}`),
    4 * videos,
    side,
  );
  const places = Array.from({ length: 4 * videos }, (_, i) => [Math.floor(i / 4), i % 4]);
  for (const [video, order] of reversed ? places.reverse() : places) {
    const { a, b, flow, valid } = flowPair(movingSquare(video + 1, side, side), order, order + 1);
    builder.add(video, order, {
      a,
      b,
      flow,
      base,
      weights: motionWeights({ a, b, flow, valid }, stillWeight),
    });
  }
  return builder.finish();
};

describe('a pair of frames', () => {
  test('through its flow and both warps, correspondences agree with the truth within half a pixel', () => {
    const clip = movingSquare(5);
    const { a, b, flow, valid } = flowPair(clip, 0, 2);
    const builder = createPairPoolBuilder(['clip'], 1, 128);
    builder.add(0, 0, { a, b, flow, base, weights: motionWeights({ a, b, flow, valid }, stillWeight) });
    const pool = builder.finish();
    const between = pairMap(pool, pool.pairs[0]);
    const settings = parseBatchSettings({});
    const { inputSize: size, queryGrid } = settings;
    const sampler = createWarpSampler(size, settings.geometric);
    const errors: number[] = [];
    let expected = 0;
    for (let draw = 0; draw < 25; draw++) {
      const source = { width: 128, height: 128, base };
      const [sourceMap, targetMap] = sampler.drawPair(source, createRandom(7, draw));
      const view = (map: typeof sourceMap) => ({ map, ...source, occluded: new Uint8Array(size * size) });
      const targets = new Float32Array(2 * queryGrid ** 2);
      const weights = new Float32Array(queryGrid ** 2);
      correspond(view(sourceMap), view(targetMap), queryGrid, targets, weights, between);
      const point = new Float64Array(2);
      for (let query = 0; query < queryGrid ** 2; query++) {
        const cell = size / queryGrid;
        applyGridMap(
          sourceMap,
          ((query % queryGrid) + 0.5) * cell,
          (Math.floor(query / queryGrid) + 0.5) * cell,
          point,
        );
        const [x, y] = point;
        // At the square's rim the flow belongs to either side.
        const onSquare = isOnSquare(clip, 0, x, y, 6);
        if (!onSquare && isOnSquare(clip, 0, x, y, -6)) continue;
        if (!onSquare && isOnSquare(clip, 2, x, y, -6)) continue;
        if (x < 0 || y < 0 || x > 128 || y > 128) continue;
        const inTarget = invertGridMap(targetMap, x + (onSquare ? 5.4 : 0), y + (onSquare ? 2.8 : 0), point);
        if (!inTarget) continue;
        expected++;
        if (weights[query] === 0) continue;
        errors.push(Math.hypot(targets[2 * query] - point[0], targets[2 * query + 1] - point[1]));
      }
    }
    errors.sort((p, q) => p - q);
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    const at = (share: number): number => errors[Math.floor(share * (errors.length - 1))];
    console.log(
      `flow and warps: mean ${mean.toFixed(3)}, 99 % below ${at(0.99).toFixed(3)}, worst ${at(1).toFixed(2)} crop pixels; ${errors.length} of ${expected} valid`,
    );
    expect(errors.length).toBeGreaterThan(0.9 * expected);
    expect(mean).toBeLessThan(0.1);
    expect(at(0.99)).toBeLessThan(0.5);
  });

  test('what leaves the picture or is covered does not count, and the still background counts a tenth', () => {
    const clip = movingSquare(3);
    const { a, b, flow, valid } = flowPair(clip, 0, 2);
    const weights = motionWeights({ a, b, flow, valid }, stillWeight);
    const meanOver = (choose: (x: number, y: number) => boolean): number => {
      let sum = 0;
      let count = 0;
      weights.forEach((weight, i) => {
        const [x, y] = [(i % 128) + 0.5, Math.floor(i / 128) + 0.5];
        if (!choose(x, y) || valid[i] === 0) return;
        sum += weight / 255;
        count++;
      });
      return sum / count;
    };
    const moving = meanOver((x, y) => isOnSquare(clip, 0, x, y, 4));
    const still = meanOver((x, y) => !isOnSquare(clip, 0, x, y, -28));
    expect(moving).toBeGreaterThan(0.9);
    expect(still).toBeGreaterThan(0.05);
    expect(still).toBeLessThan(0.15);
    valid.forEach((value, i) => {
      if (value === 0 && weights[i] !== 0) expect.unreachable('an invalid pixel counts');
    });
  });

  test('neither a panning camera nor the flow that is made up over a plain wall count as motion', () => {
    const clip = movingSquare(4);
    const pan = flowPair(clip, 0, 2, { x: 4, y: -2 });
    const wall = flowPair({ ...clip, background: () => 120 }, 0, 2);
    // A flow that smoothness made up: the same everywhere on the wall.
    for (let i = 0; i < wall.valid.length; i++) {
      const onSquare = isOnSquare(clip, 0, (i % 128) + 0.5, Math.floor(i / 128) + 0.5);
      if (onSquare) continue;
      wall.valid[i] = 1;
      wall.flow.x[i] = i % 128 < 64 ? 7 : 0;
    }
    for (const pair of [pan, wall]) {
      const weights = motionWeights(pair, stillWeight);
      const mean = { still: [0, 0], moving: [0, 0] };
      weights.forEach((weight, i) => {
        const [x, y] = [(i % 128) + 0.5, Math.floor(i / 128) + 0.5];
        if (weight === 0) return;
        const kind = isOnSquare(clip, 0, x, y, 8)
          ? 'moving'
          : isOnSquare(clip, 0, x, y, -26)
            ? undefined
            : 'still';
        if (kind === undefined) return;
        mean[kind][0] += weight / 255;
        mean[kind][1]++;
      });
      expect(mean.moving[0] / mean.moving[1]).toBeGreaterThan(0.85);
      expect(mean.still[0] / mean.still[1]).toBeLessThan(0.2);
    }
  });

  test('with a region, the object in its middle counts fully, the rim as what stands still, what deforms more', () => {
    const valid = new Uint8Array(100 * 100).fill(1);
    valid[0] = 0;
    const deformation = new Float32Array(100 * 100);
    const weightsWith = (deformationWeight: number) =>
      regionWeights(
        { width: 100, height: 100 },
        { valid, deformation, base, objectShare: 0.6 },
        { stillWeight, deformationWeight },
      );
    const calm = weightsWith(1);
    expect(calm[50 * 100 + 50]).toBe(255);
    expect(calm[50 * 100 + 72]).toBe(255);
    expect(calm[50 * 100 + 92]).toBe(25);
    expect(calm[0]).toBe(0);
    // A cell is 80 / 48 pixels.
    deformation[50 * 100 + 40] = 5 / 3;
    deformation[50 * 100 + 41] = 5 / 6;
    const weights = weightsWith(5);
    expect([40, 41, 50].map((column) => weights[50 * 100 + column])).toEqual([255, 153, 51]);
    expect(weightsWith(1)).toEqual(calm);
  });

  test('a flow that does not lead back to its start counts less, and what is valid never nothing', () => {
    const side = 32;
    const clip = movingSquare(0, side, side);
    const flowOf = (x: number) => ({
      ...{ width: side, height: side },
      x: new Float32Array(side * side).fill(x),
      y: new Float32Array(side * side),
    });
    const pairOf = (miss: number): VideoPair => ({
      ...{ video: 'clip', frame: 0, step: 1, hops: 1, a: drawFrame(clip, 0), b: drawFrame(clip, 0) },
      ...{ flow: flowOf(1), backward: flowOf(miss - 1), motion: { median: 1, fast: 1 }, coverage: 1 },
      roi: { center: { x: side / 2, y: side / 2 }, size: side, rotation: 0 },
      valid: new Uint8Array(side * side).fill(1),
      backwardValid: new Uint8Array(side * side).fill(1),
    });
    const weightAt = (miss: number): number => {
      const settings = { ...defaultVideoSettings, deformationWeight: 1 };
      const { weights } = toFramePair(pairOf(miss), 'track', settings, 0.6);
      return weights[(side * side) / 2 + side / 2];
    };
    expect(weightAt(0)).toBe(255);
    // A miss of one standard deviation, 0.2 px.
    expect(weightAt(0.2)).toBe(Math.round(255 * Math.exp(-0.5)));
    expect(weightAt(3)).toBe(1);
  });
});

describe('the items of a step', () => {
  test('neighbours never come from one video, however many pairs it has in the batch, up to half', () => {
    for (let trial = 0; trial < 400; trial++) {
      const random = createRandom(11, trial);
      const count = 2 + random.int(15);
      const groups = Array.from({ length: count }, () => String(random.int(1 + random.int(count))));
      const largest = Math.max(...groups.map((group) => groups.filter((other) => other === group).length));
      const order = spreadGroups(groups, random);
      expect([...order].sort((a, b) => a - b)).toEqual(groups.map((_, i) => i));
      if (2 * largest > count) continue;
      order.forEach((item, i) => {
        const next = order[(i + 1) % count];
        expect(groups[item], `${groups.join(' ')} → ${order.join(' ')}`).not.toBe(groups[next]);
      });
    }
  });

  test('a fixed number comes from each source, every video as often as any other, and no picture twice a pass', () => {
    // One long video and nine short ones; and turned views of three of the pictures.
    const names = Array.from({ length: 200 }, (_, pair) => `clip ${Math.max(0, pair - 190)}`);
    const turned = ['picture 1', 'picture 1', 'picture 4', 'picture 7'];
    const pictures = Array.from({ length: 12 }, (_, i) => `picture ${i}`);
    const itemsOf = createStepItems({
      pictures,
      pools: [
        { names, perBatch: 4 },
        { names: turned, perBatch: 1, ofPictures: true },
      ],
      fromPictures: 3,
      seed: 3,
    });
    const uses = new Map<string, number>();
    const seen: number[] = [];
    for (let step = 0; step < 40; step++) {
      const items = itemsOf(step);
      expect(itemsOf(step)).toEqual(items);
      expect(items.filter(({ kind }) => kind === 'picture')).toHaveLength(3);
      expect(items.filter((item) => item.kind === 'flow' && item.pool === 0)).toHaveLength(4);
      expect(items.filter((item) => item.kind === 'flow' && item.pool === 1)).toHaveLength(1);
      const shown = items.map((item) => {
        if (item.kind === 'picture') return pictures[item.index];
        if (item.kind === 'annotated') return 'none is annotated';
        return item.pool === 0 ? names[item.index] : turned[item.index];
      });
      shown.forEach((name, i) => {
        expect(name).not.toBe(shown[(i + 1) % 8]);
        if (name.startsWith('clip')) uses.set(name, (uses.get(name) ?? 0) + 1);
      });
      for (const item of items) if (item.kind === 'picture') seen.push(item.index);
    }
    expect([...uses.values()]).toEqual(Array.from({ length: 10 }, () => 16));
    for (let pass = 0; pass < 10; pass++) {
      expect(new Set(seen.slice(12 * pass, 12 * (pass + 1))).size).toBe(12);
    }
  });

  test('of one recording the pairs that deform are drawn more often, as their weights say', () => {
    const names = ['clip 0', 'clip 0', 'clip 0', 'clip 1'];
    const itemsOf = createStepItems({
      pictures: [],
      pools: [{ names, drawWeights: [1, 0, 3, 0.1], perBatch: 2 }],
      fromPictures: 0,
      seed: 2,
    });
    const counts = [0, 0, 0, 0];
    for (let step = 0; step < 400; step++) {
      for (const item of itemsOf(step)) if (item.kind === 'flow') counts[item.index]++;
    }
    // Recordings are drawn equally often, whatever their pairs weigh.
    expect(counts[3]).toBe(400);
    expect(counts[1]).toBe(0);
    expect(counts[2] / counts[0]).toBeGreaterThan(2.2);
    expect(counts[2] / counts[0]).toBeLessThan(4);
  });

  test('frames go through pictures, pictures through frames and through each other; turned views count as pictures', () => {
    const itemsOf = createStepItems({
      pictures: Array.from({ length: 20 }, (_, i) => `picture ${i}`),
      pools: [
        { names: ['clip 0', 'clip 1', 'clip 2'], perBatch: 2 },
        { names: ['picture 1', 'picture 2', 'picture 3'], perBatch: 2, ofPictures: true },
      ],
      fromPictures: 3,
      seed: 8,
    });
    for (let step = 0; step < 30; step++) {
      const isFrame = itemsOf(step).map((item) => item.kind === 'flow' && item.pool === 0);
      expect(isFrame).toEqual([true, false, false, true, false, false, false]);
    }
  });

  test('pairs that come last are behind all others, and in other ways the same', () => {
    const itemsWith = (isLast: boolean) =>
      createStepItems({
        pictures: Array.from({ length: 20 }, (_, i) => `picture ${i}`),
        pools: [
          { names: ['clip 0', 'clip 1', 'clip 2'], perBatch: 2, isLast },
          { names: ['picture 1', 'picture 2', 'picture 3'], perBatch: 2, ofPictures: true },
        ],
        fromPictures: 3,
        seed: 8,
      });
    const byText = (items: readonly StepItem[]): string[] => items.map((item) => JSON.stringify(item)).sort();
    for (let step = 0; step < 30; step++) {
      const items = itemsWith(true)(step);
      const isFrame = items.map((item) => item.kind === 'flow' && item.pool === 0);
      expect(isFrame).toEqual([false, false, false, false, false, true, true]);
      expect(byText(items)).toEqual(byText(itemsWith(false)(step)));
    }
  });

  test('pools give their shares, all of the batch where there are no pictures, and none without pairs', () => {
    expect(splitPairs(8, [0.5], true)).toEqual({ fromPictures: 4, perPool: [4] });
    expect(splitPairs(8, [0.5], false)).toEqual({ fromPictures: 0, perPool: [8] });
    expect(splitPairs(8, [0, 0.25], true)).toEqual({ fromPictures: 6, perPool: [0, 2] });
    expect(splitPairs(8, [0.9, 0.9], true)).toEqual({ fromPictures: 0, perPool: [4, 4] });
    expect(splitPairs(7, [0.3, 0.3], true)).toEqual({ fromPictures: 3, perPool: [2, 2] });
    expect(splitPairs(8, [], true)).toEqual({ fromPictures: 8, perPool: [] });
  });
});

const pictures = createPictureSet(
  Array.from({ length: 9 }, (_, i) => drawFrame(movingSquare(20 + i, 80, 72), 0)),
);
const settings = parseBatchSettings({ inputSize: 32, queryGrid: 8, pairs: 6, backgrounds: 2 });
const pool = createPool();

const same = (a: Float32Array, b: Float32Array): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

describe('batches with videos', () => {
  test('pairs of frames come last where only pictures are to go through auxiliaries first', () => {
    const last = videoPool(pool, parseVideoSettings({ share: 0.25, exchange: 'pictures' }));
    expect(last).toEqual({ pool, share: 0.25, isLast: true, backdrops: 0 });
    expect(videoPool(pool, parseVideoSettings({})).isLast).toBe(false);
    expect(() => parseVideoSettings({ exchange: 'frames' })).toThrow('all');
  });

  test('depend neither on the workers, nor on where training started, nor on the order in which pairs arrived', async () => {
    const pools = [{ pool, share: 0.5 }];
    const make = createBatchMaker({ set: pictures, pools, settings, seed: 5 });
    const other = createBatchMaker({
      set: pictures,
      pools: [{ pool: createPool(64, 3, true), share: 0.5 }],
      settings,
      seed: 5,
    });
    const source = await createBatchSource({ pictures, pools, settings, seed: 5, startStep: 2, workers: 2 });
    for (let step = 2; step < 7; step++) {
      const batch = await source.next();
      const expected = make(step);
      expect(same(batch.images, expected.images)).toBe(true);
      expect(same(batch.targets, expected.targets)).toBe(true);
      expect(same(batch.valid, expected.valid)).toBe(true);
      expect(same(batch.images, other(step).images)).toBe(true);
    }
    await source.close();
  });

  test('hold still pictures alone as they always did', () => {
    const alone = createBatchMaker({ set: pictures, settings, seed: 5 });
    const without = createBatchMaker({ set: pictures, pools: [{ pool, share: 0 }], settings, seed: 5 });
    expect(same(alone(3).images, without(3).images)).toBe(true);
    expect(alone(3).valid.every((value) => value === 0 || value === 1)).toBe(true);
  });

  test('can be made of videos alone, with weights between 0 and 1', () => {
    const make = createBatchMaker({ pools: [{ pool, share: 0.5 }], settings, seed: 5 });
    const counts = { none: 0, still: 0, moving: 0 };
    for (let step = 0; step < 10; step++) {
      const { images, valid } = make(step);
      expect(images.every((value) => value >= 0 && value <= 1)).toBe(true);
      for (const value of valid) {
        expect(value >= 0 && value <= 1).toBe(true);
        if (value === 0) counts.none++;
        else if (value < 0.5) counts.still++;
        else counts.moving++;
      }
    }
    expect(counts.still).toBeGreaterThan(300);
    expect(counts.moving).toBeGreaterThan(300);
  });

  test('need pictures or pairs of frames, and pairs that fit into the pool', () => {
    expect(() => createBatchMaker({ settings, seed: 1 })).toThrow(InputError);
    const pair = flowPair(movingSquare(1, 32, 32), 0, 1);
    const weights = new Uint8Array(32 * 32);
    const builder = createPairPoolBuilder(['clip'], 1, 64);
    expect(() => {
      builder.add(0, 0, { ...pair, base, weights });
    }).toThrow(/32×32 .* 64×64/);
    const small = createPairPoolBuilder(['clip'], 1, 32);
    small.add(0, 0, { ...pair, base, weights });
    expect(() => {
      small.add(0, 1, { ...pair, base, weights });
    }).toThrow(/one more/);
  });
});
