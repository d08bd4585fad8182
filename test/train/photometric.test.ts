import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { defaultBatchSettings } from '../../src/train/settings/batch-settings.ts';
import { simulateJpeg } from '../../src/augment/jpeg.ts';
import { augmentPhotometric } from '../../src/augment/photometric.ts';
import { createRandom } from '../../src/augment/random.ts';

const size = 96;
const plane = size * size;

/** Smooth shapes with some detail, colours apart, all within 0.1–0.9. */
const samplePicture = (): Float32Array => {
  const image = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++) {
    const x = i % size;
    const y = Math.floor(i / size);
    image[i] = 0.5 + 0.2 * Math.sin(x / 7) + 0.15 * Math.sin(y / 3);
    image[plane + i] = 0.5 + 0.3 * Math.cos((x + y) / 9);
    image[2 * plane + i] = 0.5 + 0.25 * Math.sin(x / 11 - y / 5) + (x > 40 && y > 50 ? 0.1 : 0);
  }
  return image;
};

const nothing = {
  ...defaultBatchSettings.photometric,
  brightness: 0,
  contrast: 0,
  saturation: 0,
  gamma: 0,
  colorCast: 0,
  greyShare: 0,
  lightingShare: 0,
  blurShare: 0,
  noiseShare: 0,
  jpegShare: 0,
};

const augmented = (settings: typeof nothing, seed = 1): Float32Array => {
  const image = samplePicture();
  augmentPhotometric(image, size, settings, createRandom(seed));
  return image;
};

const meanDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;

/** Mean absolute difference of horizontal neighbours: how much detail there is. */
const detail = (image: Float32Array): number =>
  meanDifference(image.subarray(1), image.subarray(0, image.length - 1));

describe('photometric augmentation', () => {
  test('with every strength at zero it leaves the picture as it is', () => {
    const image = augmented(nothing);
    const original = samplePicture();
    expect(Math.max(...image.map((value, i) => Math.abs(value - original[i])))).toBeLessThan(3e-4);
  });

  test('whatever is drawn stays within 0 and 1', () => {
    const wild = { ...defaultBatchSettings.photometric, brightness: 3, lighting: 1, noiseSd: 0.5 };
    for (let seed = 0; seed < 100; seed++) {
      const image = augmented(wild, seed);
      expect(image.every((value) => value >= 0 && value <= 1)).toBe(true);
    }
  });

  test('grey pictures have three equal channels', () => {
    const image = augmented({ ...nothing, greyShare: 1 });
    expect(meanDifference(image.subarray(0, plane), image.subarray(plane, 2 * plane))).toBeLessThan(1e-6);
    expect(meanDifference(image.subarray(0, plane), image.subarray(2 * plane))).toBeLessThan(1e-6);
    expect(detail(image)).toBeGreaterThan(0.01);
  });

  test('blur takes detail away and keeps the mean, also at the edges', () => {
    const image = augmented({ ...nothing, blurShare: 1, blurSigma: 2 }, 4);
    const original = samplePicture();
    const mean = (values: Float32Array): number => values.reduce((sum, v) => sum + v, 0) / values.length;
    expect(detail(image)).toBeLessThan(0.97 * detail(original));
    expect(mean(image)).toBeCloseTo(mean(original), 2);
    const flat = new Float32Array(3 * plane).fill(0.4);
    augmentPhotometric(flat, size, { ...nothing, blurShare: 1 }, createRandom(1));
    expect(Math.max(...flat.map((value) => Math.abs(value - 0.4)))).toBeLessThan(3e-4);
  });

  test('noise has the asked spread at most and a mean of zero', () => {
    const flat = (): Float32Array => new Float32Array(3 * plane).fill(0.5);
    const spreads = Array.from({ length: 30 }, (_, seed) => {
      const image = flat();
      augmentPhotometric(image, size, { ...nothing, noiseShare: 1, noiseSd: 0.1 }, createRandom(seed));
      const mean = image.reduce((sum, value) => sum + value, 0) / image.length;
      expect(mean).toBeCloseTo(0.5, 2);
      return Math.sqrt(image.reduce((sum, value) => sum + (value - mean) ** 2, 0) / image.length);
    });
    expect(Math.max(...spreads)).toBeLessThan(0.102);
    expect(Math.max(...spreads)).toBeGreaterThan(0.08);
  });

  test('a lighting gradient brightens one side and darkens the other', () => {
    const image = new Float32Array(3 * plane).fill(0.5);
    const settings = { ...nothing, lightingShare: 1, lighting: 0.5 };
    augmentPhotometric(image, size, settings, createRandom(3));
    const corners = [0, size - 1, plane - size, plane - 1].map((pixel) => image[pixel]);
    expect(Math.max(...corners)).toBeGreaterThan(0.53);
    expect(Math.min(...corners)).toBeLessThan(0.47);
    expect((corners[0] + corners[3]) / 2).toBeCloseTo(0.5, 3);
  });
});

describe('simulated JPEG', () => {
  const encoded = async (image: Float32Array, quality: number): Promise<Float32Array> => {
    const bytes = new Uint8Array(3 * plane);
    for (let i = 0; i < bytes.length; i++) {
      bytes[i] = Math.round(255 * image[(i % 3) * plane + Math.floor(i / 3)]);
    }
    const jpeg = await sharp(bytes, { raw: { width: size, height: size, channels: 3 } })
      .jpeg({ quality, chromaSubsampling: '4:2:0' })
      .toBuffer();
    const decoded = await sharp(jpeg).raw().toBuffer();
    return Float32Array.from(
      { length: 3 * plane },
      (_, i) => decoded[(i % plane) * 3 + Math.floor(i / plane)] / 255,
    );
  };

  test.each([20, 60, 90])('agrees with a real encoder at quality %i', async (quality) => {
    const image = samplePicture();
    const original = samplePicture();
    simulateJpeg(image, size, quality);
    const real = await encoded(original, quality);
    const damage = meanDifference(real, original);
    // Decoders smooth the colour planes in different ways, so the two agree to a part of the damage only.
    expect(meanDifference(image, real)).toBeLessThan(0.6 * damage);
    expect(meanDifference(image, original) / damage).toBeGreaterThan(0.7);
    expect(meanDifference(image, original) / damage).toBeLessThan(1.4);
  });

  test('a size that is no multiple of 16 works too', () => {
    const odd = 45;
    const image = new Float32Array(3 * odd * odd).fill(0.25);
    simulateJpeg(image, odd, 80);
    expect(Math.max(...image.map((value) => Math.abs(value - 0.25)))).toBeLessThan(0.01);
  });
});
