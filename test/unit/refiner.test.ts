import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/augment/random.ts';
import { ModelError } from '../../src/errors.ts';
import type { Point } from '../../src/geometry/coordinates.ts';
import { fitRefiner, type RefinerLook } from '../../src/landmark-maker/refiner-fit.ts';
import {
  parseLandmarkSet,
  serializeLandmarkSet,
  type LandmarkSet,
} from '../../src/landmarks/landmark-set.ts';
import { pullStrays, refinePoints } from '../../src/landmarks/refiner.ts';

const channels = 8;
/** Ten landmarks in two rows: the lower five are a mouth that opens. */
const meanShape: Point[] = Array.from({ length: 10 }, (_, n) => ({
  x: 0.2 + 0.15 * (n % 5),
  y: n < 5 ? 0.3 : 0.7,
}));
const opened = (amount: number): Point[] =>
  meanShape.map(({ x, y }, n) => ({ x, y: n < 5 ? y : y + amount * (n % 2 === 0 ? 1 : -1) }));

/**
 * Looks at objects of which the matches follow half of what deforms; the embedding tells how far a point is off its
 * place, as that of a trained network does.
 */
const looksAt = (pictures: number, follow: number, seed = 1): { looks: RefinerLook[]; shapes: Point[][] } => {
  const random = createRandom(seed);
  const shapes: Point[][] = [];
  const looks = Array.from({ length: 4 * pictures }, (_, i): RefinerLook => {
    const amount = i % 4 === 0 ? random.normal(0, 0.03) : 0;
    const truth = opened(amount);
    if (i % 4 === 0) shapes.push(truth);
    const found = opened(follow * amount).map(({ x, y }) => ({
      x: x + random.normal(0, 0.002),
      y: y + random.normal(0, 0.002),
    }));
    return {
      ...{ picture: Math.floor(i / 4), found, truth },
      embeddingAt: ({ x, y }) => {
        const nearest = truth.reduce((best, point) =>
          Math.hypot(point.x - x, point.y - y) < Math.hypot(best.x - x, best.y - y) ? point : best,
        );
        const vector = [1, 10 * (x - nearest.x), 10 * (y - nearest.y), 0.1, 0.1, 0.1, 0.1, 0.1];
        const length = Math.hypot(...vector);
        return Float32Array.from(vector, (value) => value / length);
      },
    };
  });
  return { looks, shapes };
};

const distance = (a: readonly Point[], b: readonly Point[], from = 0, to = a.length): number =>
  Math.max(...a.slice(from, to).map(({ x, y }, i) => Math.hypot(x - b[from + i].x, y - b[from + i].y)));

/** Embeddings (N, C) as `refinePoints` asks for them. */
const allAt =
  (embeddingAt: RefinerLook['embeddingAt']) =>
  (points: readonly Point[]): Float32Array =>
    Float32Array.from(points.flatMap((point) => [...embeddingAt(point)]));

const { looks, shapes } = looksAt(40, 0.5);
const fit = fitRefiner(looks, shapes, meanShape);

describe('fitRefiner', () => {
  it('wins where matches follow half of what deforms, on pictures that it does not know', () => {
    expect(fit.wins).toBe(true);
    expect(fit.after).toBeLessThan(0.6 * fit.before);
    const { looks: others } = looksAt(20, 0.5, 2);
    const errors = others.map(({ found, truth, embeddingAt }) => [
      distance(found, truth),
      distance(refinePoints(fit.refiner, found, meanShape, allAt(embeddingAt)), truth),
    ]);
    const mean = (column: number) => errors.reduce((sum, row) => sum + row[column], 0) / errors.length;
    expect(mean(1)).toBeLessThan(0.6 * mean(0));
  });

  it('does not win where what is missing is chance', () => {
    const random = createRandom(3);
    const even = looksAt(20, 1);
    const chance = even.looks.map((look): RefinerLook => ({
      ...look,
      truth: look.found.map(({ x, y }) => ({ x: x + random.normal(0, 0.01), y: y + random.normal(0, 0.01) })),
      embeddingAt: () => Float32Array.from({ length: channels }, () => random.normal()),
    }));
    const { wins, before, after } = fitRefiner(chance, even.shapes, meanShape);
    expect(wins).toBe(false);
    expect(after).toBeGreaterThan(0.95 * before);
  });
});

