import type { EmbeddingMap } from '../landmarks/matching.ts';

/** The embedding of one crop, cell after cell: what dot products read in one go. */
export type CellRows = {
  /** (H·W, C) unit vectors. */ data: Float32Array;
  channels: number;
  height: number;
  width: number;
};

/** @returns the same embedding with the channels of each cell together */
export const toCellRows = ({ data, channels, height, width }: EmbeddingMap): CellRows => {
  const cells = height * width;
  const rows = new Float32Array(cells * channels);
  for (let c = 0; c < channels; c++) {
    for (let cell = 0; cell < cells; cell++) rows[cell * channels + c] = data[c * cells + cell];
  }
  return { data: rows, channels, height, width };
};

/** Mean over blocks of `size` × `size` cells, made unit vectors again; blocks at the far edges may be smaller. */
export const poolRows = ({ data, channels, height, width }: CellRows, size: number): CellRows => {
  const [rows, columns] = [Math.ceil(height / size), Math.ceil(width / size)];
  const pooled = new Float32Array(rows * columns * channels);
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
export const dot = (a: Float32Array, i: number, b: Float32Array, j: number, channels: number): number => {
  // One by one: this runs a hundred thousand times a picture, and taking a list apart would be most of it.
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
