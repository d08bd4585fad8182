import { describe, expect, test } from 'vitest';
import {
  averageSummaries,
  correctShare,
  failureRate,
  landmarkErrors,
  summarizeErrors,
} from '../../src/evaluation/accuracy.ts';
import { median } from '../../src/geometry/statistics.ts';
import { interOcularDistance, selectPoints } from '../../src/landmarks/point-sets.ts';

const points = Array.from({ length: 68 }, (_, index) => ({ x: index, y: 2 * index }));

describe('accuracy', () => {
  test('an error is the distance over the unit', () => {
    const errors = landmarkErrors(
      [
        { x: 3, y: 4 },
        { x: 10, y: 10 },
      ],
      [
        { x: 0, y: 0 },
        { x: 10, y: 12 },
      ],
      50,
    );
    expect(errors).toEqual([0.1, 0.04]);
  });

  test('different numbers of points are refused', () => {
    expect(() => landmarkErrors([], [{ x: 0, y: 0 }], 1)).toThrow('0 predicted landmarks');
  });

  test('the median of an even number of values lies between the two middle ones', () => {
    expect(median([9, 1, 10, 2])).toBe(5.5);
    expect(median([10, 9, 1])).toBe(9);
  });

  test('a summary agrees with figures worked out by hand', () => {
    // Means of the pictures: 0.05, 0.15. Points within 0.1: 0.02, 0.08, 0.1 of four.
    const summary = summarizeErrors([
      [0.02, 0.08],
      [0.1, 0.2],
    ]);
    expect(summary.nme).toBeCloseTo(0.1, 12);
    expect(summary.median).toBeCloseTo(0.09, 12);
    expect(summary.pck10).toBe(0.75);
    expect(summary.failure10).toBe(0.5);
    expect(summary.images).toBe(2);
  });

  test('an error of exactly alpha is correct and no failure', () => {
    expect(correctShare([0.1, 0.11], 0.1)).toBe(0.5);
    expect(failureRate([[0.1], [0.11]], 0.1)).toBe(0.5);
  });

  test('no errors at all are refused rather than turned into NaN', () => {
    expect(() => summarizeErrors([])).toThrow('no errors');
  });

  test('draws are averaged figure by figure', () => {
    const average = averageSummaries([
      { nme: 0.1, median: 0.1, pck10: 0.4, failure10: 0, images: 7 },
      { nme: 0.3, median: 0.2, pck10: 0.6, failure10: 1, images: 7 },
    ]);
    expect(average.nme).toBeCloseTo(0.2, 12);
    expect(average).toMatchObject({ pck10: 0.5, failure10: 0.5, images: 7 });
  });
});

describe('point sets', () => {
  test('the five points are eye centres, nose tip and mouth corners', () => {
    // Means of 36…41 and 42…47.
    expect(selectPoints(points, '5').map(({ x }) => x)).toEqual([38.5, 44.5, 30, 48, 54]);
    expect(selectPoints(points, '5')[0]).toEqual({ x: 38.5, y: 77 });
  });

  test('the 51 points leave out the jaw line', () => {
    const selected = selectPoints(points, '51');
    expect(selected).toHaveLength(51);
    expect(selected[0]).toEqual(points[17]);
  });

  test('the inter-ocular distance is that of the outer eye corners', () => {
    expect(interOcularDistance(points)).toBeCloseTo(9 * Math.sqrt(5), 12);
  });
});
