/** What a network saw of a square, in little: enough to tell how an object is turned, and small enough for every frame. */
import type { Gist } from '../landmarks/gist.ts';
import type { ModelGeometry } from '../model/model.ts';

/**
 * Means of an embedding over 8 × 8 parts of its square.
 * @param embedding (C, H, W) unit vectors over C
 * @param geometry of the network that made it
 */
export const gistOf = (
  embedding: Float32Array,
  { inputSize, stride, files }: Pick<ModelGeometry, 'inputSize' | 'stride' | 'files'>,
): Gist => {
  const side = inputSize / stride;
  const edges = Array.from({ length: 9 }, (_, part) => Math.ceil((part * side) / 8));
  const means = new Int8Array((64 * embedding.length) / side ** 2);
  for (let at = 0; at < means.length; at++) {
    const [column, row] = [at % 8, Math.floor(at / 8) % 8];
    const plane = Math.floor(at / 64) * side;
    let sum = 0;
    let count = 0;
    for (let y = edges[row]; y < edges[row + 1]; y++) {
      for (let x = edges[column]; x < edges[column + 1]; x++, count++)
        sum += embedding[(plane + y) * side + x];
    }
    means[at] = Math.round((127 * sum) / (count || 1));
  }
  return { network: files?.model.sha256, means };
};
