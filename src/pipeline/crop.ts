import type { Point, Size } from '../geometry/coordinates.ts';
import type { GrayImage } from '../flow/plane.ts';
import { cropToImage, type Roi } from '../geometry/roi.ts';

/** A picture in memory, rows from top to bottom, channels interleaved: ImageData, or what sharp and ffmpeg give. */
export type PixelImage = Size & {
  /** width · height · channels bytes. */ data: Uint8Array | Uint8ClampedArray;
  /** 3: RGB, 4: RGBA (alpha is ignored). */ channels: 3 | 4;
};

/** One plane of a picture. */
export type Plane = {
  data: Uint8Array;
  /** Index of its first byte. */ offset: number;
  /** Bytes from one row to the next. */ stride: number;
};

/** A picture as cameras and decoders keep it: brightness at full size, colour at half of it (rounded up). */
export type PlanarImage = Size & {
  /** I420: planes Y, U, V. NV12: planes Y and interleaved UV. */ format: 'I420' | 'NV12';
  planes: readonly Plane[];
  /** How the planes mean colours. Default `bt601`. */ matrix?: 'bt601' | 'bt709';
  /** True where brightness uses 0–255 rather than 16–235. Default false. */ fullRange?: boolean;
};

/**
 * Samples per side of one output pixel, K. One bilinear sample covers two source pixels, so K grows with half the
 * reduction. Above 3 it stops growing: nine samples are antialiased enough for crops that shrink more than six times, and
 * a large square of a large frame must not take longer than the network.
 */
export const supersampling = (roiSize: number, cropSize: number): number =>
  Math.min(3, Math.max(1, Math.ceil(roiSize / cropSize / 2 - 1e-6)));

/**
 * Where the samples lie: sample (p, q) of the S·K × S·K grid is at crop position ((p + 0.5) / K, (q + 0.5) / K),
 * taken to the image by `cropToImage`; output pixel (i, j) is the mean of the K × K samples inside it. Positions here are
 * array positions (a pixel's centre at a whole number), hence the half pixel taken off.
 */
type SampleGrid = {
  /** Array position of sample (0, 0). */ origin: Point;
  /** From one sample to the next along a row; (−y, x) is the step down a column. */ step: Point;
  /** K. */ perPixel: number;
};

const sampleGrid = (roi: Roi, cropSize: number, perPixel: number): SampleGrid => {
  const half = 0.5 / perPixel;
  const first = cropToImage({ x: half, y: half }, roi, cropSize);
  const step = roi.size / cropSize / perPixel;
  return {
    origin: { x: first.x - 0.5, y: first.y - 0.5 },
    step: { x: step * Math.cos(roi.rotation), y: step * Math.sin(roi.rotation) },
    perPixel,
  };
};

/** Whether no sample needs the pixels beyond the edge. */
const liesInside = (grid: SampleGrid, cropSize: number, size: Size): boolean => {
  const last = cropSize * grid.perPixel - 1;
  return [
    [0, 0],
    [last, 0],
    [0, last],
    [last, last],
  ].every(([p, q]) => {
    const x = grid.origin.x + p * grid.step.x - q * grid.step.y;
    const y = grid.origin.y + p * grid.step.y + q * grid.step.x;
    return x >= 0 && y >= 0 && x < size.width - 1 && y < size.height - 1;
  });
};

/** Output array of one crop: its own, or a part of a batch. */
const target = (cropSize: number, out: Float32Array | undefined, offset: number): Float32Array =>
  out === undefined
    ? new Float32Array(3 * cropSize * cropSize)
    : out.subarray(offset, offset + 3 * cropSize * cropSize);

/**
 * Cuts a rotated square out of a picture: the mean of K × K bilinear samples per output pixel (see
 * {@link supersampling}), so that a reduced crop is antialiased. Beyond the picture's edge its outermost pixels go on.
 * `crop.wgsl` takes the same samples.
 * @param roi image pixels; it may reach beyond the edges
 * @param cropSize S, pixels
 * @param out with `offset`: where to write, for a batch; else a new array is made
 * @returns (3, S, S) planar RGB, 0–1
 */
