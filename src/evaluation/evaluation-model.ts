import type { Point } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import {
  matchReferences,
  sampleEmbedding,
  toEmbeddingMap,
  type MatchSettings,
} from '../landmarks/matching.ts';
import type { Manifest } from '../model/manifest.ts';
import type { ModelSession } from '../model/session.ts';
import { createPictureSet } from '../train/views/pictures.ts';
import type { RawPicture } from '../media/raw-picture.ts';
import { createSamplePositions, fillSamplePositions, renderPicture } from '../train/views/render.ts';
import type { GridMap } from '../train/views/warps.ts';

/** Shape of a network's input and output. */
export type EvaluationGeometry = Pick<Manifest, 'inputSize' | 'stride' | 'embeddingSize'>;

/** What the protocols need of a model; a ModelSession is one. */
export type EvaluationModel = Pick<ModelSession, 'embed' | 'match'> & { manifest: EvaluationGeometry };

/**
 * A model from an embedding alone, matched by the CPU twin of the matching head: for networks that are still being
 * trained.
 * @param embed (1, 3, S, S) planar RGB 0–1 → (1, C, H, W) unit vectors
 */
export const createEvaluationModel = (
  manifest: EvaluationGeometry,
  matching: MatchSettings,
  embed: (image: Float32Array) => Promise<Float32Array>,
): EvaluationModel => {
  const pixels = 3 * manifest.inputSize ** 2;
  return {
    manifest,
    embed,
    match: async (image, references) => {
      const count = references.length / manifest.embeddingSize;
      const batch = image.length / pixels;
      const matches = new Float32Array(batch * count * 3);
      for (let i = 0; i < batch; i += 1) {
        const map = toEmbeddingMap(manifest, await embed(image.subarray(i * pixels, (i + 1) * pixels)));
        matches.set(matchReferences(map, references, matching), i * count * 3);
      }
      return matches;
    },
  };
};

/**
 * Embeddings of one picture at points of its crop.
 * @param image (3, S, S) planar RGB 0–1
 * @param points (N) crop pixels
 * @returns (N, C) unit vectors
 */
export const embedPoints = async (
  model: EvaluationModel,
  image: Float32Array,
  points: readonly Point[],
): Promise<Float32Array> => {
  const channels = model.manifest.embeddingSize;
  const map = toEmbeddingMap(model.manifest, await model.embed(image));
  const references = new Float32Array(points.length * channels);
  points.forEach((point, index) => {
    references.set(sampleEmbedding(map, point), index * channels);
  });
  return references;
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
