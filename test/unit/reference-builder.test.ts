import { describe, expect, it } from 'vitest';
import type { Point } from '../../src/geometry/coordinates.ts';
import { applySimilarity, createSimilarity } from '../../src/geometry/similarity.ts';
import type { EmbeddingMap } from '../../src/landmarks/matching.ts';
import { meanShapeOf } from '../../src/landmarks/mean-shape.ts';
import { buildReferences, type ReferenceView } from '../../src/landmarks/reference-builder.ts';
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

describe('buildReferences', () => {
  const options = { matching: { temperature: 0.02, radius: 1 }, tolerance: 1.5 };
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

  it('averages into unit vectors near what the views have in common', () => {
    const { references, kept } = buildReferences(views, options);
    expect([...kept]).toEqual([1, 1, 1].map((share) => expect.closeTo(share, 6) as number));
    for (const [n, column, row] of [
      [0, 2, 2],
      [1, 7, 3],
      [2, 4, 9],
    ]) {
      expect(cosine(references, n, column, row)).toBeGreaterThan(0.98);
      expect(Math.hypot(...references.subarray(n * channels, (n + 1) * channels))).toBeCloseTo(1, 5);
    }
  });

  it('leaves out a point that was annotated elsewhere in one view, and only that point', () => {
    const wrong = views.map((view, index) =>
      index === 3 ? { ...view, points: [places[0], { x: 21, y: 21 }, places[2]] } : view,
    );
    const { references, kept } = buildReferences(wrong, options);
    expect(kept[0]).toBeCloseTo(1, 6);
    expect(kept[1]).toBeCloseTo(8 / 9, 6);
    expect(kept[2]).toBeCloseTo(1, 6);
    expect(cosine(references, 1, 7, 3)).toBeGreaterThan(0.98);
  });

  it('keeps the better half where no view passes, rather than nothing', () => {
    const { references, kept } = buildReferences(
      views.map((view, index) => ({
        ...view,
        points: [places[0], places[1], { x: 1 + 2.4 * index, y: 21 - index }],
      })),
      options,
    );
    expect(kept[2]).toBeGreaterThanOrEqual(0.5);
    for (const value of references) expect(Number.isFinite(value)).toBe(true);
  });

  it('of a single view are its own embeddings', () => {
    const { references, kept } = buildReferences([views[0]], options);
    expect(kept[1]).toBe(1);
    expect(Math.hypot(...references.subarray(0, channels))).toBeCloseTo(1, 5);
  });
});
