import type { Size } from '../../src/geometry/coordinates.ts';
import type { Roi } from '../../src/geometry/roi.ts';
import { cropToTensor } from '../../src/pipeline/crop.ts';
import { toI420 } from '../fixtures/blob-scene.ts';

export const cropSize = 32;

/** A picture without edges sharper than colour at half size can show, so that formats can be compared. */
export const smoothPicture = ({ width, height }: Size): Uint8ClampedArray<ArrayBuffer> => {
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [x, y] = [column + 0.5, row + 0.5];
      const color = [
        128 + 90 * Math.sin(x / 11) * Math.cos(y / 17),
        128 + 90 * Math.cos(x / 19 + 1),
        128 + 90 * Math.sin(y / 13 + x / 29),
        255,
      ];
      pixels.set(color, (row * width + column) * 4);
    }
  }
  return pixels;
};

/** The picture turned clockwise by quarters: what a frame with that rotation shows. */
export const turned = (pixels: Uint8ClampedArray, size: Size, quarters: number): Uint8ClampedArray => {
  if (quarters === 0) return pixels;
  const { width, height } = size;
  const out = new Uint8ClampedArray(pixels.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = (column * height + (height - 1 - row)) * 4;
      out.set(pixels.subarray((row * width + column) * 4, (row * width + column) * 4 + 4), at);
    }
  }
  return turned(out, { width: height, height: width }, quarters - 1);
};

const toNv12 = (i420: Uint8Array, { width, height }: Size): Uint8Array<ArrayBuffer> => {
  const luma = width * height;
  const chroma = luma / 4;
  const out = new Uint8Array(i420.length);
  out.set(i420.subarray(0, luma));
  for (let i = 0; i < chroma; i++) {
    out[luma + 2 * i] = i420[luma + i];
    out[luma + 2 * i + 1] = i420[luma + chroma + i];
  }
  return out;
};

const swapped = (pixels: Uint8ClampedArray): Uint8ClampedArray<ArrayBuffer> => {
  const out = new Uint8ClampedArray(pixels);
  for (let i = 0; i < out.length; i += 4) [out[i], out[i + 2]] = [out[i + 2], out[i]];
  return out;
};

export const formats = ['I420', 'NV12', 'RGBA', 'BGRA'] as const;
export type Format = (typeof formats)[number];

export const makeFrame = (
  format: Format,
  size: Size,
  options: { rotation?: number; flip?: boolean; displayWidth?: number; displayHeight?: number } = {},
): VideoFrame => {
  const pixels = smoothPicture(size);
  const i420 = (): Uint8Array<ArrayBuffer> => toI420(pixels, size.width, size.height);
  const data = {
    I420: i420,
    NV12: () => toNv12(i420(), size),
    RGBA: () => pixels,
    BGRA: () => swapped(pixels),
  };
  const colorSpace: VideoColorSpaceInit =
    format === 'RGBA' || format === 'BGRA'
      ? { matrix: 'rgb', primaries: 'bt709', transfer: 'iec61966-2-1', fullRange: true }
      : { matrix: 'smpte170m', primaries: 'bt709', transfer: 'iec61966-2-1', fullRange: false };
  return new VideoFrame(data[format](), {
    format,
    codedWidth: size.width,
    codedHeight: size.height,
    timestamp: 0,
    colorSpace,
    ...options,
  });
};

/** Inside, turned, reduced, enlarged, over an edge and wholly outside. */
export const squares: Roi[] = [
  { center: { x: 60, y: 50 }, size: 40, rotation: 0 },
  { center: { x: 71.3, y: 44.8 }, size: 37.7, rotation: 0.6 },
  { center: { x: 64, y: 48 }, size: 190, rotation: 0.2 },
  { center: { x: 33.3, y: 21.7 }, size: 11, rotation: -1.2 },
  { center: { x: 2, y: 90 }, size: 50, rotation: 0.1 },
  { center: { x: -60, y: 200 }, size: 30, rotation: 0 },
];

/** What cropping the shown picture gives. @returns (B, 3, S, S) */
export const expectedCrops = (size: Size, quarters = 0): Float32Array => {
  const shown = quarters % 2 === 0 ? size : { width: size.height, height: size.width };
  const image = { data: turned(smoothPicture(size), size, quarters), ...shown, channels: 4 as const };
  const out = new Float32Array(squares.length * 3 * cropSize * cropSize);
  squares.forEach((roi, index) => cropToTensor(image, roi, cropSize, out, index * 3 * cropSize * cropSize));
  return out;
};

/** Greatest and mean difference of two tensors. @throws when their lengths differ */
export const difference = (a: Float32Array, b: Float32Array): { max: number; mean: number } => {
  if (a.length !== b.length) throw new Error(`lengths ${a.length} and ${b.length} differ`);
  let [max, sum] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const delta = Math.abs(a[i] - b[i]);
    max = Math.max(max, delta);
    sum += delta;
  }
  return { max, mean: sum / a.length };
};
