/** What a network saw of a square, in little: enough to tell how an object is turned, and small enough for every frame. */
import type { ModelGeometry } from '../model/model.ts';

/** Cells per side. */
const gistSide = 8;
/** What whole numbers of a gist are multiples of: one over it. */
const unit = 127;

/**
 * Means of an embedding over {@link gistSide} × {@link gistSide} parts of its square.
 * @param embedding (C, H, W) unit vectors over C
 * @param geometry of the network that made it
 * @returns (C, 8, 8) in 127ths
 */
export const gistOf = (
  embedding: Float32Array,
  { inputSize, stride, embeddingSize }: Pick<ModelGeometry, 'inputSize' | 'stride' | 'embeddingSize'>,
): Int8Array => {
  const side = Math.round(inputSize / stride);
  const cellOf = Uint8Array.from({ length: side }, (_, i) => Math.floor((i * gistSide) / side));
  const inCell = new Float64Array(gistSide);
  for (const cell of cellOf) inCell[cell]++;
  const gist = new Int8Array(embeddingSize * gistSide * gistSide);
  const sums = new Float64Array(gistSide);
  let at = 0;
  for (let start = 0; start < gist.length; start += gistSide) {
    const row = (start / gistSide) % gistSide;
    sums.fill(0);
    for (let y = 0; y < inCell[row]; y++) {
      for (let x = 0; x < side; x++) sums[cellOf[x]] += embedding[at++];
    }
    for (let x = 0; x < gistSide; x++) {
      const count = inCell[row] * inCell[x];
      gist[start + x] = count === 0 ? 0 : Math.round((unit * sums[x]) / count);
    }
  }
  return gist;
};
