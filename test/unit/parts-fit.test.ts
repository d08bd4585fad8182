import { describe, expect, it } from 'vitest';
import type { Point } from '../../src/geometry/coordinates.ts';
import { similarityScale } from '../../src/geometry/similarity.ts';
import { bonesOf, isBending } from '../../src/landmark-maker/bones.ts';
import { fitParts } from '../../src/landmarks/parts-fit.ts';
import { fitShape } from '../../src/landmarks/shape-fit.ts';
import { roiOfShape } from '../../src/pipeline/roi-of-shape.ts';
import { createRandom } from '../../src/augment/random.ts';
import { createNoise, landmarkSet } from './virtual-world.ts';

const lengths = [26, 60, 50, 30];

/** Five joints of an arm. @param angles of its four links, radians */
const arm = (angles: readonly number[], scale = 1, start: Point = { x: 160, y: 210 }): Point[] => {
  const points = [start];
  lengths.forEach((length, i) => {
    const { x, y } = points[i];
    points.push({ x: x + scale * length * Math.cos(angles[i]), y: y + scale * length * Math.sin(angles[i]) });
  });
  return points;
};

const up = -Math.PI / 2;
const straight = arm([up, up, up, up]);
const bent = arm([up, up - 0.8, up + 1, up + 2.2]);
const folded = arm([up, up + 0.7, up - 1.4, up - 2.4]);
const connections = [0, 1, 2, 3].map((n) => [n, n + 1] as const);
const marked = (points: readonly Point[]) => ({ points, seen: points.map(() => true) });
const even = new Float32Array(5).fill(1);

describe('what bends', () => {
  it('is told from what is rigid by its pictures', () => {
    expect(isBending([straight, bent, folded])).toBe(true);
    expect(isBending([straight])).toBe(false);
    const random = createNoise(3);
    const heads = [0, 1, 2].map(() =>
      landmarkSet.meanShape.map(({ x, y }) => ({ x: 200 * x + 6 * random(), y: 200 * y + 6 * random() })),
    );
    expect(isBending(heads)).toBe(false);
  });

  it('has a square with room for its reach, from one picture or several', () => {
    for (const shapes of [[straight], [bent], [straight, bent, folded]]) {
      const bones = bonesOf(shapes.map(marked), connections, 1.6);
      const { size } = roiOfShape(fitParts(bones, straight, even)?.transform ?? { a: 0, b: 0, x0: 0, y0: 0 });
      expect(size).toBeGreaterThan(1.1 * 166);
      expect(size).toBeLessThan(1.8 * 166);
    }
  });

  it('has bones of what is seen, whatever is guessed of the rest', () => {
    const guessed = straight.map((point, n) => (n === 4 ? { x: 500, y: 0 } : point));
    const seen = guessed.map((_, n) => n < 4);
    const [whole, partly] = [
      [marked(bent), marked(straight)],
      [marked(bent), { points: guessed, seen }],
    ].map((shapes) => bonesOf(shapes, connections, 1.6));
    partly.forEach(([, , length], i) => {
      expect(length / partly[0][2]).toBeCloseTo(whole[i][2] / whole[0][2], 6);
    });
  });

  it('is joined by the nearest landmarks where nobody says what hangs together', () => {
    const joined = new Set(
      bonesOf([bent, folded, straight].map(marked), [], 1.6).flatMap(([a, b]) => [a, b]),
    );
    expect(joined.size).toBe(5);
  });
});

describe('fitParts', () => {
  const bones = bonesOf([marked(bent)], connections, 1.6);
  const size = similarityScale(fitParts(bones, bent, even)?.transform ?? { a: 0, b: 0, x0: 0, y0: 0 });

  it('agrees with every pose, where one rigid shape does not', () => {
    const other = arm([up, up + 0.7, up - 0.4, up - 1.8], 1.3);
    const fit = fitParts(bones, other, even);
    expect(fit?.agreement).toBeCloseTo(1, 4);
    expect(similarityScale(fit?.transform ?? { a: 0, b: 0, x0: 0, y0: 0 })).toBeCloseTo(1.3 * size, 2);
    expect(fitShape(bent, other, even)?.agreement).toBeLessThan(0.75);
  });

  it('leaves a wrong point out, and places its square by the others', () => {
    const points = bent.map((point, n) => (n === 4 ? { x: 20, y: 230 } : point));
    const fit = fitParts(bones, points, even);
    expect(fit?.residuals[4]).toBeGreaterThan(0.08);
    expect(fit?.residuals[3]).toBeLessThan(0.01);
    expect(fit?.agreement).toBeCloseTo(0.8, 2);
    const { center } = roiOfShape(fit?.transform ?? { a: 0, b: 0, x0: 0, y0: 0 });
    const xs = bent.slice(0, 4).map(({ x }) => x);
    expect(center.x).toBeCloseTo((Math.min(...xs) + Math.max(...xs)) / 2, 6);
  });

  it('finds little agreement among points anywhere, and none where nothing is trusted', () => {
    const random = createRandom(7);
    const agreements = Array.from({ length: 40 }, () => {
      const points = bent.map(() => ({ x: random.uniform(0, 300), y: random.uniform(0, 300) }));
      return fitParts(bones, points, even)?.agreement ?? 0;
    });
    expect(agreements.reduce((sum, one) => sum + one, 0) / 40).toBeLessThan(0.75);
    expect(fitParts(bones, bent, new Float32Array(5))).toBeUndefined();
    expect(
      fitParts(
        bones,
        bent.map(() => ({ x: 3, y: 3 })),
        even,
      ),
    ).toBeUndefined();
  });
});
