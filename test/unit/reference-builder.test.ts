import { describe, expect, it } from 'vitest';
import type { Point } from '../../src/geometry/coordinates.ts';
import { applySimilarity, createSimilarity } from '../../src/geometry/similarity.ts';
import type { EmbeddingMap } from '../../src/landmarks/matching.ts';
import { meanShapeOf } from '../../src/landmark-maker/mean-shape.ts';
import {
  averageViews,
  findConsistent,
  type ReferenceView,
} from '../../src/landmark-maker/reference-builder.ts';
import { createNoise, landmarkSet } from './virtual-world.ts';

describe('meanShapeOf', () => {
  const shape = landmarkSet.meanShape;

  it('of one shape under many similarities is that shape, in the middle of the ROI at the wanted margin', () => {
    const random = createNoise(2);
    const shapes = Array.from({ length: 30 }, (_, index) => {
      // As many turned to the left as to the right, so that upright is what it was.
      const rotation = index % 2 === 0 ? 0.4 : -0.4;
      const transform = createSimilarity(50 + 100 * random(), rotation, {
        x: 300 * random(),
        y: 200 * random(),
      });
      return shape.map((point) => applySimilarity(transform, point));
    });
    const mean = meanShapeOf(shapes, 1.6);
    const xs = mean.map(({ x }) => x);
    const ys = mean.map(({ y }) => y);
    const side = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
    expect(side).toBeCloseTo(1 / 1.6, 6);
    expect((Math.max(...xs) + Math.min(...xs)) / 2).toBeCloseTo(0.5, 6);
    expect((Math.max(...ys) + Math.min(...ys)) / 2).toBeCloseTo(0.5, 6);
    const scale = (mean[7].x - mean[0].x) / (shape[7].x - shape[0].x);
    mean.forEach(({ x, y }, index) => {
      expect(x - mean[0].x).toBeCloseTo(scale * (shape[index].x - shape[0].x), 2);
      expect(y - mean[0].y).toBeCloseTo(scale * (shape[index].y - shape[0].y), 2);
    });
  });

  it('keeps the direction that the pictures have on average', () => {
    const turned = [0.2, 0.3, 0.4].map((rotation) =>
      shape.map((point) => applySimilarity(createSimilarity(100, rotation, { x: 0, y: 0 }), point)),
    );
    const mean = meanShapeOf(turned, 1.6);
    const angle = (points: readonly Point[]) =>
      Math.atan2(points[7].y - points[0].y, points[7].x - points[0].x);
    expect(angle(mean) - angle(shape)).toBeCloseTo(0.3, 2);
  });
});

const cells = 12;
const channels = 8;

/** A map whose cells are all different from each other, the same in every view up to noise. */
const createMap = (noise: number, seed: number): EmbeddingMap => {
  const base = createNoise(77);
  const random = createNoise(seed);
  const data = new Float32Array(channels * cells * cells);
  for (let cell = 0; cell < cells * cells; cell++) {
    const vector = Array.from({ length: channels }, () => base() - 0.5 + noise * (random() - 0.5));
    const length = Math.hypot(...vector);
    vector.forEach((value, c) => (data[c * cells * cells + cell] = value / length));
  }
  return { data, channels, width: cells, height: cells, stride: 2 };
};

const places: Point[] = [
  { x: 5, y: 5 },
  { x: 15, y: 7 },
  { x: 9, y: 19 },
];

describe('reference embeddings', () => {
  const options = { matching: { temperature: 0.02 }, tolerance: 1.5 };
  const views: ReferenceView[] = Array.from({ length: 9 }, (_, index) => ({
    map: createMap(0.2, index + 1),
    points: places,
  }));

  /** Cosine of landmark n with the embedding of a noiseless cell. */
  const cosine = (references: Float32Array, n: number, column: number, row: number): number => {
    const { data } = createMap(0, 1);
    let sum = 0;
    for (let c = 0; c < channels; c++)
      sum += references[n * channels + c] * data[c * cells * cells + row * cells + column];
    return sum;
  };

  it('are unit vectors near what the views have in common', () => {
    const kept = findConsistent(views, options);
    expect(kept.flat()).not.toContain(false);
    const references = averageViews(views, kept);
    for (const [n, column, row] of [
      [0, 2, 2],
      [1, 7, 3],
      [2, 4, 9],
    ]) {
      expect(cosine(references, n, column, row)).toBeGreaterThan(0.98);
      expect(Math.hypot(...references.subarray(n * channels, (n + 1) * channels))).toBeCloseTo(1, 5);
    }
  });

  it('leave out a point that was annotated elsewhere in one view, and only that point', () => {
    const wrong = views.map((view, index) =>
      index === 3 ? { ...view, points: [places[0], { x: 21, y: 21 }, places[2]] } : view,
    );
    const kept = findConsistent(wrong, options);
    kept.forEach((ofView, view) => {
      expect(ofView).toEqual([true, view !== 3, true]);
    });
    expect(cosine(averageViews(wrong, kept), 1, 7, 3)).toBeGreaterThan(0.98);
  });

  it('keep the better half of a landmark that no view passes, rather than nothing', () => {
    const scattered = views.map((view, index) => ({
      ...view,
      points: [places[0], places[1], { x: 1 + 2.4 * index, y: 21 - index }],
    }));
    const kept = findConsistent(scattered, options);
    expect(kept.filter((ofView) => ofView[2]).length).toBeGreaterThanOrEqual(5);
    for (const value of averageViews(scattered, kept)) expect(Number.isFinite(value)).toBe(true);
  });

  it('of a single view are its own', () => {
    const kept = findConsistent([views[0]], options);
    expect(kept).toEqual([[true, true, true]]);
    expect(cosine(averageViews([views[0]], kept), 0, 2, 2)).toBeGreaterThan(0.9);
  });
});