describe('points that stray', () => {
  const { shape } = fit.refiner;

  it('are pulled to the shape, and what the shape can do stays as it is', () => {
    const open = opened(0.04);
    expect(distance(pullStrays(open, meanShape, shape), open)).toBeLessThan(0.004);
    const stray = open.map((point, n) => (n === 2 ? { x: point.x + 0.3, y: point.y - 0.2 } : point));
    const pulled = pullStrays(stray, meanShape, shape);
    expect(distance(pulled, open)).toBeLessThan(0.06);
    expect(
      distance(
        pulled.filter((_, n) => n !== 2),
        open.filter((_, n) => n !== 2),
      ),
    ).toBeLessThan(0.01);
  });

  it('of a covered part do not spoil the others', () => {
    const look = looksAt(1, 0.5, 5).looks[0];
    const clean = refinePoints(fit.refiner, look.found, meanShape, allAt(look.embeddingAt));
    // Something covers three points of the mouth: they are found in one wrong place.
    const covered = look.found.map((point, n) => (n >= 5 && n < 8 ? { x: 0.9, y: 0.95 } : point));
    const refined = refinePoints(fit.refiner, covered, meanShape, allAt(look.embeddingAt));
    expect(distance(refined, clean, 0, 5)).toBeLessThan(0.012);
  });
});

describe('the refiner of a landmark set', () => {
  const set: LandmarkSet = {
    ...{ category: 'mouth', embeddingSize: channels, connections: [], mirrorPairs: [], meanShape },
    names: meanShape.map((_, n) => `point-${n}`),
    references: Float32Array.from({ length: 10 * channels }, (_, i) => Number(i % channels === 0)),
    evidence: { object: 2, background: -1 },
    refiner: fit.refiner,
  };
  const text = serializeLandmarkSet(set);
  const change = (changes: Record<string, unknown>, field = 'refiner'): string => {
    const file = JSON.parse(text) as Record<string, Record<string, unknown>>;
    return JSON.stringify({
      ...file,
      ...(field === '' ? changes : { [field]: { ...file[field], ...changes } }),
    });
  };

  it('comes back from its file and refines the same', () => {
    const back = parseLandmarkSet(text);
    const { found, embeddingAt } = looks[0];
    const refine = (refiner = fit.refiner) => refinePoints(refiner, found, meanShape, allAt(embeddingAt));
    expect(distance(refine(back.refiner), refine())).toBeLessThan(1e-5);
    expect(serializeLandmarkSet(back)).toBe(text);
  });

  it('needs no embedding where it does not look at any', () => {
    const { found } = looks[0];
    const size = 2 * meanShape.length;
    const empty = { down: new Float32Array(0), up: new Float32Array(0), offset: new Float32Array(size) };
    const blind = { ...fit.refiner, fromEmbeddings: empty };
    const back = parseLandmarkSet(serializeLandmarkSet({ ...set, refiner: blind }));
    const refined = refinePoints(back.refiner ?? blind, found, meanShape, () => {
      throw new Error('an embedding was asked for');
    });
    expect(distance(refined, looks[0].truth)).toBeLessThan(distance(found, looks[0].truth));
  });

  it.each([
    ['cut short', change({ data: 'AAAA' }), /a refiner of 3 bytes but \d+ are to be there/],
    ['no base64', change({ data: '§§§' }), /a refiner of unreadable bytes/],
    ['of a later format', change({ formatVersion: 2 }), /refiner of format version 2 .* reads 1/],
    ['without ranks', change({ ranks: [1] }), /two ranks/],
    [
      'of another set of names',
      change({ names: set.names.map((name) => `${name}-b`) }, ''),
      /for other names/,
    ],
    [
      'of another network',
      change({ references: set.names.map(() => [0, 1, 0, 0, 0, 0, 0, 0]) }, ''),
      /for other names, references or mean shape/,
    ],
    ['that is no object', change({ refiner: 5 }, ''), /a refiner that is no object/],
  ])('is refused with the reason and the remedy: %s', (_, wrong, reason) => {
    expect(() => parseLandmarkSet(wrong, 'points.json')).toThrow(ModelError);
    expect(() => parseLandmarkSet(wrong, 'points.json')).toThrow(reason);
    expect(() => parseLandmarkSet(wrong, 'points.json')).toThrow(/^points\.json .*dve landmarks/);
  });
});
