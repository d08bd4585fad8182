import type { Point } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { matchReferences, toEmbeddingMap, type MatchSettings } from '../landmarks/matching.ts';
import type { Model } from '../model/model.ts';
import { createPictureSet } from '../train/views/pictures.ts';
import type { RawPicture } from '../media/raw-picture.ts';
import { createSamplePositions, fillSamplePositions, renderPicture } from '../train/views/render.ts';
import type { GridMap } from '../train/views/warps.ts';

/**
 * The model with the CPU twin of its matching head: many references of pictures whose embeddings are known already, or
 * cheap, need no run of the network.
 */
export const withCpuMatching = (model: Model, matching: MatchSettings): Model => {
  const { inputSize, embeddingSize } = model.manifest;
  const pixels = 3 * inputSize ** 2;
  const matchAndEmbed: Model['matchAndEmbed'] = async (image, references) => {
    const count = references.length / embeddingSize;
    const batch = image.length / pixels;
    const matches = new Float32Array(batch * count * 3);
    const embeddings: Float32Array[] = [];
    for (let i = 0; i < batch; i += 1) {
      const embedding = await model.embed(image.subarray(i * pixels, (i + 1) * pixels));
      const map = toEmbeddingMap(model.manifest, embedding);
      matches.set(matchReferences(map, references, matching), i * count * 3);
      embeddings.push(embedding);
    }
    const embedding = new Float32Array(embeddings.reduce((sum, { length }) => sum + length, 0));
    embeddings.forEach((one, i) => {
      embedding.set(one, i * one.length);
    });
    return { matches, embedding };
  };
  return {
    ...model,
    matchAndEmbed,
    match: async (image, references) => (await matchAndEmbed(image, references)).matches,
  };
};

/**
 * Draws a decoded picture through a map, antialiased by its mip levels.
 * @param map crop pixels → picture pixels
 * @returns (3, S, S) planar RGB 0–1, S = map.size
 */
export const renderCrop = (picture: RawPicture, map: GridMap): Float32Array => {
  const set = createPictureSet([picture]);
  const positions = createSamplePositions(map.size);
  fillSamplePositions(map, positions);
  const out = new Float32Array(3 * map.size * map.size);
  renderPicture(set, set.pictures[0], map, positions, 0, out);
  return out;
};

/** An annotated picture, cut out as the protocols do it. */
export type EvaluationCrop = {
  /** Path of the picture: tells pictures of different folders apart. */ path: string;
  /** (3, S, S) planar RGB 0–1. */ image: Float32Array;
  roi: Roi;
  /** (68) image pixels. */ landmarks: readonly Point[];
};

/** Told one line per picture that is left out. */
export type OnSkip = (message: string) => void;
