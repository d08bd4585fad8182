import type { Point } from '../geometry/coordinates.ts';
import type { Model } from '../model/model.ts';
import { sampleEmbeddings, toEmbeddingMap } from './matching.ts';

/**
 * Embeddings of one picture at points of its crop.
 * @param image (1, 3, S, S) planar RGB 0–1
 * @param points (N) crop pixels
 * @returns (N, C) unit vectors
 */
export const embedPoints = async <Image>(
  model: Pick<Model<Image>, 'manifest' | 'embed'>,
  image: Image,
  points: readonly Point[],
): Promise<Float32Array> => {
  return sampleEmbeddings(toEmbeddingMap(model.manifest, await model.embed(image)), points);
};
