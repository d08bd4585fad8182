import type { EmbeddingMap } from '../landmarks/matching.ts';

/**
 * The embedding of one crop, cell after cell: what dot products read in one go. In 64 bits, because JavaScript would make
 * those of every value that it reads.
 */
export type CellRows = {
  /** (H·W, C) unit vectors. */ data: Float64Array;
  channels: number;
  height: number;
  width: number;
};

/** @returns the same embedding with the channels of each cell together */
export const toCellRows = ({ data, channels, height, width }: EmbeddingMap): CellRows => {
  const cells = height * width;
  const rows = new Float64Array(cells * channels);
  for (let c = 0; c < channels; c++) {
    for (let cell = 0; cell < cells; cell++) rows[cell * channels + c] = data[c * cells + cell];
  }
  return { data: rows, channels, height, width };
};

/** Mean over blocks of `size` × `size` cells, made unit vectors again; blocks at the far edges may be smaller. */
export const poolRows = ({ data, channels, height, width }: CellRows, size: number): CellRows => {
  const [rows, columns] = [Math.ceil(height / size), Math.ceil(width / size)];
  const pooled = new Float64Array(rows * columns * channels);
  for (let cell = 0; cell < height * width; cell++) {
    const column = cell % width;
    const block = Math.floor((cell - column) / width / size) * columns + Math.floor(column / size);
    for (let c = 0; c < channels; c++) pooled[block * channels + c] += data[cell * channels + c];
  }
  for (let start = 0; start < pooled.length; start += channels) {
    let squared = 0;
    for (let c = 0; c < channels; c++) squared += pooled[start + c] ** 2;
    const scale = squared > 0 ? 1 / Math.sqrt(squared) : 0;
    for (let c = 0; c < channels; c++) pooled[start + c] *= scale;
  }
  return { data: pooled, channels, height: rows, width: columns };
};

/** Dot product of C values of two arrays. Four sums at a time: they do not wait for each other. */
export const dot = (a: Float64Array, i: number, b: Float64Array, j: number, channels: number): number => {
  // One by one: this runs ten thousand times a picture, and taking a list apart would be most of it.
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let c = 0;
  for (; c + 3 < channels; c += 4) {
    s0 += a[i + c] * b[j + c];
    s1 += a[i + c + 1] * b[j + c + 1];
    s2 += a[i + c + 2] * b[j + c + 2];
    s3 += a[i + c + 3] * b[j + c + 3];
  }
  for (; c < channels; c++) s0 += a[i + c] * b[j + c];
  return s0 + s1 + s2 + s3;
};

/** Cells that {@link dotFive} does at once. */
export const five = 5;

/**
 * Dot products of one cell with five neighbours in a row: each value of the one is read once for all of them, which takes
 * two fifths of the time of five by themselves.
 * @param i where the one begins @param j where the first of the five begins
 * @param out (5) written from `at` on
 */
export const dotFive = (
  a: Float64Array,
  i: number,
  b: Float64Array,
  j: number,
  channels: number,
  out: Float64Array,
  at: number,
): void => {
  const [j1, j2, j3, j4] = [j + channels, j + 2 * channels, j + 3 * channels, j + 4 * channels];
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let s4 = 0;
  for (let c = 0; c < channels; c++) {
    const value = a[i + c];
    s0 += value * b[j + c];
    s1 += value * b[j1 + c];
    s2 += value * b[j2 + c];
    s3 += value * b[j3 + c];
    s4 += value * b[j4 + c];
  }
  out[at] = s0;
  out[at + 1] = s1;
  out[at + 2] = s2;
  out[at + 3] = s3;
  out[at + 4] = s4;
};
