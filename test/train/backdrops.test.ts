import { expect, test } from 'vitest';
import { createBatchMaker } from '../../src/train/batch/batch.ts';
import { createPairPoolBuilder, type PairPool } from '../../src/train/pairs/pair-pool.ts';
import { cellCenter } from '../../src/geometry/coordinates.ts';
import { createRandom } from '../../src/augment/random.ts';
import { createWarpSampler } from '../../src/train/views/warps.ts';
import { applyGridMap } from '../../src/train/views/grid-map.ts';
import { parseBatchSettings } from '../fixtures/settings.ts';
import { drawFrame, isOnSquare, movingSquare } from '../fixtures/drawn-clip.ts';

const side = 96;
const base = { centerX: 0.5, centerY: 0.5, side: 0.8 };
const settings = parseBatchSettings({ pairs: 2, backgrounds: 0, occlusion: { share: 0 } });
const clips = [movingSquare(1, side, side), movingSquare(2, side, side)];

/** The square moves by nothing: the flow is exact, and all that counts is on it or beside it. */
const createPool = (isTold: boolean): PairPool => {
  const area = side * side;
  const builder = createPairPoolBuilder(['one', 'two'], 2, side);
  clips.forEach((clip, video) => {
    const picture = drawFrame(clip, 2);
    const matte = Uint8Array.from({ length: area }, (_, i) =>
      isOnSquare(clip, 2, (i % side) + 0.5, Math.floor(i / side) + 0.5) ? 255 : 0,
    );
    builder.add(video, 0, {
      ...{ a: picture, b: picture, base },
      flow: { width: side, height: side, x: new Float32Array(area), y: new Float32Array(area) },
      weights: new Uint8Array(area).fill(255),
      ...(isTold && { mattes: { a: matte, b: matte } }),
    });
  });
  return builder.finish();
};

const batchOf = (isTold: boolean, backdrops?: number) =>
  createBatchMaker({
    ...{ settings, seed: 5 },
    pools: [{ pool: createPool(isTold), share: 1, ...(backdrops !== undefined && { backdrops }) }],
  })(3);

test('before other backgrounds the object alone counts, and both views get another one', () => {
  const { inputSize, queryGrid, pairs } = settings;
  const [plain, moved] = [batchOf(true, 0), batchOf(true, 1)];
  const queries = queryGrid ** 2;
  // Which pair is of which clip is the step's own affair: its source view is told by what counts.
  const sampler = createWarpSampler(inputSize, settings.geometric);
  let [onObject, beside] = [0, 0];
  for (let n = 0; n < pairs; n++) {
    const random = createRandom(5, 1, 3, n);
    const [map] = sampler.drawPair({ width: side, height: side, base }, random.split(0));
    const isObject = (clip: (typeof clips)[number], query: number, margin: number): boolean => {
      const { x, y } = cellCenter(query % queryGrid, Math.floor(query / queryGrid), inputSize / queryGrid);
      const point = new Float64Array(2);
      applyGridMap(map, x, y, point);
      return isOnSquare(clip, 2, point[0], point[1], margin);
    };
    // Both clips' squares have one place.
    for (let query = 0; query < queries; query++) {
      const [before, after] = [plain.valid[n * queries + query], moved.valid[n * queries + query]];
      if (isObject(clips[0], query, 2)) {
        expect(after).toBe(before);
        if (after > 0) onObject++;
      } else if (!isObject(clips[0], query, -2)) {
        expect(after).toBe(0);
        if (before > 0) beside++;
      }
    }
  }
  expect(onObject).toBeGreaterThan(50);
  expect(beside).toBeGreaterThan(50);
  const view = 3 * inputSize ** 2;
  for (let image = 0; image < 2 * pairs; image++) {
    const changed = moved.images
      .subarray(image * view, (image + 1) * view)
      .filter((value, i) => Math.abs(value - plain.images[image * view + i]) > 0.05).length;
    expect(changed).toBeGreaterThan(0.2 * view);
  }
});

test('a share of 0, or pairs in which nothing was told apart, are trained on as they are', () => {
  const plain = batchOf(false);
  for (const batch of [batchOf(true, 0), batchOf(false, 1)]) {
    expect(batch.images).toEqual(plain.images);
    expect(batch.valid).toEqual(plain.valid);
    expect(batch.targets).toEqual(plain.targets);
  }
});
