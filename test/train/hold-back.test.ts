import { describe, expect, it } from 'vitest';
import { holdBack } from '../../src/train/pairs/hold-back.ts';
import { createPairPoolBuilder, type PairPool } from '../../src/train/pairs/pair-pool.ts';

const side = 4;
const area = side * side;

/** @param frames of each pair, by video */
const poolOf = (
  videos: readonly (readonly (readonly [number, number])[])[],
  recordings?: string[],
): PairPool => {
  const builder = createPairPoolBuilder(
    videos.map((_, video) => `clip-${video}`),
    videos.flat().length,
    side,
  );
  const picture = () => ({ file: 'frame', width: side, height: side, rgb: new Uint8Array(3 * area) });
  videos.forEach((pairs, video) => {
    pairs.forEach((frames, order) => {
      builder.add(video, order, {
        ...{ a: picture(), b: picture(), base: { centerX: 0.5, centerY: 0.5, side: 1 }, frames },
        flow: { width: side, height: side, x: new Float32Array(area), y: new Float32Array(area) },
        weights: new Uint8Array(area),
      });
    });
  });
  return { ...builder.finish(), ...(recordings && { recordings }) };
};

const row = (count: number, step: number, length: number): [number, number][] =>
  Array.from({ length: count }, (_, i) => [step * i, step * i + length]);

const framesOf = ({ pairs }: PairPool, video: number): number[] =>
  pairs.filter((pair) => pair.video === video).flatMap(({ frames }) => frames ?? []);

describe('holdBack', () => {
  it('keeps a pair of each of three videos, and no frame of these is trained on', () => {
    const all = poolOf([row(20, 5, 3), row(40, 5, 8), row(30, 2, 3), row(25, 9, 4)]);
    const { pool, held } = holdBack(all);
    expect(held.pairs.map(({ video }) => video)).toEqual([1, 2, 3]);
    for (const { video, frames } of held.pairs) {
      expect(Math.max(...framesOf(pool, video))).toBeLessThan(Math.min(...(frames ?? [])));
    }
    expect(framesOf(pool, 0)).toEqual(framesOf(all, 0));
    // 40 pairs 5 frames apart and 8 long: the last two reach into the last one's stretch.
    expect(pool.pairs.filter(({ video }) => video === 1)).toHaveLength(38);
  });

  it('takes other recordings, not other clips of one', () => {
    const { held } = holdBack(poolOf([row(20, 5, 3), row(30, 5, 3)], ['one', 'one']));
    expect(held.pairs.map(({ video }) => video)).toEqual([1]);
  });

  it.each([
    ['has few pairs', row(11, 5, 3)],
    ['is one chain, all of whose pairs reach to its end', row(20, 1, 30)],
  ])('leaves a video whole that %s', (_, pairs) => {
    const all = poolOf([pairs]);
    const { pool, held } = holdBack(all);
    expect(held.pairs).toEqual([]);
    expect(pool.pairs).toEqual(all.pairs);
  });

  it('leaves pairs whose frames are not known', () => {
    const all = poolOf([row(20, 5, 3)]);
    for (const pair of all.pairs) delete pair.frames;
    expect(holdBack(all).held.pairs).toEqual([]);
  });
});
