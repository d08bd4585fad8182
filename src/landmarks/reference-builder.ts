import type { Point } from '../geometry/coordinates.ts';
import { median } from './accuracy.ts';
import { matchReferences, sampleEmbedding, type EmbeddingMap, type MatchSettings } from './matching.ts';

/** One annotated crop. */
export type ReferenceView = {
  map: EmbeddingMap;
  /** (N) where the landmarks were annotated, crop pixels. */ points: readonly Point[];
};

export type ReferenceOptions = {
  matching: MatchSettings;
  /** How far a landmark may be missed on the way there and back, crop pixels. */ tolerance: number;
  /** Other views that each view is checked against. Default 8. */ partners?: number;
};

export type References = {
  /** (N, C) unit vectors. */ references: Float32Array;
  /** (N) share of the views that each reference was made from. */ kept: Float64Array;
};

/** @returns (N, C) unit vectors */
const embeddingsAt = (map: EmbeddingMap, points: readonly Point[]): Float32Array => {
  const embeddings = new Float32Array(points.length * map.channels);
  points.forEach((point, index) => {
    embeddings.set(sampleEmbedding(map, point), index * map.channels);
  });
  return embeddings;
};

const pointAt = (matches: Float32Array, index: number): Point => ({
  x: matches[3 * index],
  y: matches[3 * index + 1],
});

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

/**
 * How far each landmark of one view is missed in others: the larger of the distance from where the other was annotated,
 * and of the distance from where it started after the way back; the median over the partners.
 * @returns (N) crop pixels
 */
const cycleErrors = (
  views: readonly ReferenceView[],
  embeddings: readonly Float32Array[],
  index: number,
  partners: number,
  matching: MatchSettings,
): number[] => {
  const { map, points } = views[index];
  const errors: number[][] = points.map(() => []);
  const step = Math.max(1, Math.floor((views.length - 1) / partners));
  for (let k = 0; k < Math.min(partners, views.length - 1); k++) {
    const other = views[(index + 1 + k * step) % views.length];
    const there = matchReferences(other.map, embeddings[index], matching);
    const places = points.map((_, n) => pointAt(there, n));
    const back = matchReferences(map, embeddingsAt(other.map, places), matching);
    points.forEach((point, n) => {
      errors[n].push(Math.max(distance(places[n], other.points[n]), distance(pointAt(back, n), point)));
    });
  }
  return errors.map((ofLandmark) => (ofLandmark.length === 0 ? 0 : median(ofLandmark)));
};

/**
 * Reference embeddings from annotated views: of each landmark the mean over the views, made a unit vector again, of those
 * that are cycle-consistent: matched into other views they arrive near the annotation there, and matched back they return.
 * A landmark that no view passes keeps the better half of its views.
 */
export const buildReferences = (
  views: readonly ReferenceView[],
  { matching, tolerance, partners = 8 }: ReferenceOptions,
): References => {
  const count = views[0].points.length;
  const { channels } = views[0].map;
  const embeddings = views.map(({ map, points }) => embeddingsAt(map, points));
  const errors = views.map((_, index) => cycleErrors(views, embeddings, index, partners, matching));
  const references = new Float32Array(count * channels);
  const kept = new Float64Array(count);
  for (let n = 0; n < count; n++) {
    const ofLandmark = errors.map((ofView) => ofView[n]);
    const limit = Math.max(tolerance, median(ofLandmark));
    let length = 0;
    embeddings.forEach((embedding, view) => {
      if (ofLandmark[view] > limit) return;
      kept[n] += 1 / views.length;
      for (let c = 0; c < channels; c++) references[n * channels + c] += embedding[n * channels + c];
    });
    for (let c = 0; c < channels; c++) length += references[n * channels + c] ** 2;
    for (let c = 0; c < channels; c++) references[n * channels + c] /= Math.sqrt(length);
  }
  return { references, kept };
};
