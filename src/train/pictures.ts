import { InputError } from '../errors.ts';

/** One resolution of a picture inside the shared bytes. */
export type PictureLevel = {
  /** Where its interleaved RGB bytes start. */ offset: number;
  /** Pixels. */ width: number;
  /** Pixels. */ height: number;
};

/** A decoded picture: level 0 is the picture itself, each further one half the size (area average). */
export type Picture = { file: string; width: number; height: number; levels: PictureLevel[] };

/** Pictures in one block of shared memory, so that worker threads read them without a copy. */
export type PictureSet = { bytes: Uint8Array<SharedArrayBuffer>; pictures: Picture[] };

/** A picture before it moves into a {@link PictureSet}: interleaved RGB, width · height · 3 bytes. */
export type RawPicture = { file: string; width: number; height: number; rgb: Uint8Array };

/** Below this the smallest level is not halved again: no crop is ever that coarse. */
const minLevelSide = 16;

/** Start, first pixel and last pixel weights of each output pixel's span along one axis. */
const spans = (from: number, to: number): { start: number; weights: number[] }[] =>
  Array.from({ length: to }, (_, i) => {
    const low = (i * from) / to;
    const high = ((i + 1) * from) / to;
    const start = Math.floor(low);
    const weights: number[] = [];
    for (let pixel = start; pixel < high; pixel++) {
      weights.push((Math.min(high, pixel + 1) - Math.max(low, pixel)) / (high - low));
    }
    return { start, weights };
  });

/** Halves a level into the next one by exact area averages (odd sizes included). */
const halve = (bytes: Uint8Array, from: PictureLevel, to: PictureLevel): void => {
  const columns = spans(from.width, to.width);
  const rows = spans(from.height, to.height);
  rows.forEach((row, y) => {
    columns.forEach((column, x) => {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let j = 0; j < row.weights.length; j++) {
          const base = from.offset + ((row.start + j) * from.width + column.start) * 3 + channel;
          for (let i = 0; i < column.weights.length; i++) {
            sum += row.weights[j] * column.weights[i] * bytes[base + i * 3];
          }
        }
        bytes[to.offset + (y * to.width + x) * 3 + channel] = Math.round(sum);
      }
    });
  });
};

/**
 * Puts pictures and their mip levels into one block of shared memory.
 * @throws InputError for an empty list
 */
export const createPictureSet = (raw: readonly RawPicture[]): PictureSet => {
  if (raw.length === 0) throw new InputError('A picture set got 0 pictures. Pass at least one.');
  let total = 0;
  const pictures = raw.map(({ file, width, height }): Picture => {
    const levels: PictureLevel[] = [];
    let w = width;
    let h = height;
    for (;;) {
      levels.push({ offset: total, width: w, height: h });
      total += w * h * 3;
      if (Math.min(w, h) < 2 * minLevelSide) break;
      w >>= 1;
      h >>= 1;
    }
    return { file, width, height, levels };
  });
  const bytes = new Uint8Array(new SharedArrayBuffer(total));
  pictures.forEach(({ levels }, i) => {
    bytes.set(raw[i].rgb, levels[0].offset);
    for (let level = 1; level < levels.length; level++) halve(bytes, levels[level - 1], levels[level]);
  });
  return { bytes, pictures };
};
