import { describe, expect, test } from 'vitest';
import { createBatchMaker } from '../../src/train/batch/batch.ts';
import { parseBatchSettings } from '../fixtures/settings.ts';
import { createPairPoolBuilder } from '../../src/train/pairs/pair-pool.ts';
import type { PairPool } from '../../src/train/pairs/pair-pool.ts';
import type { RawPicture } from '../../src/media/raw-picture.ts';
import { createRandom } from '../../src/augment/random.ts';
import { groupRecordings } from '../../src/train/pairs/recordings.ts';

const side = 48;
const base = { centerX: 0.5, centerY: 0.5, side: 0.8 };

type Scene = { /** Grey levels. */ object: number; wall: number };

/** A square of one shade in the middle of a wall of another, both with noise. */
const draw = ({ object, wall }: Scene, seed: number): RawPicture => {
  const random = createRandom(seed);
  const rgb = Uint8Array.from({ length: 3 * side * side }, (_, i) => {
    const pixel = Math.floor(i / 3);
    const isObject = [pixel % side, Math.floor(pixel / side)].every((at) => at >= 16 && at < 32);
    return (isObject ? object : wall) + random.int(9) - 4;
  });
  return { file: 'frame', width: side, height: side, rgb };
};

/** Weight of the wall; the object has 255. */
const poolOf = (clips: readonly { name: string; scenes: readonly Scene[] }[], wallWeight = 25): PairPool => {
  const zero = new Float32Array(side * side);
  const weights = Uint8Array.from({ length: side * side }, (_, pixel) =>
    [pixel % side, Math.floor(pixel / side)].every((at) => at >= 16 && at < 32) ? 255 : wallWeight,
  );
  const builder = createPairPoolBuilder(
    clips.map(({ name }) => name),
    clips.reduce((sum, { scenes }) => sum + scenes.length, 0),
    side,
  );
  clips.forEach(({ scenes }, video) => {
    scenes.forEach((scene, order) => {
      const seed = 100 * video + 2 * order;
      const flow = { width: side, height: side, x: zero, y: zero };
      builder.add(video, order, { a: draw(scene, seed), b: draw(scene, seed + 1), flow, weights, base });
    });
  });
  return builder.finish();
};

const times = (count: number, scene: Scene): Scene[] => Array.from({ length: count }, () => scene);

describe('recordings', () => {
  test('clips that look the same are one; each is called as its first clip', () => {
    const pool = poolOf([
      { name: 'anna 1', scenes: times(3, { object: 90, wall: 200 }) },
      { name: 'ben 1', scenes: times(2, { object: 150, wall: 200 }) },
      { name: 'anna 2', scenes: times(5, { object: 93, wall: 198 }) },
      { name: 'ben 2', scenes: times(1, { object: 147, wall: 203 }) },
    ]);
    expect(groupRecordings(pool)).toEqual(['anna 1', 'ben 1', 'anna 1', 'ben 1']);
  });

  test('one wall behind two objects does not make them one, one object in two rooms neither', () => {
    const pool = poolOf([
      { name: 'a', scenes: times(2, { object: 90, wall: 200 }) },
      { name: 'b', scenes: times(2, { object: 130, wall: 200 }) },
      { name: 'c', scenes: times(2, { object: 90, wall: 120 }) },
    ]);
    expect(groupRecordings(pool)).toEqual(['a', 'b', 'c']);
    // Were every pixel to count the same, the wall would make a and b one.
    const { pairs, ...rest } = pool;
    const even = { ...rest, pairs, weights: pool.weights.map(() => 255) };
    expect(groupRecordings(even)).toEqual(['a', 'a', 'c']);
  });

  test('go over steps: what changes little by little is one', () => {
    const shades = [90, 100, 110, 120, 170];
    const clips = shades.map((object, i) => ({ name: `clip ${i}`, scenes: [{ object, wall: 60 }] }));
    const one = ['clip 0', 'clip 0', 'clip 0', 'clip 0', 'clip 4'];
    expect(groupRecordings(poolOf(clips))).toEqual(one);
    // In whatever order they come, even where the link between two comes last.
    const order = [0, 3, 4, 1, 2];
    const shuffled = groupRecordings(poolOf(order.map((i) => clips[i])));
    expect(shuffled).toEqual(['clip 0', 'clip 0', 'clip 4', 'clip 0', 'clip 0']);
  });

  test('a video without pairs is its own', () => {
    const scenes = [{ object: 90, wall: 200 }];
    const pool = poolOf([
      { name: 'a', scenes },
      { name: 'none', scenes: [] },
      { name: 'b', scenes },
    ]);
    expect(groupRecordings(pool)).toEqual(['a', 'none', 'a']);
  });

  test('count as one video in a batch', () => {
    const clips = Array.from({ length: 6 }, (_, i) => ({
      name: `clip ${i}`,
      scenes: times(2, { object: 40 + 30 * i, wall: 220 }),
    }));
    const pool = poolOf(clips);
    const settings = parseBatchSettings({ inputSize: 32, queryGrid: 8, pairs: 4, backgrounds: 0 });
    const recordings = ['clip 0', 'clip 0', 'clip 0', 'clip 0', 'clip 4', 'clip 5'];
    const imagesOf = (some: PairPool): Float32Array[] => {
      const make = createBatchMaker({ pools: [{ pool: some, share: 1 }], settings, seed: 4 });
      return Array.from({ length: 4 }, (_, step) => make(step).images.slice());
    };
    const grouped = imagesOf({ ...pool, recordings });
    expect(grouped).toEqual(imagesOf({ ...pool, videos: recordings }));
    expect(grouped).not.toEqual(imagesOf(pool));
  });
});