export const cropToTensor = (
  image: PixelImage | PlanarImage,
  roi: Roi,
  cropSize: number,
  out?: Float32Array,
  offset = 0,
): Float32Array => {
  const tensor = target(cropSize, out, offset);
  if ('channels' in image) cropInterleaved(image, roi, cropSize, tensor);
  else cropPlanar(image, roi, cropSize, tensor);
  return tensor;
};

const cropInterleaved = (image: PixelImage, roi: Roi, cropSize: number, tensor: Float32Array): void => {
  const { data, width, height, channels } = image;
  const grid = sampleGrid(roi, cropSize, supersampling(roi.size, cropSize));
  const inside = liesInside(grid, cropSize, image);
  const k = grid.perPixel;
  const { x: stepX, y: stepY } = grid.step;
  const right = width > 1 ? channels : 0;
  const down = height > 1 ? width * channels : 0;
  const lastColumn = Math.max(0, width - 2);
  const lastRow = Math.max(0, height - 2);
  const plane = cropSize * cropSize;
  const scale = 1 / (255 * k * k);
  for (let j = 0, pixel = 0; j < cropSize; j++) {
    for (let i = 0; i < cropSize; i++, pixel++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let q = j * k; q < (j + 1) * k; q++) {
        for (let p = i * k; p < (i + 1) * k; p++) {
          let x = grid.origin.x + p * stepX - q * stepY;
          let y = grid.origin.y + p * stepY + q * stepX;
          if (!inside) {
            x = x < 0 ? 0 : x > width - 1 ? width - 1 : x;
            y = y < 0 ? 0 : y > height - 1 ? height - 1 : y;
          }
          let column = x | 0;
          let row = y | 0;
          if (column > lastColumn) column = lastColumn;
          if (row > lastRow) row = lastRow;
          const fx = x - column;
          const fy = y - row;
          const bottomRight = fx * fy;
          const topRight = fx - bottomRight;
          const bottomLeft = fy - bottomRight;
          const topLeft = 1 - fx - bottomLeft;
          const a = (row * width + column) * channels;
          const b = a + right;
          const c = a + down;
          const d = c + right;
          red += data[a] * topLeft + data[b] * topRight + data[c] * bottomLeft + data[d] * bottomRight;
          green +=
            data[a + 1] * topLeft +
            data[b + 1] * topRight +
            data[c + 1] * bottomLeft +
            data[d + 1] * bottomRight;
          blue +=
            data[a + 2] * topLeft +
            data[b + 2] * topRight +
            data[c + 2] * bottomLeft +
            data[d + 2] * bottomRight;
        }
      }
      tensor[pixel] = red * scale;
      tensor[pixel + plane] = green * scale;
      tensor[pixel + 2 * plane] = blue * scale;
    }
  }
};

/**
 * One plane's samples, 0–255, into `out` (S, S).
 * @param pixelStep bytes from one value to the next in a row: 2 where two planes are interleaved
 */
const cropPlane = (
  plane: Plane,
  size: Size,
  pixelStep: number,
  roi: Roi,
  cropSize: number,
  out: Float32Array,
): void => {
  const { data, offset, stride } = plane;
  const { width, height } = size;
  const grid = sampleGrid(roi, cropSize, supersampling(roi.size, cropSize));
  const inside = liesInside(grid, cropSize, size);
  const k = grid.perPixel;
  const { x: stepX, y: stepY } = grid.step;
  const right = width > 1 ? pixelStep : 0;
  const down = height > 1 ? stride : 0;
  const lastColumn = Math.max(0, width - 2);
  const lastRow = Math.max(0, height - 2);
  const share = 1 / (k * k);
  for (let j = 0, pixel = 0; j < cropSize; j++) {
    for (let i = 0; i < cropSize; i++, pixel++) {
      let sum = 0;
      for (let q = j * k; q < (j + 1) * k; q++) {
        let x = grid.origin.x + i * k * stepX - q * stepY;
        let y = grid.origin.y + i * k * stepY + q * stepX;
        for (let p = 0; p < k; p++, x += stepX, y += stepY) {
          let column: number;
          let row: number;
          let fx: number;
          let fy: number;
          if (inside) {
            column = x | 0;
            row = y | 0;
            fx = x - column;
            fy = y - row;
          } else {
            const nearX = x < 0 ? 0 : x > width - 1 ? width - 1 : x;
            const nearY = y < 0 ? 0 : y > height - 1 ? height - 1 : y;
            column = Math.min(nearX | 0, lastColumn);
            row = Math.min(nearY | 0, lastRow);
            fx = nearX - column;
            fy = nearY - row;
          }
          const a = offset + row * stride + column * pixelStep;
          const c = a + down;
          const top = data[a] + (data[a + right] - data[a]) * fx;
          const bottom = data[c] + (data[c + right] - data[c]) * fx;
          sum += top + (bottom - top) * fy;
        }
      }
      out[pixel] = sum * share;
    }
  }
};

