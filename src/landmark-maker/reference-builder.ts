import type { Point } from '../geometry/coordinates.ts';
import { median } from '../geometry/statistics.ts';
import {
  matchReferences,
  sampleEmbeddings,
  type EmbeddingMap,
  type MatchSettings,
} from '../landmarks/matching.ts';

/** One annotated crop. */
export type ReferenceView = {
  map: EmbeddingMap;
  /** (N) where the landmarks were annotated, crop pixels. */ points: readonly Point[];
  /** (N) false for a hidden one, whose place is a guess. Default: all are seen. */ seen?: readonly boolean[];
};

export type CycleOptions = {
  matching: MatchSettings;
  /** How far a landmark may be missed on the way there and back, crop pixels. */ tolerance: number;
  /** Other views that each view is checked against. Default 6. */ partners?: number;
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
  index: number,
  { matching, partners = 6 }: CycleOptions,
): number[] => {
  const { map, points } = views[index];
  const own = sampleEmbeddings(map, points);
  const errors: number[][] = points.map(() => []);
  const step = Math.max(1, Math.floor((views.length - 1) / partners));
  for (let k = 0; k < Math.min(partners, views.length - 1); k++) {
    const other = views[(index + 1 + k * step) % views.length];
    const matched = matchReferences(other.map, own, matching);
    const places = points.map((_, n) => pointAt(matched, n));
    const back = matchReferences(map, sampleEmbeddings(other.map, places), matching);
    points.forEach((point, n) => {
      const there = other.seen?.[n] === false ? 0 : distance(places[n], other.points[n]);
      errors[n].push(Math.max(there, distance(pointAt(back, n), point)));
    });
  }
  return errors.map((ofLandmark) => (ofLandmark.length === 0 ? 0 : median(ofLandmark)));
};

/**
 * Which annotated points can be trusted: those that, matched into other views, arrive near the annotation there, and
 * matched back return. A landmark that hardly any view passes keeps the better half of its views; a hidden one is in
 * none that hides it.
 * @param views one per picture
 * @returns (views) of (N)
 */
export const findConsistent = (views: readonly ReferenceView[], options: CycleOptions): boolean[][] => {
  const errors = views.map((_, index) => cycleErrors(views, index, options));
  const isSeen = (view: number, n: number): boolean => views[view].seen?.[n] !== false;
  const limits = views[0].points.map((_, n) => {
    const known = errors.flatMap((ofView, view) => (isSeen(view, n) ? [ofView[n]] : []));
    return Math.max(options.tolerance, median(known));
  });
  return errors.map((ofView, view) => ofView.map((error, n) => isSeen(view, n) && error <= limits[n]));
};

/**
 * Reference embeddings: of each landmark the mean over the views, made a unit vector again.
 * @param kept (views) of (N): which points count; at least one of each landmark
 * @returns (N, C) unit vectors
 */
export const averageViews = (
  views: readonly ReferenceView[],
  kept: readonly (readonly boolean[])[],
): Float32Array => {
  const { channels } = views[0].map;
  const sum = new Float32Array(views[0].points.length * channels);
  views.forEach(({ map, points }, view) => {
    sampleEmbeddings(map, points).forEach((value, i) => {
      if (kept[view][Math.floor(i / channels)]) sum[i] += value;
    });
  });
  for (let start = 0; start < sum.length; start += channels) {
    const vector = sum.subarray(start, start + channels);
    const length = Math.hypot(...vector);
    vector.forEach((value, c) => (vector[c] = value / length));
  }
  return sum;
};

/**
 * References of single pictures: of each landmark the mean over the views of the picture, or what `mean` has of it where
 * the picture's own cannot be trusted.
 * @param views (poses) of (pictures)
 * @param kept (pictures) of (N): which points count
 * @param pictures whose references are wanted
 * @param mean (N, C) unit vectors
 * @returns (pictures · N, C) unit vectors
 */
export const pictureReferences = (
  views: readonly (readonly ReferenceView[])[],
  kept: readonly (readonly boolean[])[],
  pictures: readonly number[],
  mean: Float32Array,
): Float32Array => {
  const { channels } = views[0][0].map;
  const references = new Float32Array(pictures.length * mean.length);
  pictures.forEach((picture, place) => {
    const own = averageViews(
      views.map((ofPose) => ofPose[picture]),
      views.map(() => kept[picture].map(() => true)),
    );
    const flags = kept[picture];
    const chosen = own.map((value, i) => (flags[Math.floor(i / channels)] ? value : mean[i]));
    references.set(chosen, place * mean.length);
  });
  return references;
};
