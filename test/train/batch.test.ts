import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { createBatchMaker } from '../../src/train/batch/batch.ts';
import type { Batch } from '../../src/train/batch/batch.ts';
import { defaultBatchSettings } from '../../src/train/settings/batch-settings.ts';
import { parseBatchSettings } from '../fixtures/settings.ts';
import { createPictureSet } from '../../src/train/views/pictures.ts';
import type { RawPicture } from '../../src/media/raw-picture.ts';

const plainPhotometric = {
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

const paint = (
  file: string,
  width: number,
  height: number,
  color: (x: number, y: number) => [number, number, number],
): RawPicture => {
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) rgb.set(color(i % width, Math.floor(i / width)), i * 3);
  return { file, width, height, rgb };
};

const solids = (count: number): RawPicture[] =>
  Array.from({ length: count }, (_, i) => paint(`${i}.png`, 64, 64, () => [10 + i * 10, 128, 128]));

/** Bilinear sample of one channel of an image of a batch; crop pixels. */
const sample = (batch: Batch, size: number, image: number, channel: number, x: number, y: number): number => {
  const px = Math.min(size - 1.001, Math.max(0, x - 0.5));
  const py = Math.min(size - 1.001, Math.max(0, y - 0.5));
  const column = Math.floor(px);
  const row = Math.floor(py);
  const start = (image * 3 + channel) * size * size + row * size + column;
  const mix = (a: number, b: number, share: number): number => a + share * (b - a);
  return mix(
    mix(batch.images[start], batch.images[start + 1], px - column),
    mix(batch.images[start + size], batch.images[start + size + 1], px - column),
    py - row,
  );
};

