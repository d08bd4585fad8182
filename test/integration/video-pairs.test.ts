import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { disMethod, type FlowMethod } from '../../src/flow/optical-flow.ts';
import { createRandom } from '../../src/augment/random.ts';
import {
  defaultVideoPairSettings,
  type VideoPairSettings,
} from '../../src/train/settings/video-pair-settings.ts';
import { videoPairs } from '../../src/train-node/video-file-pairs.ts';
import type { PairCounts, VideoPair, VideoPairOptions } from '../../src/train/pairs/video-pairs.ts';

const root = mkdtempSync(join(tmpdir(), 'dve-pairs-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

/** Smooth random texture that can be read anywhere, 0–255. */
const texture = (() => {
  const random = createRandom(3);
  const waves = Array.from({ length: 30 }, () => ({
    x: random.uniform(-0.6, 0.6),
    y: random.uniform(-0.6, 0.6),
    phase: random.uniform(0, 7),
  }));
  return (x: number, y: number): number =>
    waves.reduce((sum, wave) => sum + 9 * Math.sin(wave.x * x + wave.y * y + wave.phase), 128);
})();

/** A folder of pictures as a video: `value` gives the brightness of a pixel of a frame. */
const makeVideo = async (
  name: string,
  frames: number,
  width: number,
  height: number,
  value: (frame: number, x: number, y: number) => number,
): Promise<string> => {
  const folder = join(root, name);
  mkdirSync(folder);
  for (let frame = 0; frame < frames; frame++) {
    const rgb = Buffer.alloc(width * height * 3);
    for (let i = 0; i < width * height; i++) {
      rgb.fill(Math.min(255, Math.max(0, value(frame, i % width, Math.floor(i / width)))), 3 * i, 3 * i + 3);
    }
    await sharp(rgb, { raw: { width, height, channels: 3 } })
      .png({ compressionLevel: 1 })
      .toFile(join(folder, `${frame}.png`));
  }
  return folder;
};

const small: VideoPairSettings = {
  ...defaultVideoPairSettings,
  side: 48,
  frameStep: 3,
  maxStep: 8,
  leastMotion: 1,
  greatestMotion: 7,
  greatestMedian: 7,
  leastCoverage: 0.7,
};

const collect = async (
  path: string,
  options: Partial<VideoPairOptions> = {},
): Promise<{ pairs: VideoPair[]; counts: PairCounts | undefined }> => {
  const pairs: VideoPair[] = [];
  let counts: PairCounts | undefined;
  const all = { method: disMethod(), settings: small, seed: 1, ...options };
  for await (const pair of videoPairs(path, { ...all, onCounts: (told) => (counts = told) }))
    pairs.push(pair);
  return { pairs, counts };
};

const moving = await makeVideo('moving', 30, 96, 96, (frame, x, y) =>
  texture(x - 1.2 * frame, y + 0.5 * frame),
);

describe('videoPairs', () => {
  test('the flow of a pair is what moved between its frames, in pixels of the cut pictures', async () => {
    const { pairs, counts } = await collect(moving);
    expect(pairs.length).toBeGreaterThanOrEqual(6);
    expect(counts?.kept).toBe(pairs.length);
    for (const pair of pairs) {
      expect([pair.a.width, pair.a.height, pair.a.rgb.length]).toEqual([48, 48, 3 * 48 * 48]);
      expect(pair.motion.fast).toBeGreaterThanOrEqual(small.leastMotion);
      expect(pair.motion.fast).toBeLessThanOrEqual(small.greatestMotion);
      expect(pair.coverage).toBeGreaterThanOrEqual(small.leastCoverage);
      // 96 pixels of the frame are 48 of the picture.
      const center = 24 * 48 + 24;
      expect(Math.abs(pair.flow.x[center] - 0.6 * pair.step)).toBeLessThan(0.15);
      expect(Math.abs(pair.flow.y[center] + 0.25 * pair.step)).toBeLessThan(0.15);
      expect(Math.abs(pair.backward.x[center] + 0.6 * pair.step)).toBeLessThan(0.15);
      expect([pair.valid[center], pair.backwardValid[center]]).toEqual([1, 1]);
    }
    const steps = pairs.map(({ step }) => step);
    expect(Math.max(...steps)).toBeLessThanOrEqual(small.maxStep);
    // Targets are drawn, so that small and large motions come.
    expect(Math.max(...steps)).toBeGreaterThan(2 * Math.min(...steps));
    expect(pairs.map(({ frame }) => frame)).toEqual(
      pairs.map((_, i) => pairs[0].frame + i * small.frameStep),
    );
  });

  test('the pictures are those of the frames that the pair names', async () => {
    const { pairs } = await collect(moving);
    const [pair] = pairs;
    // The middle of cut pixel (10, 20) lies between frame pixels 20 and 21, 40 and 41.
    const mean = (frame: number): number =>
      [20, 21].reduce((sum, x) => sum + texture(x - 1.2 * frame, 40 + 0.5 * frame), 0) / 4 +
      [20, 21].reduce((sum, x) => sum + texture(x - 1.2 * frame, 41 + 0.5 * frame), 0) / 4;
    const at = 3 * (20 * 48 + 10);
    expect(Math.abs(pair.a.rgb[at] - mean(pair.frame))).toBeLessThan(2);
    expect(Math.abs(pair.b.rgb[at] - mean(pair.frame + pair.step))).toBeLessThan(2);
  });

  test('the same seed gives the same pairs, another begins elsewhere', async () => {
    const settings = { ...small, frameStep: 12 };
    const first = (await collect(moving, { settings })).pairs;
    const again = (await collect(moving, { settings })).pairs;
    expect(again.map(({ frame, step }) => [frame, step])).toEqual(
      first.map(({ frame, step }) => [frame, step]),
    );
    expect(again[0].flow).toEqual(first[0].flow);
    const begins = new Set<number>();
    for (const seed of [1, 2, 3, 4]) begins.add((await collect(moving, { settings, seed })).pairs[0].frame);
    expect(begins.size).toBeGreaterThan(1);
  });

  test('a video that stands still, with noise on it, gives no pair', async () => {
    const noise = createRandom(5);
    const still = await makeVideo('still', 14, 64, 64, (_, x, y) => texture(x, y) + noise.normal(0, 2));
    const { pairs, counts } = await collect(still);
    expect(pairs).toEqual([]);
    expect(counts).toEqual({ kept: 0, tooStill: counts?.tooStill, tooFar: 0, noRegion: 0 });
    expect(counts?.tooStill).toBeGreaterThan(2);
  });

  test('a video in which nothing can be followed gives no pair', async () => {
    const cuts = await makeVideo('cuts', 10, 64, 64, (frame, x, y) =>
      texture(x + 777 * frame, y + 555 * frame),
    );
    const { pairs, counts } = await collect(cuts);
    expect(pairs).toEqual([]);
    expect(counts?.tooFar).toBeGreaterThan(1);
  });

  test('where the motion becomes faster, pairs come closer together', async () => {
    const path = (frame: number): number => (frame < 20 ? 0.6 * frame : 12 + 5 * (frame - 20));
    const faster = await makeVideo('faster', 40, 96, 96, (frame, x, y) => texture(x - path(frame), y));
    const { pairs } = await collect(faster);
    const mean = (chosen: VideoPair[]): number =>
      chosen.reduce((sum, { step }) => sum + step, 0) / chosen.length;
    const slow = pairs.filter(({ frame }) => frame < 12);
    const fast = pairs.filter(({ frame }) => frame >= 22);
    expect(fast.length).toBeGreaterThan(2);
    expect(mean(slow)).toBeGreaterThan(2 * mean(fast));
  });

  test('of a wide frame the square is cut that holds what moves', async () => {
    const value = (frame: number, x: number, y: number): number =>
      x > 120 ? texture(x - 1.5 * frame, y) : texture(x, y);
    const wide = await makeVideo('wide', 10, 192, 64, value);
    const { pairs } = await collect(wide, { settings: { ...small, leastCoverage: 0.5 } });
    expect(pairs.length).toBeGreaterThan(0);
    for (const { roi } of pairs) {
      expect([roi.size, roi.center.y, roi.rotation]).toEqual([64, 32, 0]);
      expect(roi.center.x).toBeGreaterThan(140);
    }
  });

  test('a region is cut out of both frames, in pixels of the video even where it is decoded smaller', async () => {
    const regionOf = (frame: number) =>
      frame % 2 === 0 ? { center: { x: 48, y: 48 }, size: 64, rotation: 0.3 } : undefined;
    const { pairs, counts } = await collect(moving, { regionOf, settings: { ...small, maxSide: 48 } });
    expect(counts?.noRegion).toBeGreaterThan(2);
    expect(pairs.length).toBeGreaterThan(2);
    for (const { frame, step, roi, flow } of pairs) {
      expect(frame % 2).toBe(0);
      expect(roi).toEqual({ center: { x: 48, y: 48 }, size: 64, rotation: 0.3 });
      // (1.2, −0.5) pixels a frame, turned back by the region's rotation, 64 pixels on 48.
      const x = (0.75 * step * (1.2 * Math.cos(0.3) - 0.5 * Math.sin(0.3))).toFixed(2);
      expect(Math.abs(flow.x[24 * 48 + 24] - Number(x))).toBeLessThan(0.25);
    }
  });

  test('where the object is known, the k is taken at which it deforms most, and not the one at which all moves', async () => {
    // The whole goes to the right all the time; the middle is pushed downwards in one frame of six.
    const isPushed = (frame: number): boolean => frame % 6 === 3;
    const push = (frame: number, x: number, y: number): number =>
      isPushed(frame) ? 3 * Math.exp(-((x - 48) ** 2 + (y - 48) ** 2) / 300) : 0;
    const pushed = await makeVideo('pushed', 30, 96, 96, (frame, x, y) =>
      texture(x - 0.8 * frame, y - push(frame, x, y)),
    );
    const object = { center: { x: 24, y: 24 }, radius: 20 };
    const regionOf = () => ({ center: { x: 48, y: 48 }, size: 96, rotation: 0 });
    const settings = { ...small, frameStep: 6, tries: 8 };
    const { pairs } = await collect(pushed, { regionOf, object, settings });
    expect(pairs.length).toBeGreaterThan(2);
    for (const { frame, step, deformation } of pairs) {
      expect(isPushed(frame) !== isPushed(frame + step)).toBe(true);
      // 3 pixels of the frame are 1.5 of the picture.
      expect(deformation?.greatest).toBeGreaterThan(0.7);
      expect(deformation?.greatest).toBeLessThan(1.8);
    }
    const calm = await collect(moving, { regionOf, object, settings });
    expect(calm.pairs.length).toBeGreaterThan(2);
    for (const { deformation } of calm.pairs) expect(deformation?.greatest).toBeLessThan(0.2);
  });

  test('what a region cuts from beyond the frame is not valid', async () => {
    const regionOf = () => ({ center: { x: 20, y: 48 }, size: 80, rotation: 0 });
    const { pairs } = await collect(moving, { regionOf });
    expect(pairs.length).toBeGreaterThan(0);
    for (const { valid, flow, backwardValid } of pairs) {
      // The left quarter of the square lies outside.
      for (let row = 0; row < 48; row++) {
        for (let column = 0; column < 12; column++) {
          expect(valid[row * 48 + column] + backwardValid[row * 48 + column]).toBe(0);
        }
      }
      expect(valid[24 * 48 + 30]).toBe(1);
      expect(flow.x[24 * 48 + 30]).toBeGreaterThan(0);
    }
  });

  test('a long video is gone through in longer steps, so that it gives no more pairs than another', async () => {
    const { pairs } = await collect(moving, { settings: { ...small, pairsPerVideo: 3 } });
    expect(pairs.length).toBeGreaterThan(1);
    expect(pairs.length).toBeLessThanOrEqual(3);
    expect(pairs[1].frame - pairs[0].frame).toBe(10);
  });

  test('a chain pairs frames further apart than one flow follows, each with the flow between them', async () => {
    const { pairs, counts } = await collect(moving, { settings: { ...small, chain: 24 } });
    expect(counts?.kept).toBe(pairs.length);
    expect(pairs.length).toBeGreaterThan(5);
    const steps = pairs.map(({ step }) => step);
    expect(Math.max(...steps)).toBeGreaterThan(small.maxStep);
    expect(Math.max(...steps)).toBeLessThanOrEqual(24);
    for (const pair of pairs) {
      expect(pair.hops).toBeLessThanOrEqual(pair.step);
      const center = 24 * 48 + 24;
      expect(Math.abs(pair.flow.x[center] - 0.6 * pair.step)).toBeLessThan(0.3);
      expect(Math.abs(pair.flow.y[center] + 0.25 * pair.step)).toBeLessThan(0.3);
      expect(Math.abs(pair.backward.x[center] + 0.6 * pair.step)).toBeLessThan(0.3);
      // 0.6 pixels a frame are as many that have left at the end.
      expect(pair.valid.subarray(24 * 48, 25 * 48)[47]).toBe(0);
    }
    // Pairs are handed over, and those of a chain have frames in common.
    expect(new Set(pairs.flatMap(({ a, b }) => [a.rgb.buffer, b.rgb.buffer])).size).toBe(2 * pairs.length);
    const again = await collect(moving, { settings: { ...small, chain: 24 } });
    expect(again.pairs.map(({ frame, step }) => [frame, step])).toEqual(
      pairs.map(({ frame, step }) => [frame, step]),
    );
  });

  test('the flows of a chain are nearer to each other where a small part is fast', async () => {
    const radius = 12;
    const part = await makeVideo('part', 30, 96, 96, (frame, x, y) => {
      const center = (5 * frame) % 96;
      return Math.hypot(x - center, y - 48) < radius ? texture(x - center + 200, y) : texture(x, y);
    });
    const regionOf = () => ({ center: { x: 48, y: 48 }, size: 96, rotation: 0 });
    const settings = { ...small, chain: 24, leastMotion: 0 };
    const apart = async (video: string): Promise<number> => {
      const { pairs } = await collect(video, { regionOf, settings });
      return Math.max(...pairs.map(({ step, hops }) => step / hops));
    };
    // 2.5 pixels of the picture a frame, and 0.7.
    expect(await apart(part)).toBe(2);
    expect(await apart(moving)).toBe(3);
  });

  test('a flow that takes its time is waited for, and both ways of a pair are asked of it', async () => {
    let calls = 0;
    const slow: FlowMethod = {
      name: 'slow',
      flow: async (a) => {
        await Promise.resolve();
        const sign = calls++ % 2 === 0 ? 1 : -1;
        const plane = new Float32Array(a.data.length).fill(2 * sign);
        return { width: a.width, height: a.height, x: plane, y: new Float32Array(plane.length) };
      },
    };
    const { pairs } = await collect(moving, { method: slow });
    expect(calls).toBe(2 * pairs.length);
    expect(pairs[0].motion).toEqual({ median: 2, fast: 2 });
  });
});
