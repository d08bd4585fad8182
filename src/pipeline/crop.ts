import type { GrayImage } from '../flow/plane.ts';
import type { Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { cropInterleaved, liesInside, sampleGrid, supersampling, type PixelImage } from './crop-pixels.ts';

export type { PixelImage } from './crop-pixels.ts';

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
  const plane = cropSize * cropSize;
  const data = new Float32Array(plane);
  const size = { width: cropSize, height: cropSize };
  if ('channels' in image) {
    const tensor = cropToTensor(image, roi, cropSize);
    for (let i = 0; i < plane; i++) {
      data[i] = 255 * (0.299 * tensor[i] + 0.587 * tensor[i + plane] + 0.114 * tensor[i + 2 * plane]);
    }
    return { ...size, data };
  }
  cropPlane(image.planes[0], image, 1, roi, cropSize, data);
  return { ...size, data };
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
