import { describe, expect, it } from 'vitest';
import type { Point } from '../../src/geometry/coordinates.ts';
import { MotionFilter, motionSettings, type Carried } from '../../src/landmarks/motion-filter.ts';
import { createNoise } from './virtual-world.ts';

const size = 300;
const start: Point[] = Array.from({ length: 8 }, (_, i) => ({
  x: 100 + 25 * (i % 4),
  y: 100 + 60 * Math.floor(i / 4),
}));
const sure = start.map(() => 1);
const unsure = start.map(() => 0.1);
const exact = { xx: 0.01, xy: 0, yy: 0.01, miss: 0.02, unlike: 0.02 };

/** Where motion carries the filter's points: all by the same way, apart from some. */
const carry = (filter: MotionFilter, by: Point, apart: Record<number, Partial<Carried>> = {}): Carried[] =>
  filter.points.map(({ x, y }, i) => ({ x: x + by.x, y: y + by.y, ...exact, ...apart[i] }));

const started = (): MotionFilter => {
  const filter = new MotionFilter();
  filter.step({ matches: start, certainties: sure, size });
  return filter;
};

describe('MotionFilter', () => {
  it('goes along with motion at once', () => {
    const filter = started();
    const moved = start.map(({ x, y }) => ({ x: x + 9, y: y - 4 }));
    const points = filter.step({
      matches: start,
      certainties: unsure,
      carried: carry(filter, { x: 9, y: -4 }),
      size,
    });
    points.forEach(({ x, y }, i) => {
      expect(Math.hypot(x - moved[i].x, y - moved[i].y)).toBeLessThan(0.05);
    });
  });

  it('lets a part move on its own', () => {
    const filter = started();
    const tip = { x: start[7].x + 14, y: start[7].y + 3 };
    const carried = carry(filter, { x: 1, y: 0 }, { 7: tip });
    const points = filter.step({ matches: start, certainties: unsure, carried, size });
    expect(Math.hypot(points[7].x - tip.x, points[7].y - tip.y)).toBeLessThan(0.2);
    expect(Math.hypot(points[0].x - start[0].x - 1, points[0].y - start[0].y)).toBeLessThan(0.3);
  });

  it('trembles less than motion and match do where nothing moves', () => {
    const filter = started();
    const random = createNoise(5);
    const noise = (scale: number): number => scale * (random() + random() + random() - 1.5);
    let sum = 0;
    let noiseOfMatches = 0;
    let last = start;
    for (let t = 0; t < 200; t++) {
      const matches = start.map(({ x, y }) => ({ x: x + noise(1), y: y + noise(1) }));
      const carried = carry(filter, { x: 0, y: 0 }).map((c) => ({
        ...c,
        x: c.x + noise(0.2),
        y: c.y + noise(0.2),
      }));
      const points = filter.step({ matches, certainties: sure, carried, size });
      points.forEach(({ x, y }, i) => {
        sum += (x - last[i].x) ** 2 + (y - last[i].y) ** 2;
        noiseOfMatches += (matches[i].x - start[i].x) ** 2 + (matches[i].y - start[i].y) ** 2;
      });
      last = points.map(({ x, y }) => ({ x, y }));
    }
    expect(Math.sqrt(sum)).toBeLessThan(0.15 * Math.sqrt(noiseOfMatches));
  });

  it('corrects drift by sure matches and by nothing else', () => {
    const drift = (certainties: number[]): number => {
      const filter = started();
      let points = start;
      for (let t = 0; t < 150; t++) {
        points = filter.step({ matches: start, certainties, carried: carry(filter, { x: 0.1, y: 0 }), size });
      }
      return points[0].x - start[0].x;
    };
    expect(drift(sure)).toBeLessThan(3);
    expect(drift(unsure)).toBeCloseTo(15, 0);
  });

  it('a hidden point goes along with the whole and says so', () => {
    const filter = started();
    const carried = carry(filter, { x: 5, y: 5 }, { 3: { x: 0, y: 0, miss: 40 } });
    const certainties = sure.map((one, i) => (i === 3 ? 0.1 : one));
    const matches = start.map(({ x, y }) => ({ x: x + 5, y: y + 5 }));
    const points = filter.step({ matches, certainties, carried, size });
    expect(points[3].seen).toBe(false);
    expect(points[2].seen).toBe(true);
    expect(Math.hypot(points[3].x - start[3].x - 5, points[3].y - start[3].y - 5)).toBeLessThan(0.5);
    expect(points[3].spread).toBeGreaterThan(points[2].spread);
  });

  it('a sure match that contradicts for some frames wins', () => {
    const filter = started();
    const matches = start.map(({ x, y }, i) => (i === 0 ? { x: x + 120, y } : { x, y }));
    let points: Point[] = [];
    for (let t = 0; t < motionSettings.patience; t++) {
      points = filter.step({ matches, certainties: sure, carried: carry(filter, { x: 0, y: 0 }), size });
      if (t < motionSettings.patience - 1) expect(points[0].x).toBeLessThan(start[0].x + 5);
    }
    expect(points[0].x).toBeCloseTo(start[0].x + 120, 6);
  });

  it('a find sets all points anew', () => {
    const filter = started();
    filter.reset();
    const elsewhere = start.map(({ x, y }) => ({ x: x + 200, y }));
    const points = filter.step({ matches: elsewhere, certainties: unsure, size });
    expect(points.map(({ x }) => x)).toEqual(elsewhere.map(({ x }) => x));
  });

  it('follows a single point, and points that lie on each other', () => {
    for (const points of [[{ x: 5, y: 5 }], [start[0], start[0], start[0]]]) {
      const filter = new MotionFilter();
      filter.step({ matches: points, certainties: points.map(() => 1), size });
      const carried = carry(filter, { x: 3, y: 0 });
      const [first] = filter.step({ matches: points, certainties: points.map(() => 0), carried, size });
      expect(first.x).toBeCloseTo(points[0].x + 3, 1);
    }
  });

  it('follows matches that stay off to one side sooner than such that err to all sides', () => {
    const gapAfter = (offsetAt: (t: number) => number): number => {
      const filter = started();
      let gap = 0;
      for (let t = 0; t < 8; t++) {
        const off = offsetAt(t);
        const points = filter.step({
          matches: start.map(({ x, y }) => ({ x: x + off, y })),
          certainties: sure,
          carried: carry(filter, { x: 0, y: 0 }),
          size,
        });
        gap = Math.abs(points[0].x - start[0].x);
      }
      return gap;
    };
    // Well within what the filter takes for noise of a single match.
    expect(gapAfter(() => 4)).toBeGreaterThan(3);
    expect(gapAfter((t) => (t % 2 === 0 ? 4 : -4))).toBeLessThan(1);
  });
});
