import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import type { Point } from '../../src/geometry/coordinates.ts';
import {
  applyThinPlateSpline,
  fitThinPlateSpline,
  thinPlateSplineMatrix,
} from '../../src/geometry/thin-plate-spline.ts';

const controls: Point[] = [
  { x: 0, y: 0 },
  { x: 10, y: 1 },
  { x: 1, y: 9 },
  { x: 11, y: 12 },
  { x: 5, y: 4 },
  { x: 3, y: 7 },
];
const bent = controls.map(({ x, y }, i) => ({
  x: x + [1, -2, 0, 1, 3, -1][i],
  y: y + [0, 1, -1, 2, -2, 1][i],
}));

describe('thin-plate spline', () => {
  test('the spline takes every control point to its target', () => {
    const spline = fitThinPlateSpline(controls, bent);
    controls.forEach((control, i) => {
      const { x, y } = applyThinPlateSpline(spline, control);
      expect(x).toBeCloseTo(bent[i].x, 8);
      expect(y).toBeCloseTo(bent[i].y, 8);
    });
  });

  test('an affine change of the controls is continued affinely everywhere', () => {
    const affine = ({ x, y }: Point): Point => ({ x: 2 * x - 0.5 * y + 3, y: 0.25 * x + 1.5 * y - 7 });
    const spline = fitThinPlateSpline(controls, controls.map(affine));
    for (const point of [
      { x: 100, y: -40 },
      { x: 6, y: 6 },
    ]) {
      const { x, y } = applyThinPlateSpline(spline, point);
      expect(x).toBeCloseTo(affine(point).x, 7);
      expect(y).toBeCloseTo(affine(point).y, 7);
    }
  });

  test('smoothing bends less and misses the targets', () => {
    const miss = (smoothing: number): number => {
      const spline = fitThinPlateSpline(controls, bent, smoothing);
      return Math.max(
        ...controls.map((control, i) => Math.abs(applyThinPlateSpline(spline, control).x - bent[i].x)),
      );
    };
    expect(miss(0)).toBeLessThan(1e-8);
    expect(miss(50)).toBeGreaterThan(0.1);
    expect(miss(5000)).toBeGreaterThan(miss(50));
  });

  test('the matrix of a spline gives the same values as the fitted spline', () => {
    const at = [
      { x: 2, y: 3 },
      { x: 8, y: 8 },
      { x: -3, y: 14 },
    ];
    const matrix = thinPlateSplineMatrix(controls, at);
    const spline = fitThinPlateSpline(controls, bent);
    at.forEach((point, row) => {
      const { x, y } = applyThinPlateSpline(spline, point);
      const sum = (key: 'x' | 'y'): number =>
        bent.reduce((total, target, j) => total + matrix[row * controls.length + j] * target[key], 0);
      expect(sum('x')).toBeCloseTo(x, 8);
      expect(sum('y')).toBeCloseTo(y, 8);
    });
  });

  test('controls on one line, coinciding controls and lists of different lengths are refused', () => {
    const line = [1, 2, 3, 4].map((value) => ({ x: value, y: 2 * value }));
    const twice = [...controls, controls[2]];
    expect(() => fitThinPlateSpline(line, line)).toThrow(InputError);
    expect(() => fitThinPlateSpline(twice, twice)).toThrow(InputError);
    expect(() => fitThinPlateSpline(controls.slice(0, 2), bent.slice(0, 2))).toThrow(/2 control points/);
    expect(() => fitThinPlateSpline(controls, bent.slice(1))).toThrow(/6 control points and 5 targets/);
    expect(() => thinPlateSplineMatrix(line, controls)).toThrow(InputError);
  });
});