describe('a training batch', () => {
  test('where a picture encodes position as colour, source and target agree in colour at valid queries', () => {
    // Half a grey level a pixel, and views small enough that few of them look past the picture's edge.
    const width = 500;
    const height = 480;
    const picture = paint('position', width, height, (x, y) => [x / 2, y / 2, 0]);
    const settings = parseBatchSettings({
      pairs: 1,
      photometric: plainPhotometric,
      occlusion: { share: 0 },
      base: { centerX: 0.5, centerY: 0.5, side: 0.4 },
      geometric: { wideScaleRange: [0.5, 1.5] },
      softness: 0,
    });
    const make = createBatchMaker({ set: createPictureSet([picture]), settings, seed: 3 });
    const { inputSize: size, queryGrid } = settings;
    let count = 0;
    let sum = 0;
    let worst = 0;
    for (let step = 0; step < 60; step++) {
      const batch = make(step);
      for (let query = 0; query < queryGrid ** 2; query++) {
        if (batch.valid[query] === 0) continue;
        const sourceX = ((query % queryGrid) + 0.5) * (size / queryGrid);
        const sourceY = (Math.floor(query / queryGrid) + 0.5) * (size / queryGrid);
        const targetX = batch.targets[2 * query];
        const targetY = batch.targets[2 * query + 1];
        // Half a pixel from the crop's edge a bilinear sample has no neighbour on one side.
        if (Math.min(targetX, targetY, size - targetX, size - targetY) < 1) continue;
        const source = [0, 1].map((channel) => 510 * sample(batch, size, 0, channel, sourceX, sourceY));
        // Nor do colours grow evenly near the picture's edge.
        const edge = Math.min(source[0], source[1], width - source[0], height - source[1]);
        if (edge < 20) continue;
        const target = [0, 1].map((channel) => 510 * sample(batch, size, 1, channel, targetX, targetY));
        const error = Math.hypot(source[0] - target[0], source[1] - target[1]);
        count++;
        sum += error;
        worst = Math.max(worst, error);
      }
    }
    console.log(
      `position by colour: mean ${(sum / count).toFixed(3)}, worst ${worst.toFixed(2)} picture pixels of ${count}`,
    );
    expect(count).toBeGreaterThan(15_000);
    // A crop pixel is two picture pixels wide here.
    expect(sum / count).toBeLessThan(0.3);
    expect(worst).toBeLessThan(1.5);
  });

  test('left stays left: in every view the colour of the left half lies left of the right half', () => {
    const picture = paint('halves', 256, 256, (x) => (x < 128 ? [255, 0, 0] : [0, 0, 255]));
    const settings = parseBatchSettings({
      pairs: 1,
      photometric: plainPhotometric,
      occlusion: { share: 0 },
      geometric: { rotationSd: 12, wideScaleShare: 0 },
    });
    const make = createBatchMaker({ set: createPictureSet([picture]), settings, seed: 1 });
    const { inputSize: size } = settings;
    for (let step = 0; step < 50; step++) {
      const { images } = make(step);
      for (const view of [0, 1]) {
        const center = (channel: number): number => {
          let weight = 0;
          let sum = 0;
          for (let i = 0; i < size * size; i++) {
            const value = images[(view * 3 + channel) * size * size + i];
            weight += value;
            sum += value * (i % size);
          }
          return sum / weight;
        };
        expect(center(0)).toBeLessThan(center(2));
      }
    }
  });

  test('its pairs come from different pictures, and every picture is used once a pass', () => {
    const settings = parseBatchSettings({
      inputSize: 16,
      queryGrid: 4,
      pairs: 5,
      photometric: plainPhotometric,
      occlusion: { share: 0 },
    });
    const make = createBatchMaker({ set: createPictureSet(solids(20)), settings, seed: 9 });
    const middle = 8 * 16 + 8;
    const picturesOf = (step: number): number[] => {
      const { images } = make(step);
      return Array.from({ length: 10 }, (_, image) =>
        Math.round((255 * images[image * 3 * 256 + middle] - 10) / 10),
      );
    };
    const passes = [0, 1].map((pass) => [0, 1, 2, 3].map((step) => picturesOf(4 * pass + step)));
    for (const batch of passes.flat()) {
      expect(new Set(batch.slice(0, 5)).size).toBe(5);
      expect(batch.slice(5)).toEqual(batch.slice(0, 5));
    }
    for (const pass of passes) expect(new Set(pass.flat()).size).toBe(20);
    expect(passes[0]).not.toEqual(passes[1]);
  });

  test('at the default settings three quarters of the queries are valid and no value is out of range', () => {
    const pictures = Array.from({ length: 16 }, (_, i) =>
      paint(`${i}`, 256, 256, (x, y) => [(x * 3 + i) % 256, (y * 5) % 256, (x ^ y) % 256]),
    );
    const settings = parseBatchSettings({ backgrounds: 3 });
    const make = createBatchMaker({ set: createPictureSet(pictures), settings, seed: 1 });
    make(0);
    const steps = 12;
    let valid = 0;
    let time = 0;
    for (let step = 0; step < steps; step++) {
      const started = process.cpuUsage();
      const batch = make(step);
      const { user, system } = process.cpuUsage(started);
      time += (user + system) / 1000;
      expect(batch.images.length).toBe((2 * 8 + 3) * 3 * 96 * 96);
      expect(batch.targets.length).toBe(8 * 24 * 24 * 2);
      expect(batch.images.every((value) => value >= 0 && value <= 1)).toBe(true);
      expect(batch.targets.every((value) => value >= 0 && value <= 96)).toBe(true);
      expect(batch.valid.every((value) => value === 0 || value === 1)).toBe(true);
      valid += batch.valid.reduce((sum, value) => sum + value, 0) / batch.valid.length;
    }
    const perView = time / steps / 19;
    console.log(
      `${((100 * valid) / steps).toFixed(1)} % of queries valid; ${perView.toFixed(2)} ms of processor time a view`,
    );
    expect(valid / steps).toBeGreaterThan(0.72);
  });

  test('a background crop never shows the middle of the object unless its tiles are shuffled', () => {
    // Red marks the object: the middle share of the canonical crop.
    const { base, objectShare } = defaultBatchSettings;
    const half = (base.side * objectShare * 256) / 2;
    const pictures = Array.from({ length: 4 }, (_, i) =>
      paint(`${i}`, 256, 256, (x, y) =>
        Math.abs(x - base.centerX * 256) < half && Math.abs(y - base.centerY * 256) < half
          ? [255, 0, 0]
          : [0, 255, 0],
      ),
    );
    const settings = parseBatchSettings({
      pairs: 1,
      inputSize: 48,
      queryGrid: 4,
      backgrounds: 60,
      photometric: plainPhotometric,
    });
    const { images } = createBatchMaker({ set: createPictureSet(pictures), settings, seed: 2 })(0);
    const plane = 48 * 48;
    let whole = 0;
    let withRed = 0;
    for (let k = 0; k < 60; k++) {
      const crop = images.subarray((2 + k) * 3 * plane, (3 + k) * 3 * plane);
      const isPicture = crop.subarray(2 * plane).every((value) => value === 0);
      if (!isPicture) continue;
      const red = crop.subarray(0, plane).filter((value) => value > 0.5).length / plane;
      if (red === 0) whole++;
      else if (red > 0.05 && red < 0.95) withRed++;
    }
    expect(whole).toBeGreaterThan(10);
    // About a fifth of the crops are scrambled pictures, which do show the object's colours.
    expect(withRed).toBeLessThan(25);
  });

  test('pictures marked as background make background crops and nothing else', () => {
    const blue = paint('blue', 64, 64, () => [0, 0, 255]);
    const settings = parseBatchSettings({
      pairs: 3,
      inputSize: 16,
      queryGrid: 4,
      backgrounds: 40,
      photometric: plainPhotometric,
      occlusion: { share: 0 },
    });
    const set = createPictureSet([blue, ...solids(3)]);
    const make = createBatchMaker({ set, settings, seed: 2, objects: [1, 2, 3], backgrounds: [0] });
    const { images } = make(0);
    const isBlue = (image: number): boolean => images[(image * 3 + 2) * 256 + 8 * 16 + 8] > 0.99;
    expect([0, 1, 2, 3, 4, 5].some(isBlue)).toBe(false);
    expect(Array.from({ length: 40 }, (_, k) => 6 + k).filter(isBlue).length).toBeGreaterThan(5);
  });

  test('more pairs than pictures are refused with both numbers', () => {
    const settings = parseBatchSettings({ pairs: 5 });
    const make = (): unknown => createBatchMaker({ set: createPictureSet(solids(4)), settings, seed: 1 });
    expect(make).toThrow(InputError);
    expect(make).toThrow(/5 pairs needs as many different pictures and there are 4/);
  });
});
