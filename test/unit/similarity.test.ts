import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import type { Point } from '../../src/geometry/coordinates.ts';
import {
  applySimilarity,
  composeSimilarity,
  createSimilarity,
  fitSimilarity,
  identitySimilarity,
  invertSimilarity,
  similarityRotation,
  similarityScale,
} from '../../src/geometry/similarity.ts';

const points: Point[] = [
  { x: 3, y: -1 },
  { x: 40, y: 12 },
  { x: 7, y: 55 },
  { x: -20, y: 31 },
];
const transform = createSimilarity(1.7, 0.6, { x: -12, y: 33 });
const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

describe('similarity', () => {
  test('a quarter turn takes x to y: clockwise on a screen whose y points down', () => {
    const turned = applySimilarity(createSimilarity(2, Math.PI / 2, { x: 10, y: 0 }), { x: 1, y: 0 });
    expect(turned.x).toBeCloseTo(10, 12);
    expect(turned.y).toBeCloseTo(2, 12);
  });

  test('scale and rotation are read back', () => {
    expect(similarityScale(transform)).toBeCloseTo(1.7, 12);
    expect(similarityRotation(transform)).toBeCloseTo(0.6, 12);
  });

  test('a transform and its inverse compose to the identity', () => {
    const both = composeSimilarity(invertSimilarity(transform), transform);
    for (const key of ['a', 'b', 'x0', 'y0'] as const) {
      expect(both[key]).toBeCloseTo(identitySimilarity[key], 10);
    }
  });

  test('composition applies the first transform first', () => {
    const second = createSimilarity(0.5, -1.1, { x: 4, y: 9 });
    const expected = applySimilarity(second, applySimilarity(transform, points[1]));
    expect(distance(applySimilarity(composeSimilarity(second, transform), points[1]), expected)).toBeLessThan(
      1e-10,
    );
  });

  test('a fit to moved points returns the transform that moved them', () => {
    const fitted = fitSimilarity(
      points,
      points.map((point) => applySimilarity(transform, point)),
    );
    for (const key of ['a', 'b', 'x0', 'y0'] as const) expect(fitted[key]).toBeCloseTo(transform[key], 9);
  });

  test('a point of weight zero does not pull the fit', () => {
    const moved = points.map((point) => applySimilarity(transform, point));
    moved[2] = { x: 500, y: -500 };
    const fitted = fitSimilarity(points, moved, [1, 2, 0, 1]);
    expect(fitted.a).toBeCloseTo(transform.a, 9);
    expect(fitted.y0).toBeCloseTo(transform.y0, 8);
  });

  test('no nearby transform fits noisy points better', () => {
    const noisy = points.map((point, i) => {
      const { x, y } = applySimilarity(transform, point);
      return { x: x + [3, -2, 1, 4][i], y: y + [-1, 2, 5, -3][i] };
    });
    const cost = (candidate: typeof transform): number =>
      points.reduce((sum, point, i) => sum + distance(applySimilarity(candidate, point), noisy[i]) ** 2, 0);
    const fitted = fitSimilarity(points, noisy);
    for (const key of ['a', 'b', 'x0', 'y0'] as const) {
      expect(cost({ ...fitted, [key]: fitted[key] + 0.01 })).toBeGreaterThan(cost(fitted));
      expect(cost({ ...fitted, [key]: fitted[key] - 0.01 })).toBeGreaterThan(cost(fitted));
    }
  });

  test('mirrored points are fitted by a turn, never by a reflection', () => {
    const fitted = fitSimilarity(
      points,
      points.map(({ x, y }) => ({ x: -x, y })),
    );
    expect(fitted.a * fitted.a + fitted.b * fitted.b).toBeGreaterThan(0);
    expect(applySimilarity(fitted, { x: 1, y: 0 }).x).not.toBeCloseTo(-1, 3);
  });

  test('points that coincide, lists of different lengths and a scale of zero are refused', () => {
    expect(() => fitSimilarity([points[0], points[0]], [points[1], points[2]])).toThrow(InputError);
    expect(() => fitSimilarity(points, points, [0, 0, 0, 0])).toThrow(InputError);
    expect(() => fitSimilarity(points, points.slice(1))).toThrow(/4 points, 3 targets/);
    expect(() => invertSimilarity({ a: 0, b: 0, x0: 1, y0: 1 })).toThrow(InputError);
  });
});
