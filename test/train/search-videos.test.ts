import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import type { Point } from '../../src/geometry/coordinates.ts';
import { matchReferences } from '../../src/landmarks/matching.ts';
import { cropToTensor } from '../../src/pipeline/crop.ts';
import { createPairPoolBuilder } from '../../src/train/pairs/pair-pool.ts';
import { createRandom } from '../../src/augment/random.ts';
import { findStableLandmarks } from '../../src/train/search/stable-landmarks.ts';
import { cropsOfMotion, searchVideos } from '../../src/train-node/search-videos.ts';
import type { Model } from '../../src/model/model.ts';
import { parseVideoSettings } from '../fixtures/settings.ts';

/*
 * A toy category: discs whose colour tells the place on them, red from left to right and green from top to bottom, with
 * blue for "here is a disc"; no two discs have the same shades. And a network that is right by construction: its
 * embedding is that colour, spread out over enough channels that near colours are similar and far ones are not.
 */
const inputSize = 48;
const stride = 2;
const levels = Array.from({ length: 8 }, (_, i) => i / 7);
const embeddingSize = 2 * levels.length + 2;

const embedPixel = (red: number, green: number, blue: number): number[] => {
  const isDisc = blue > 0.75 && Math.abs(red - green) + red + green > 0.02;
  const bump = (value: number, level: number): number => Math.exp(-(((value - level) / 0.12) ** 2));
  const vector = isDisc
    ? [...levels.map((level) => bump(red, level)), ...levels.map((level) => bump(green, level)), 0.3, 0]
    : [...levels.map(() => 0), ...levels.map(() => 0), 0, 1];
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
};

const embed = (image: Float32Array): Float32Array => {
  const plane = inputSize * inputSize;
  const cells = inputSize / stride;
  const batch = image.length / (3 * plane);
  const map = new Float32Array(batch * embeddingSize * cells * cells);
  for (let b = 0; b < batch; b++) {
    for (let cell = 0; cell < cells * cells; cell++) {
      const pixel = Math.floor(cell / cells) * stride * inputSize + (cell % cells) * stride;
      const mean = [0, 1, 2].map((channel) => {
        const at = (3 * b + channel) * plane + pixel;
        return (image[at] + image[at + 1] + image[at + inputSize] + image[at + inputSize + 1]) / 4;
      });
      embedPixel(mean[0], mean[1], mean[2]).forEach((value, c) => {
        map[(b * embeddingSize + c) * cells * cells + cell] = value;
      });
    }
  }
  return map;
};

const network: Model = {
  manifest: { category: 'disc', inputSize, embeddingSize, stride, temperature: 0.05, cropMargin: 1.6 },
  ...{ device: 'cpu', precision: 'fp32' },
  embed: (image) => Promise.resolve(embed(image)),
  match: (image, references) => {
    const cells = inputSize / stride;
    const each = embeddingSize * cells * cells;
    const maps = embed(image);
    const count = references.length / embeddingSize;
    const matches = new Float32Array((maps.length / each) * count * 3);
    for (let b = 0; b < maps.length / each; b++) {
      const map = {
        data: maps.subarray(b * each, (b + 1) * each),
        ...{ channels: embeddingSize, height: cells, width: cells, stride },
      };
      const found = matchReferences(map, references, { temperature: 0.05 });
      for (let n = 0; n < count; n++) {
        found[3 * n + 2] = 1 / (1 + Math.exp(-20 * (found[3 * n + 2] - 0.75)));
      }
      matches.set(found, b * count * 3);
    }
    return Promise.resolve(matches);
  },
  matchAndEmbed: () => Promise.reject(new Error('not needed')),
  close: () => Promise.resolve(),
};

/** Interleaved RGB of grey noise, with a disc on it. */
const drawDisc = (
  width: number,
  height: number,
  seed: number,
  disc?: { center: Point; radius: number; shade: number },
): Uint8Array => {
  const random = createRandom(seed);
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const grey = random.uniform(40, 170);
    rgb.fill(grey, 3 * i, 3 * i + 3);
    if (disc === undefined) continue;
    const u = ((i % width) + 0.5 - disc.center.x) / disc.radius;
    const v = (Math.floor(i / width) + 0.5 - disc.center.y) / disc.radius;
    if (u * u + v * v > 1) continue;
    rgb.set([127 + 110 * u + disc.shade, 127 + 110 * v - disc.shade, 250], 3 * i);
  }
  return rgb;
};

/** Crops of discs of different shades, radius 0.3 crop sides, a little beside the middle. */
const objectCrops = (count: number): Float32Array[] =>
  Array.from({ length: count }, (_, i) => {
    const random = createRandom(50, i);
    const center = { x: 48 + random.uniform(-4, 4), y: 48 + random.uniform(-4, 4) };
    const data = drawDisc(96, 96, i, { center, radius: 29, shade: random.uniform(-8, 8) });
    const image = { data, width: 96, height: 96, channels: 3 as const };
    return cropToTensor(image, { center: { x: 48, y: 48 }, size: 96, rotation: 0 }, inputSize);
  });
const emptyCrops = (count: number): Float32Array[] =>
  Array.from({ length: count }, (_, i) => {
    const image = { data: drawDisc(96, 96, 100 + i), width: 96, height: 96, channels: 3 as const };
    return cropToTensor(image, { center: { x: 48, y: 48 }, size: 96, rotation: 0 }, inputSize);
  });

