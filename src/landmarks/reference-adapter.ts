/**
 * References that go along with the object in front of the camera: in another light and from another side than in the pictures that
 * they were made from it looks otherwise, and a frame in which a landmark is surely found says how.
 */
import type { LandmarkSet } from './landmark-set.ts';

/** One landmark in a frame. */
export type SeenLandmark = {
  /** How sure it is on the set's own scale, 0–1; see `certaintiesOf`. */ certainty: number;
  /** (C) unit vector: the embedding where the landmark is told to be; undefined where match and motion disagree on that. */
  embedding: Float32Array | undefined;
};

/** Landmarks less sure than this teach nothing. */
const leastCertainty = 0.85;
/** Share of a reference that one frame replaces: half of it in about two seconds. */
const rate = 0.015;
/** Cosine to the reference that the set has, at least: what it goes to from there is another place, or another object. */
export const leastCosine = 0.92;
/** Cosine to the reference of the moment, at least, for a look to be of the same place. */
const leastLikeness = 0.75;

const dot = (a: Float32Array, aStart: number, b: Float32Array, bStart: number, channels: number): number => {
  let sum = 0;
  for (let c = 0; c < channels; c++) sum += a[aStart + c] * b[bStart + c];
  return sum;
};

/** Makes a vector a unit vector, in place. */
const toUnit = (vector: Float32Array): void => {
  const length = Math.hypot(...vector);
  for (let c = 0; c < vector.length; c++) vector[c] /= length;
};

/**
 * Brings a unit vector back to the cone of {@link leastCosine} around another one, in place: on the great circle between
 * the two.
 */
const keepWithin = (vector: Float32Array, home: Float32Array): void => {
  const cosine = dot(vector, 0, home, 0, vector.length);
  if (cosine >= leastCosine) return;
  const aside = vector.map((value, c) => value - cosine * home[c]);
  toUnit(aside);
  const sine = Math.sqrt(1 - leastCosine ** 2);
  for (let c = 0; c < vector.length; c++) vector[c] = leastCosine * home[c] + sine * aside[c];
};

/** A landmark set whose references follow what is seen of one object: slowly, by sure looks alone, and never far. */
export class ReferenceAdapter {
  readonly #given: LandmarkSet;
  #set: LandmarkSet;

  constructor(given: LandmarkSet) {
    this.#given = given;
    this.#set = given;
  }

  /** The set to look with: the very one that was given until something was learnt. */
  get landmarkSet(): LandmarkSet {
    return this.#set;
  }

  /** Forgets what was learnt: another object may be seen next. */
  reset(): void {
    this.#set = this.#given;
  }

  /** Learns from a frame that shows the object. @param seen (N) */
  learn(seen: readonly SeenLandmark[]): void {
    const { parts, embeddingSize: channels } = this.#given;
    const home = parts?.references ?? this.#given.references;
    const now = this.#set.parts?.references ?? this.#set.references;
    let next: Float32Array | undefined;
    seen.forEach(({ certainty, embedding }, n) => {
      if (embedding === undefined || certainty < leastCertainty) return;
      // Of what bends there are several of each landmark: the one that it looks like is meant.
      let [best, row] = [leastLikeness, -1];
      for (let at = n * channels; at < now.length; at += seen.length * channels) {
        const cosine = dot(now, at, embedding, 0, channels);
        if (cosine >= best) [best, row] = [cosine, at];
      }
      if (row < 0) return;
      next ??= now.slice();
      const reference = next.subarray(row, row + channels);
      for (let c = 0; c < channels; c++) reference[c] += rate * (embedding[c] - reference[c]);
      toUnit(reference);
      keepWithin(reference, home.subarray(row, row + channels));
    });
    if (next === undefined) return;
    this.#set = {
      ...this.#given,
      ...(parts === undefined ? { references: next } : { parts: { ...parts, references: next } }),
    };
  }
}
