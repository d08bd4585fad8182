import { describe, expect, it } from 'vitest';
import { carryPoints, createPyramid } from '../../src/flow/point-flow.ts';
import type { GrayImage } from '../../src/flow/plane.ts';
import { createSimilarity, identitySimilarity } from '../../src/geometry/similarity.ts';

const side = 96;

/** A smooth texture, drawn at places that `from` takes pixel centres to. */
const draw = (from: (x: number, y: number) => { x: number; y: number }, gain = 1): GrayImage => {
  const data = new Float32Array(side * side);
  for (let i = 0; i < data.length; i++) {
    const { x, y } = from((i % side) + 0.5, Math.floor(i / side) + 0.5);
    const waves =
      Math.sin(0.31 * x + 0.1 * y) + Math.sin(0.13 * x - 0.37 * y + 1) + Math.sin(0.05 * x * y * 0.2);
    data[i] = gain * (110 + 30 * waves);
  }
  return { width: side, height: side, data };
};

const points = [
  { x: 30.5, y: 40.25 },
  { x: 60, y: 33 },
  { x: 48.75, y: 66.5 },
];
const still = createPyramid(draw((x, y) => ({ x, y })));

describe('carryPoints', () => {
  it.each([
    [2.3, -1.7],
    [-7.6, 5.2],
  ])('finds points that moved by (%f, %f) to a twentieth of a pixel, under other light', (dx, dy) => {
    const moved = createPyramid(draw((x, y) => ({ x: x - dx, y: y - dy }), 1.15));
    carryPoints(still, moved, points, identitySimilarity).forEach(({ x, y, miss }, i) => {
      expect(Math.hypot(x - points[i].x - dx, y - points[i].y - dy)).toBeLessThan(0.05);
      expect(miss).toBeLessThan(0.05);
    });
  });

  it('bends patches as the guess says', () => {
    const turn = createSimilarity(1.15, 0.4, { x: 6, y: -20 });
    const [cos, sin] = [Math.cos(0.4) / 1.15, Math.sin(0.4) / 1.15];
    const turned = createPyramid(
      draw((x, y) => ({ x: cos * (x - 6) + sin * (y + 20), y: cos * (y + 20) - sin * (x - 6) })),
    );
    // The guess is off by a pixel and a half: what is left is found out.
    const guess = { ...turn, x0: turn.x0 + 1.5 };
    carryPoints(still, turned, points, guess).forEach(({ x, y }, i) => {
      const wanted = {
        x: turn.a * points[i].x - turn.b * points[i].y + 6,
        y: turn.b * points[i].x + turn.a * points[i].y - 20,
      };
      expect(Math.hypot(x - wanted.x, y - wanted.y)).toBeLessThan(0.08);
    });
  });

  it('says by the way back, or by the patch, that a point is hidden', () => {
    const covered = draw((x, y) => ({ x, y }));
    for (let y = 30; y < 52; y++)
      for (let x = 20; x < 42; x++) covered.data[y * side + x] = (x * 37 + y * 91) % 200;
    const [hidden, seen] = carryPoints(still, createPyramid(covered), points, identitySimilarity);
    expect(Math.max(hidden.miss, 3 * hidden.unlike)).toBeGreaterThan(1.5);
    expect(Math.max(seen.miss, 3 * seen.unlike)).toBeLessThan(0.1);
  });

  it('is unsure along an edge and sure across it', () => {
    const edge = createPyramid({
      width: side,
      height: side,
      data: Float32Array.from({ length: side * side }, (_, i) => (i % side < 48 ? 60 : 180)),
    });
    const [{ xx, yy }] = carryPoints(edge, edge, [{ x: 48, y: 48 }], identitySimilarity);
    expect(yy).toBeGreaterThan(100 * xx);
  });
});
