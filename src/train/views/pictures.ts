import { InputError } from '../../errors.ts';
import type { RawPicture } from '../../media/raw-picture.ts';

/** One resolution of a picture inside the shared bytes. */
export type PictureLevel = {
  /** Where its interleaved RGB bytes start. */ offset: number;
  /** Pixels. */ width: number;
  /** Pixels. */ height: number;
};

/** A decoded picture: level 0 is the picture itself, each further one half the size (area average). */
export type Picture = { file: string; width: number; height: number; levels: PictureLevel[] };

/** Pictures in one block of memory, shared where it can be, so that worker threads read them without a copy. */
export type PictureSet = { bytes: Uint8Array; pictures: Picture[] };

/** Memory that workers share. Pages that are not cross-origin isolated have none: there it is a worker's own. */
export const allocate = (bytes: number): ArrayBufferLike =>
  typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes);

/** Below this the smallest level is not halved again: no crop is ever that coarse. */
const minLevelSide = 16;

/**
 * Weights of the three input pixels from 2·i on that output pixel i covers when n pixels become ⌊n / 2⌋:
 * it spans 2 pixels, or 2 + 1/⌊n / 2⌋ where n is odd.
 */
const halvingWeights = (from: number): Float64Array => {
  const to = from >> 1;
  const weights = new Float64Array(3 * to);
  for (let i = 0; i < to; i++) {
    const low = (i * from) / to;
    const high = ((i + 1) * from) / to;
    for (let k = 0; k < 3; k++) {
      const overlap = Math.min(high, 2 * i + k + 1) - Math.max(low, 2 * i + k);
      weights[3 * i + k] = Math.max(0, overlap) / (high - low);
    }
  }
  return weights;
};

/** Halves a level into the next one by exact area averages (odd sizes included). */
const halve = (bytes: Uint8Array, from: PictureLevel, to: PictureLevel): void => {
  const columns = halvingWeights(from.width);
  const rows = halvingWeights(from.height);
  // The third pixel has weight 0 where the size is even; staying on the last one keeps the read inside.
  const lastRow = from.height - 1;
  const lastColumn = from.width - 1;
  for (let y = 0; y < to.height; y++) {
    for (let x = 0; x < to.width; x++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let j = 0; j < 3; j++) {
        const line = Math.min(lastRow, 2 * y + j) * from.width;
        for (let i = 0; i < 3; i++) {
          const weight = rows[3 * y + j] * columns[3 * x + i];
          const pixel = from.offset + (line + Math.min(lastColumn, 2 * x + i)) * 3;
          red += weight * bytes[pixel];
          green += weight * bytes[pixel + 1];
          blue += weight * bytes[pixel + 2];
        }
      }
      const pixel = to.offset + (y * to.width + x) * 3;
      bytes[pixel] = Math.round(red);
      bytes[pixel + 1] = Math.round(green);
      bytes[pixel + 2] = Math.round(blue);
    }
  }
};

/** Sizes of a picture's levels, the picture itself first. */
const levelSizes = (width: number, height: number): { width: number; height: number }[] => {
  const sizes = [{ width, height }];
  while (Math.min(width, height) >= 2 * minLevelSide) {
    width >>= 1;
    height >>= 1;
    sizes.push({ width, height });
  }
  return sizes;
};

/** Bytes that a picture of this size takes with its mip levels. */
export const pictureBytes = (width: number, height: number): number =>
  levelSizes(width, height).reduce((sum, size) => sum + size.width * size.height * 3, 0);

/** Writes a picture and its mip levels; they take {@link pictureBytes} from `offset` on. */
export const storePicture = (bytes: Uint8Array, offset: number, raw: RawPicture): Picture => {
  const { file, width, height, rgb } = raw;
  const levels: PictureLevel[] = [];
  for (const size of levelSizes(width, height)) {
    levels.push({ offset, ...size });
    offset += size.width * size.height * 3;
  }
  bytes.set(rgb, levels[0].offset);
  for (let level = 1; level < levels.length; level++) halve(bytes, levels[level - 1], levels[level]);
  return { file, width, height, levels };
};

/**
 * Puts pictures and their mip levels into one block of memory.
 * @throws InputError for an empty list
 */
export const createPictureSet = (raw: readonly RawPicture[]): PictureSet => {
  if (raw.length === 0) throw new InputError('A picture set got 0 pictures. Pass at least one.');
  const sizes = raw.map(({ width, height }) => pictureBytes(width, height));
  const bytes = new Uint8Array(allocate(sizes.reduce((sum, size) => sum + size, 0)));
  let offset = 0;
  const pictures = raw.map((picture, i) => {
    const start = offset;
    offset += sizes[i];
    return storePicture(bytes, start, picture);
  });
  return { bytes, pictures };
};