describe('landmarks of one’s own', () => {
  test('are places on the object, spread over it, and tell it from what is not the object', async () => {
    const set = await findStableLandmarks(network, objectCrops(12), emptyCrops(12));
    expect(set).toBeDefined();
    if (set === undefined) return;
    expect(set.names.length).toBeGreaterThanOrEqual(8);
    for (const { x, y } of set.meanShape) expect(Math.hypot(x - 0.5, y - 0.5)).toBeLessThan(0.33);
    const xs = set.meanShape.map(({ x }) => x);
    expect(Math.max(...xs) - Math.min(...xs)).toBeGreaterThan(0.3);
    expect(set.evidence.object).toBeGreaterThan(set.evidence.background + 2);
  });

  test('are not made up by a network that sees nothing in particular', async () => {
    const random = createRandom(3);
    const blind: Model = {
      ...network,
      embed: (image) => Promise.resolve(embed(image).map(() => random.normal())),
      match: (_image, references) =>
        Promise.resolve(
          Float32Array.from({ length: (references.length / embeddingSize) * 3 }, (_, i) =>
            i % 3 === 2 ? 0.5 : random.uniform(0, inputSize),
          ),
        ),
    };
    expect(await findStableLandmarks(blind, objectCrops(12), emptyCrops(12))).toBeUndefined();
    const report = await searchVideos({
      network: blind,
      ...{ object: objectCrops(8), empty: emptyCrops(8), videos: [] },
      ...{ settings: parseVideoSettings({}), framesPerVideo: 10 },
    });
    expect(report.report).toEqual({ landmarks: 0, frames: 0, found: 0, videos: 0 });
  });
});

describe('searching videos', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dve-self-'));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const discAt = (frame: number) => ({
    center: { x: 60 + 4 * frame, y: 70 + 2 * frame },
    radius: 32,
    shade: 5,
  });
  const writeVideo = async (name: string, withDisc: boolean): Promise<{ name: string; path: string }> => {
    const path = join(folder, name);
    await mkdir(path);
    for (let frame = 0; frame < 12; frame++) {
      const rgb = drawDisc(200, 160, 500 + frame, withDisc ? discAt(frame) : undefined);
      const raw = { width: 200, height: 160, channels: 3 as const };
      await sharp(rgb, { raw })
        .png({ compressionLevel: 0 })
        .toFile(join(path, `${frame}.png`));
    }
    return { name, path };
  };

  test('finds the object where it is and nowhere else, and counts the frames', async () => {
    const videos = [await writeVideo('with', true), await writeVideo('without', false)];
    const { regions, report } = await searchVideos({
      network,
      ...{ object: objectCrops(12), empty: emptyCrops(12), videos },
      settings: parseVideoSettings({ self: { frameStep: 3, budget: 60 } }),
      framesPerVideo: 20,
    });
    console.log(`found in ${report.found} of ${report.frames} frames, 4 of which show the object`);
    expect(report.frames).toBe(8);
    expect(report.videos).toBe(1);
    expect(regions.has('without')).toBe(false);
    const found = regions.get('with');
    expect(found?.kind).toBe('track');
    if (found?.kind !== 'track') return;
    expect(found.track.length).toBeGreaterThanOrEqual(3);
    for (const { frame, roi } of found.track) {
      const { center, radius } = discAt(frame);
      // The crops that landmarks came from are 96 pixels wide for a radius of 29.
      const side = (96 / 29) * radius;
      expect(Math.hypot(roi.center.x - center.x, roi.center.y - center.y)).toBeLessThan(0.08 * side);
      expect(Math.abs(Math.log(roi.size / side))).toBeLessThan(Math.log(1.15));
    }
  });

  /** @param deformation what counts fully: the object, or a part of it that deforms eight times as much as the rest */
  const cropOfMotion = (deformation: 'none' | 'of a part'): number[] => {
    const side = 64;
    const builder = createPairPoolBuilder(['clip'], 1, side);
    const zero = new Float32Array(side * side);
    const fullWeight = deformation === 'none' ? 1 : 8;
    const weights = new Uint8Array(side * side).fill(26 / fullWeight);
    const rgb = new Uint8Array(side * side * 3);
    for (let y = 10; y < 34; y++) {
      weights.fill(255 / fullWeight, y * side + 24, y * side + 48);
      rgb.fill(255, 3 * (y * side + 24), 3 * (y * side + 48));
    }
    if (deformation === 'of a part')
      for (let y = 20; y < 26; y++) weights.fill(255, y * side + 32, y * side + 40);
    const picture = { file: 'a', width: side, height: side, rgb };
    const flow = { width: side, height: side, x: zero, y: zero };
    const base = { centerX: 0.5, centerY: 0.5, side: 0.85 };
    builder.add(0, 0, { a: picture, b: picture, flow, weights, fullWeight, base });
    const [crop] = cropsOfMotion(builder.finish(), 2, 40);
    return Array.from(crop.subarray(0, 1600), (value) => Number(value > 0.5));
  };

  test.each(['none', 'of a part'] as const)(
    'without pictures of the object, it is taken for what moves; deformation: %s',
    (deformation) => {
      const bright = cropOfMotion(deformation);
      // Half as wide as the crop and in its middle.
      expect(bright.reduce((sum, value) => sum + value, 0)).toBeGreaterThan(350);
      expect(bright.reduce((sum, value) => sum + value, 0)).toBeLessThan(450);
      for (const corner of [11 * 40 + 11, 11 * 40 + 28, 28 * 40 + 11, 28 * 40 + 28])
        expect(bright[corner]).toBe(1);
    },
  );
});
