import { cellCenter, pointToCell, type Point } from '../geometry/coordinates.ts';
import { leastSquare, placeShifts, placeTemperature } from './places-around.ts';

/** The embedding of one crop: `data` (C, H, W), unit vectors over C. */
export type EmbeddingMap = {
  data: Float32Array | Int8Array;
  channels: number;
  height: number;
  width: number;
  /** Crop pixels per cell. */ stride: number;
};

/** What an embedding has to be cut by. */
export type EmbeddingGeometry = {
  /** Side of a crop, pixels. */ inputSize: number;
  /** Crop pixels per cell. */ stride: number;
  /** Channels C. */ embeddingSize: number;
};

/** @param embedding (1, C, H, W) unit vectors, of one crop */
export const toEmbeddingMap = (
  { inputSize, stride, embeddingSize }: EmbeddingGeometry,
  embedding: EmbeddingMap['data'],
): EmbeddingMap => ({
  data: embedding,
  channels: embeddingSize,
  height: inputSize / stride,
  width: inputSize / stride,
  stride,
});

export type MatchSettings = { /** Softmax temperature on cosine similarity. */ temperature: number };

export type WindowSettings = MatchSettings & {
  /** Half side of the square window around the best cell, cells: 2 is a window of 5 × 5. */ radius: number;
};

/** Divides `vector` by its length, in place; a zero vector stays zero. */
const normalizeInPlace = (vector: Float32Array): void => {
  let squared = 0;
  for (const value of vector) squared += value * value;
  if (squared === 0) return;
  const scale = 1 / Math.sqrt(squared);
  for (let i = 0; i < vector.length; i += 1) vector[i] *= scale;
};

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/**
 * The embeddings at points between cells: bilinear over the four nearest cell centres, made unit vectors again.
 * Beyond the outermost cell centres the border is repeated.
 * @param points (N) crop pixels
 * @returns (N, C) unit vectors
 */