/** Weights of the red and blue differences: luma = kr R + kg G + kb B. */
const lumaWeights = { bt601: { kr: 0.299, kb: 0.114 }, bt709: { kr: 0.2126, kb: 0.0722 } };

const cropPlanar = (image: PlanarImage, roi: Roi, cropSize: number, tensor: Float32Array): void => {
  const half = { width: Math.ceil(image.width / 2), height: Math.ceil(image.height / 2) };
  // A colour value's centre lies amid its four pixels: halving the coordinates is all there is to it.
  const halfRoi: Roi = { ...roi, center: { x: roi.center.x / 2, y: roi.center.y / 2 }, size: roi.size / 2 };
  const count = cropSize * cropSize;
  const luma = tensor.subarray(0, count);
  const blueDifference = tensor.subarray(count, 2 * count);
  const redDifference = tensor.subarray(2 * count, 3 * count);
  const [first, second, third] = image.planes;
  cropPlane(first, image, 1, roi, cropSize, luma);
  if (image.format === 'I420') {
    cropPlane(second, half, 1, halfRoi, cropSize, blueDifference);
    cropPlane(third, half, 1, halfRoi, cropSize, redDifference);
  } else {
    cropPlane(second, half, 2, halfRoi, cropSize, blueDifference);
    cropPlane({ ...second, offset: second.offset + 1 }, half, 2, halfRoi, cropSize, redDifference);
  }
  toRgb(image, luma, blueDifference, redDifference);
};

/**
 * The brightness of a rotated square, by the same samples as {@link cropToTensor}. Of planar pictures it is the first
 * plane as it stands, which is all that motion needs.
 * @param roi image pixels
 * @param cropSize S, pixels
 * @returns (S, S), 0–255
 */
export const cropToGray = (image: PixelImage | PlanarImage, roi: Roi, cropSize: number): GrayImage => {
  if ('channels' in image) return tensorToGray(cropToTensor(image, roi, cropSize), cropSize);
  const data = new Float32Array(cropSize * cropSize);
  cropPlane(image.planes[0], image, 1, roi, cropSize, data);
  return { width: cropSize, height: cropSize, data };
};

/** @param tensor (3, S, S) planar RGB, 0–1 @returns (S, S), 0–255 */
export const tensorToGray = (tensor: Float32Array, cropSize: number): GrayImage => {
  const plane = cropSize * cropSize;
  const data = new Float32Array(plane);
  for (let i = 0; i < plane; i++) {
    data[i] = 255 * (0.299 * tensor[i] + 0.587 * tensor[i + plane] + 0.114 * tensor[i + 2 * plane]);
  }
  return { width: cropSize, height: cropSize, data };
};

/** Replaces brightness and colour differences (0–255) by red, green and blue (0–1), in place. */
const toRgb = (image: PlanarImage, first: Float32Array, second: Float32Array, third: Float32Array): void => {
  const { kr, kb } = lumaWeights[image.matrix ?? 'bt601'];
  const kg = 1 - kr - kb;
  const black = image.fullRange === true ? 0 : 16;
  const lumaScale = image.fullRange === true ? 1 / 255 : 1 / 219;
  const chromaScale = image.fullRange === true ? 2 / 255 : 2 / 224;
  const clamp = (value: number): number => (value < 0 ? 0 : value > 1 ? 1 : value);
  for (let i = 0; i < first.length; i++) {
    const luma = (first[i] - black) * lumaScale;
    const blue = luma + (second[i] - 128) * chromaScale * (1 - kb);
    const red = luma + (third[i] - 128) * chromaScale * (1 - kr);
    first[i] = clamp(red);
    second[i] = clamp((luma - kr * red - kb * blue) / kg);
    third[i] = clamp(blue);
  }
};
