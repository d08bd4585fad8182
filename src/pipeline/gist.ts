/** What a network saw of a square, in little: enough to tell how an object is turned, and small enough for every frame. */
import type { ModelGeometry } from '../model/model.ts';

/**
 * Means of an embedding over 8 × 8 parts of its square.
 * @param embedding (C, H, W) unit vectors over C
 * @param geometry of the network that made it
 * @returns (C, 8, 8) in 127ths
 */
export const gistOf = (
  embedding: Float32Array,
  { inputSize, stride }: Pick<ModelGeometry, 'inputSize' | 'stride'>,
): Int8Array => {
  const side = inputSize / stride;
  const partOf = (at: number): number => Math.floor((8 * at) / side);
  const parts = Array.from(
    { length: side * side },
    (_, i) => 8 * partOf(Math.floor(i / side)) + partOf(i % side),
  );
  const sums = new Float32Array((64 * embedding.length) / parts.length);
  const counts = new Float32Array(64);
  for (const part of parts) counts[part]++;
  for (let at = 0, start = 0; at < embedding.length; start += 64) {
    for (const part of parts) sums[start + part] += embedding[at++];
  }
  return Int8Array.from(sums, (sum, i) => Math.round((127 * sum) / (counts[i % 64] || 1)));
};
