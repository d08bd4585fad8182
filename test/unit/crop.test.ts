import { describe, expect, it } from 'vitest';
import { cropToImage, imageToCrop, type Roi } from '../../src/geometry/roi.ts';
import { cropToTensor, type PixelImage, type PlanarImage } from '../../src/pipeline/crop.ts';
import { supersampling } from '../../src/pipeline/crop-pixels.ts';

const size = 24;

/** Red grows with x, green with y, by one level a pixel: the value says where it was sampled. */
const ramp = (width: number, height: number): PixelImage => {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set([x, y, 7, 255], (y * width + x) * 4);
  }
  return { data, width, height, channels: 4 };
};

/** Where output pixel (i, j) of a crop of `ramp` was sampled, image pixels. */
const sampledAt = (tensor: Float32Array, i: number, j: number) => ({
  x: tensor[j * size + i] * 255 + 0.5,
  y: tensor[size * size + j * size + i] * 255 + 0.5,
});

const rois: [string, Roi][] = [
  ['upright at one to one', { center: { x: 100, y: 90 }, size: 24, rotation: 0 }],
  ['enlarged and turned', { center: { x: 100.3, y: 90.8 }, size: 11, rotation: 0.7 }],
  ['reduced twice', { center: { x: 101.7, y: 90.2 }, size: 48, rotation: -0.4 }],
  ['reduced five times', { center: { x: 128, y: 120 }, size: 120, rotation: 2 }],
];

describe('cropToTensor', () => {
  it.each(rois)('resampling a crop and mapping back returns the same pixel centre (%s)', (_, roi) => {
    const tensor = cropToTensor(ramp(256, 240), roi, size);
    for (const [i, j] of [
      [0, 0],
      [size - 1, 3],
      [11, 12],
      [5, size - 1],
    ]) {
      const center = cropToImage({ x: i + 0.5, y: j + 0.5 }, roi, size);
      const sampled = sampledAt(tensor, i, j);
      expect(sampled.x).toBeCloseTo(center.x, 3);
      expect(sampled.y).toBeCloseTo(center.y, 3);
      const back = imageToCrop(sampled, roi, size);
      expect(back.x).toBeCloseTo(i + 0.5, 2);
      expect(back.y).toBeCloseTo(j + 0.5, 2);
    }
  });

  it('a crop at one to one on whole pixels is the picture itself', () => {
    const data = new Uint8Array(size * size * 3).map((_, index) => (index * 37) % 251);
    const tensor = cropToTensor(
      { data, width: size, height: size, channels: 3 },
      { center: { x: size / 2, y: size / 2 }, size, rotation: 0 },
      size,
    );
    for (let pixel = 0; pixel < size * size; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        expect(tensor[channel * size * size + pixel]).toBeCloseTo(data[pixel * 3 + channel] / 255, 5);
      }
    }
  });

  it('a quarter turn clockwise brings the picture of the left side to the bottom', () => {
    const data = new Uint8Array(4 * 4 * 3);
    for (let y = 0; y < 4; y++) data[y * 12] = 255;
    const image: PixelImage = { data, width: 4, height: 4, channels: 3 };
    const tensor = cropToTensor(image, { center: { x: 2, y: 2 }, size: 4, rotation: Math.PI / 2 }, 4);
    expect([...tensor.subarray(12, 16)].map((value) => Math.round(value * 100) / 100)).toEqual([1, 1, 1, 1]);
    expect(tensor[0]).toBeCloseTo(0, 5);
  });

  it('beyond the edge the outermost pixels go on', () => {
    const tensor = cropToTensor(ramp(32, 32), { center: { x: 0, y: 16 }, size: 24, rotation: 0 }, size);
    expect(tensor[0]).toBe(0);
    expect(sampledAt(tensor, 23, 0).x).toBeCloseTo(11.5, 4);
    const far = cropToTensor(ramp(32, 32), { center: { x: 900, y: 16 }, size: 24, rotation: 0 }, size);
    expect(far[0] * 255).toBeCloseTo(31, 4);
  });

  it('a picture of one pixel gives a flat crop', () => {
    const image: PixelImage = { data: new Uint8Array([51, 102, 204]), width: 1, height: 1, channels: 3 };
    const tensor = cropToTensor(image, { center: { x: 0, y: 3 }, size: 9, rotation: 1 }, 2);
    expect([...tensor].map((value) => Math.round(value * 255))).toEqual([
      51, 51, 51, 51, 102, 102, 102, 102, 204, 204, 204, 204,
    ]);
  });

  it('reducing averages what lies under a pixel, so that fine stripes turn grey instead of flickering', () => {
    const data = new Uint8Array(192 * 192 * 3).map((_, index) =>
      (Math.floor(index / 3) % 192) % 3 === 0 ? 0 : 255,
    );
    const image: PixelImage = { data, width: 192, height: 192, channels: 3 };
    for (const shift of [0, 0.25, 0.5, 0.8, 1.3]) {
      const tensor = cropToTensor(image, { center: { x: 96 + shift, y: 96 }, size: 120, rotation: 0 }, size);
      for (let i = 0; i < size; i++) expect(Math.abs(tensor[size * 12 + i] - 2 / 3)).toBeLessThan(0.25);
    }
  });

  it('a batch is written at its offsets and nowhere else', () => {
    const image = ramp(64, 64);
    const roi: Roi = { center: { x: 30, y: 30 }, size: 20, rotation: 0.2 };
    const each = 3 * size * size;
    const batch = new Float32Array(3 * each).fill(-1);
    cropToTensor(image, roi, size, batch, each);
    expect(batch.subarray(each, 2 * each)).toEqual(cropToTensor(image, roi, size));
    expect(batch[each - 1]).toBe(-1);
    expect(batch[2 * each]).toBe(-1);
  });

  it('the number of samples grows with the reduction and stays bounded', () => {
    expect([10, 96, 192, 193, 400, 1e6].map((roiSize) => supersampling(roiSize, 96))).toEqual([
      1, 1, 1, 2, 3, 3,
    ]);
  });
});

