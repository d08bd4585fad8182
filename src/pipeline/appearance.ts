import { imageToCrop } from '../geometry/roi.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { sampleEmbeddings, toEmbeddingMap } from '../landmarks/matching.ts';
import type { ModelGeometry } from '../model/model.ts';
import type { EmbeddedLook } from './look.ts';

/**
 * What one object has that its category has not: the embeddings at its landmarks less the references. An embedding is
 * trained to be the same for all objects of a category; what is left of the individual in it tells two of them apart.
 * (N, C), N the landmarks, or the anchors of a set that has some.
 */
export type Appearance = Float32Array;

/** @param geometry of the network that the look's embedding is of */
export const appearanceOf = (
  { fitted, roi, embedding }: EmbeddedLook,
  { references, anchors }: LandmarkSet,
  geometry: ModelGeometry,
): Appearance => {
  const map = toEmbeddingMap(geometry, embedding);
  const common = anchors?.references ?? references;
  const points = fitted.map((point) => imageToCrop(point, roi, geometry.inputSize));
  return sampleEmbeddings(map, points).map((value, i) => value - common[i]);
};

/** Squared length of an appearance, per value of its landmarks' embeddings, below which there is nothing to tell. */
const leastDifference = 1e-4;

/**
 * How much two appearances are alike: 1 for the same, about 0 for strangers. Two that hardly differ from their category
 * are alike.
 */
export const resemblance = (a: Appearance, b: Appearance): number => {
  let [difference, lengths] = [0, leastDifference * a.length];
  for (let i = 0; i < a.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    lengths += a[i] ** 2 + b[i] ** 2;
  }
  return 1 - difference / lengths;
};

/** Looks over which a portrait is averaged; later ones replace earlier ones slowly. */
const portraitLooks = 30;

/** The appearance of one object over many looks: what single looks get wrong averages out. */
export class Portrait {
  #mean: Appearance | undefined;
  #looks = 0;

  /** Looks that it is made of, those that have faded included. */
  get looks(): number {
    return this.#looks;
  }

  add(appearance: Appearance): void {
    this.#looks++;
    const share = 1 / Math.min(this.#looks, portraitLooks);
    const mean = (this.#mean ??= new Float32Array(appearance.length));
    for (let i = 0; i < mean.length; i++) mean[i] += share * (appearance[i] - mean[i]);
  }

  /** @returns as {@link resemblance}; 0 before the first look */
  resembles(appearance: Appearance): number {
    return this.#mean === undefined ? 0 : resemblance(this.#mean, appearance);
  }
}
