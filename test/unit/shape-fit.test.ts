import { describe, expect, it } from 'vitest';
import {
  applySimilarity,
  createSimilarity,
  similarityRotation,
  similarityScale,
} from '../../src/geometry/similarity.ts';
import { fitShape } from '../../src/landmarks/shape-fit.ts';
import { createNoise, landmarkSet } from './virtual-world.ts';

const shape = landmarkSet.meanShape;
const even = new Float32Array(shape.length).fill(1);
const truth = createSimilarity(120, 0.5, { x: 300, y: 200 });

describe('fitShape', () => {
  it('finds an exact similarity exactly', () => {
    const fit = fitShape(
      shape,
      shape.map((point) => applySimilarity(truth, point)),
      even,
    );
    expect(fit?.transform.a).toBeCloseTo(truth.a, 6);
    expect(fit?.transform.b).toBeCloseTo(truth.b, 6);
    expect(fit?.transform.x0).toBeCloseTo(truth.x0, 6);
    expect(fit?.agreement).toBeCloseTo(1, 6);
  });

  it('is not moved by two points in five that are far off', () => {
    const random = createNoise(5);
    const points = shape.map((point, index) =>
      index % 5 < 2 ? { x: 250 + 300 * random(), y: 150 + 300 * random() } : applySimilarity(truth, point),
    );
    const fit = fitShape(shape, points, even);
    expect(fit).toBeDefined();
    if (fit === undefined) return;
    expect(similarityScale(fit.transform)).toBeCloseTo(120, 3);
    expect(similarityRotation(fit.transform)).toBeCloseTo(0.5, 4);
    expect(fit.agreement).toBeGreaterThan(0.55);
    expect(fit.agreement).toBeLessThan(0.75);
    fit.residuals.forEach((residual, index) => {
      if (index % 5 >= 2) expect(residual).toBeLessThan(1e-4);
    });
  });

  it('believes the points that are trusted', () => {
    const shifted = { ...truth, x0: truth.x0 + 200 };
    const points = shape.map((point, index) => applySimilarity(index % 2 === 0 ? truth : shifted, point));
    const weights = shape.map((_, index) => (index % 2 === 0 ? 0.2 : 0.9));
    expect(fitShape(shape, points, weights)?.transform.x0).toBeCloseTo(shifted.x0, 3);
  });

  it('gives random points a low agreement', () => {
    const random = createNoise(9);
    for (let round = 0; round < 20; round++) {
      const points = shape.map(() => ({ x: 96 * random(), y: 96 * random() }));
      expect(fitShape(shape, points, even)?.agreement ?? 0).toBeLessThan(0.45);
    }
  });

  it('has no answer where nothing is trusted or all points coincide', () => {
    const points = shape.map(() => ({ x: 3, y: 4 }));
    expect(fitShape(shape, points, new Float32Array(shape.length))).toBeUndefined();
    expect(fitShape(shape, points, even)).toBeUndefined();
  });

  it('hardly moves where points hardly do, whichever pair of them proposes it', () => {
    const many = Array.from({ length: 60 }, (_, i) => ({
      x: 0.5 + 0.4 * Math.sqrt(i / 60) * Math.cos(2.4 * i),
      y: 0.5 + 0.4 * Math.sqrt(i / 60) * Math.sin(2.4 * i),
    }));
    // Bent, so that no similarity fits and many a pair fits as well as another.
    const bent = many.map((point, i) => {
      const { x, y } = applySimilarity(truth, point);
      return { x: x + 8 * Math.sin(3 * i), y: y + 8 * Math.cos(5 * i) };
    });
    const random = createNoise(11);
    const scales = Array.from({ length: 60 }, () => {
      const points = bent.map(({ x, y }) => ({ x: x + 0.5 * random(), y: y + 0.5 * random() }));
      const fit = fitShape(many, points, new Float32Array(60).fill(1));
      return fit === undefined ? NaN : similarityScale(fit.transform);
    });
    expect(Math.max(...scales) - Math.min(...scales)).toBeLessThan(1);
  });

  it('gives the same fit for the same points', () => {
    const random = createNoise(3);
    const points = shape.map((point) => {
      const { x, y } = applySimilarity(truth, point);
      return { x: x + 5 * random(), y: y + 5 * random() };
    });
    expect(fitShape(shape, points, even)).toEqual(fitShape(shape, points, even));
  });
});