/** The colours of smooth `rgb(x, y)` (0–255) as planes, limited range. */
const planar = (
  format: 'I420' | 'NV12',
  width: number,
  height: number,
  rgb: (x: number, y: number) => [number, number, number],
): PlanarImage => {
  const yuv = (x: number, y: number): [number, number, number] => {
    const [r, g, b] = rgb(x, y).map((value) => value / 255);
    const luma = 0.299 * r + 0.587 * g + 0.114 * b;
    return [16 + 219 * luma, 128 + (112 * (b - luma)) / 0.886, 128 + (112 * (r - luma)) / 0.701];
  };
  const halfWidth = Math.ceil(width / 2);
  const halfHeight = Math.ceil(height / 2);
  const stride = width + 5;
  const luma = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) luma[y * stride + x] = Math.round(yuv(x + 0.5, y + 0.5)[0]);
  }
  const chroma = new Uint8Array(3 + 2 * halfWidth * halfHeight);
  for (let y = 0; y < halfHeight; y++) {
    for (let x = 0; x < halfWidth; x++) {
      const [, u, v] = yuv(2 * x + 1, 2 * y + 1).map(Math.round);
      const index = y * halfWidth + x;
      chroma[3 + (format === 'NV12' ? 2 * index : index)] = u;
      chroma[3 + (format === 'NV12' ? 2 * index + 1 : halfWidth * halfHeight + index)] = v;
    }
  }
  const first = { data: luma, offset: 0, stride };
  return format === 'NV12'
    ? { format, width, height, planes: [first, { data: chroma, offset: 3, stride: 2 * halfWidth }] }
    : {
        format,
        width,
        height,
        planes: [
          first,
          { data: chroma, offset: 3, stride: halfWidth },
          { data: chroma, offset: 3 + halfWidth * halfHeight, stride: halfWidth },
        ],
      };
};

describe.each(['I420', 'NV12'] as const)('cropToTensor of %s planes', (format) => {
  const colour = (x: number, y: number): [number, number, number] => [40 + 2 * x, 200 - 1.5 * y, 60 + x + y];

  it.each([
    ['even', 64, 48],
    ['odd', 63, 47],
  ])(
    'shows the same colours at the same places as the picture they were made from (%s size)',
    (_, width, height) => {
      const image = planar(format, width, height, colour);
      for (const roi of [
        { center: { x: 32, y: 24 }, size: 30, rotation: 0.5 },
        { center: { x: 30, y: 22 }, size: 12, rotation: 0 },
      ]) {
        const tensor = cropToTensor(image, roi, size);
        for (const [i, j] of [
          [0, 0],
          [12, 7],
          [23, 23],
        ]) {
          const at = cropToImage({ x: i + 0.5, y: j + 0.5 }, roi, size);
          colour(at.x, at.y).forEach((value, channel) => {
            // Planes are rounded to whole levels, which the colour matrix stretches to about two.
            expect(Math.abs(tensor[channel * size * size + j * size + i] * 255 - value)).toBeLessThan(2.5);
          });
        }
      }
    },
  );

  it('white and black come out as 1 and 0 in full and limited range', () => {
    for (const fullRange of [false, true]) {
      for (const white of [true, false]) {
        const luma = new Uint8Array(16).fill(white ? (fullRange ? 255 : 235) : fullRange ? 0 : 16);
        const chroma = { data: new Uint8Array(8).fill(128), offset: 0, stride: format === 'NV12' ? 4 : 2 };
        const image: PlanarImage = {
          format,
          width: 4,
          height: 4,
          fullRange,
          matrix: 'bt709',
          planes: [{ data: luma, offset: 0, stride: 4 }, chroma, { ...chroma, offset: 4 }],
        };
        const tensor = cropToTensor(image, { center: { x: 2, y: 2 }, size: 4, rotation: 0 }, 4);
        for (const value of tensor) expect(value).toBeCloseTo(white ? 1 : 0, 5);
      }
    }
  });
});
