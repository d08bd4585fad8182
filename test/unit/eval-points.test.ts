import { describe, expect, it } from 'vitest';
import { evaluatePoints } from '../../src/evaluation/evaluate-points.ts';

const square = [
  { x: 0, y: 0 },
  { x: 100, y: 0 },
  { x: 100, y: 100 },
  { x: 0, y: 100 },
];

describe('evaluatePoints', () => {
  it('counts what is within 5 and 10 % of the object’s size', () => {
    const moved = square.map(({ x, y }, i) => ({ x: x + [0, 4, 8, 30][i], y }));
    const report = evaluatePoints([moved], [{ frame: 0, points: square }]);
    expect(report.pck05).toBe(0.5);
    expect(report.pck10).toBe(0.75);
    expect(report.meanPixels).toBeCloseTo(10.5);
    expect(report.points.map(({ pck10 }) => pck10)).toEqual([1, 1, 1, 0]);
  });

  it('counts what is not tracked as a miss and leaves out what is hidden', () => {
    const labels = [
      { frame: 0, points: square },
      { frame: 1, points: [square[0], undefined, square[2], undefined] },
    ];
    const report = evaluatePoints([square, undefined], labels);
    expect(report.count).toBe(6);
    expect(report.tracked).toBeCloseTo(4 / 6);
    expect(report.pck10).toBeCloseTo(4 / 6);
    expect(report.meanPixels).toBe(0);
    expect(report.worst[0]).toEqual({ frame: 1, error: 1 });
  });

  it('does not take the distance of two neighbours for the size of the object', () => {
    const close = { frame: 1, points: [square[0], { x: 4, y: 0 }, undefined, undefined] };
    const found = [square[0], { x: 9, y: 0 }, square[2], square[3]];
    const labels = [{ frame: 0, points: square }, { ...close }, { frame: 2, points: square }];
    const report = evaluatePoints([square, found, square], labels);
    expect(report.pck10).toBe(1);
  });
});