export const sampleEmbeddings = (map: EmbeddingMap, points: readonly Point[]): Float32Array => {
  const { data, channels, width, height } = map;
  const vectors = new Float32Array(points.length * channels);
  const corners = new Int32Array(points.length);
  const shares = new Float32Array(4 * points.length);
  const [right, below] = [width > 1 ? 1 : 0, height > 1 ? width : 0];
  points.forEach((point, n) => {
    const cell = pointToCell(point, map.stride);
    const x = clamp(cell.x, 0, width - 1);
    const y = clamp(cell.y, 0, height - 1);
    const left = Math.min(Math.floor(x), Math.max(width - 2, 0));
    const top = Math.min(Math.floor(y), Math.max(height - 2, 0));
    const [fx, fy] = [x - left, y - top];
    corners[n] = top * width + left;
    shares.set([(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy], 4 * n);
  });
  // Channel by channel, as they lie in memory: point by point every value would be far from the last one.
  for (let c = 0, plane = 0; c < channels; c += 1, plane += width * height) {
    for (let n = 0, k = 0; n < corners.length; n += 1) {
      const at = plane + corners[n];
      vectors[n * channels + c] =
        shares[k++] * data[at] +
        shares[k++] * data[at + right] +
        shares[k++] * data[at + below] +
        shares[k++] * data[at + below + right];
    }
  }
  for (let start = 0; start < vectors.length; start += channels) {
    normalizeInPlace(vectors.subarray(start, start + channels));
  }
  return vectors;
};

/** The same at one point. @returns (C) */
export const sampleEmbedding = (map: EmbeddingMap, point: Point): Float32Array =>
  sampleEmbeddings(map, [point]);

/**
 * One reference per landmark from several pictures: the mean of its embeddings, made a unit vector again.
 * @param embeddings (pictures) of (N, C) unit vectors, at least one
 * @param channels C
 * @returns (N, C) unit vectors
 */
export const averageReferences = (embeddings: readonly Float32Array[], channels: number): Float32Array => {
  const sum = new Float32Array(embeddings[0].length);
  for (const embedding of embeddings) {
    for (let i = 0; i < sum.length; i += 1) sum[i] += embedding[i];
  }
  for (let start = 0; start < sum.length; start += channels) {
    normalizeInPlace(sum.subarray(start, start + channels));
  }
  return sum;
};

/**
 * Cosine of a reference with every cell.
 * @param reference (C) unit vector
 * @param similarity (H·W), written
 * @returns the cell of the greatest
 */
const correlate = (map: EmbeddingMap, reference: Float32Array, similarity: Float32Array): number => {
  similarity.fill(0);
  for (let c = 0; c < map.channels; c += 1) {
    const weight = reference[c];
    const plane = c * similarity.length;
    for (let i = 0; i < similarity.length; i += 1) similarity[i] += weight * map.data[plane + i];
  }
  let best = 0;
  for (let i = 1; i < similarity.length; i += 1) if (similarity[i] > similarity[best]) best = i;
  return best;
};

/** Squared length of the mean of two cells. */
const squaredLengthBetween = (
  { data, channels, width, height }: EmbeddingMap,
  a: number,
  b: number,
): number => {
  let product = 0;
  for (let c = 0, plane = 0; c < channels; c += 1, plane += width * height) {
    product += data[plane + a] * data[plane + b];
  }
  return (1 + product) / 2;
};

/**
 * Squared length of the mean of the one, two or four cells that a place lies between. Of four it is the product of those
 * along both axes, as if they changed independently.
 * @param x @param y cells, whole or halves, inside the map
 */
const squaredLengthAt = (map: EmbeddingMap, x: number, y: number): number => {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const at = top * map.width + left;
  const right = Math.ceil(x) - left;
  const below = (Math.ceil(y) - top) * map.width;
  if (right === 0 && below === 0) return 1;
  if (right === 0 || below === 0) return squaredLengthBetween(map, at, at + right + below);
  const along = squaredLengthBetween(map, at, at + 1) + squaredLengthBetween(map, at + below, at + below + 1);
  const across =
    squaredLengthBetween(map, at, at + below) + squaredLengthBetween(map, at + 1, at + below + 1);
  return (along * across) / 4;
};

/**
 * Where each reference is found: the nearest cell by cosine, then the expectation of the places around it, half a cell apart
 * and up to three cells away, under softmax(cosine / (5/8 temperature)); the embedding at a place is read as
 * `sampleEmbeddings` reads it. Places outside of the map take no part. The CPU twin of the matching head that exported
 * networks carry, same definition.
 * @param references (N, C) unit vectors
 * @returns (N, 3): x, y in crop pixels, and the cosine at the nearest cell
 */
export const matchReferences = (
  map: EmbeddingMap,
  references: Float32Array,
  { temperature }: MatchSettings,
): Float32Array => {
  const { width, height, channels, stride } = map;
  const count = references.length / channels;
  const similarity = new Float32Array(height * width);
  const matches = new Float32Array(count * 3);
  const alike = new Float64Array(placeShifts.length);
  for (let n = 0; n < count; n += 1) {
    const best = correlate(map, references.subarray(n * channels, (n + 1) * channels), similarity);
    const column = best % width;
    const row = (best - column) / width;
    placeShifts.forEach((shift, place) => {
      const [x, y] = [column + shift.x, row + shift.y];
      alike[place] = -Infinity;
      if (x < 0 || y < 0 || x > width - 1 || y > height - 1) return;
      // The mean of the four cells around, which may be the same.
      const [left, right, top, bottom] = [Math.floor(x), Math.ceil(x), Math.floor(y), Math.ceil(y)];
      const along =
        (similarity[top * width + left] +
          similarity[top * width + right] +
          similarity[bottom * width + left] +
          similarity[bottom * width + right]) /
        4;
      alike[place] = along / Math.sqrt(Math.max(squaredLengthAt(map, x, y), leastSquare));
    });
    const greatest = Math.max(...alike);
    let total = 0;
    let x = 0;
    let y = 0;
    placeShifts.forEach((shift, place) => {
      const weight = Math.exp((alike[place] - greatest) / (placeTemperature * temperature));
      total += weight;
      x += weight * (column + shift.x);
      y += weight * (row + shift.y);
    });
    const center = cellCenter(x / total, y / total, stride);
    matches[n * 3] = center.x;
    matches[n * 3 + 1] = center.y;
    matches[n * 3 + 2] = similarity[best];
  }
  return matches;
};

/**
 * Where each reference is found, as dense matching finds every cell: the nearest cell by cosine, then the expectation of the
 * cell centres under softmax(cosine / temperature) over the square window around it, clipped at the borders.
 * @param references (N, C) unit vectors
 * @returns (N, 3): x, y in crop pixels, and the cosine at the nearest cell
 */
export const matchInWindow = (
  map: EmbeddingMap,
  references: Float32Array,
  { temperature, radius }: WindowSettings,
): Float32Array => {
  const count = references.length / map.channels;
  const similarity = new Float32Array(map.height * map.width);
  const matches = new Float32Array(count * 3);
  for (let n = 0; n < count; n += 1) {
    const best = correlate(map, references.subarray(n * map.channels, (n + 1) * map.channels), similarity);
    const bestColumn = best % map.width;
    const bestRow = (best - bestColumn) / map.width;
    let total = 0;
    let x = 0;
    let y = 0;
    for (
      let row = Math.max(bestRow - radius, 0);
      row <= Math.min(bestRow + radius, map.height - 1);
      row += 1
    ) {
      for (
        let column = Math.max(bestColumn - radius, 0);
        column <= Math.min(bestColumn + radius, map.width - 1);
        column += 1
      ) {
        const weight = Math.exp((similarity[row * map.width + column] - similarity[best]) / temperature);
        const center = cellCenter(column, row, map.stride);
        total += weight;
        x += weight * center.x;
        y += weight * center.y;
      }
    }
    matches[n * 3] = x / total;
    matches[n * 3 + 1] = y / total;
    matches[n * 3 + 2] = similarity[best];
  }
  return matches;
};
