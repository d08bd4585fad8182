import { OneEuroFilter as Oracle } from '1eurofilter';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import type { Point } from '../../src/geometry/coordinates.ts';
import { estimateLag, secondDifference } from '../../src/evaluation/jitter.ts';
import { LandmarkSmoother } from '../../src/landmarks/smoother.ts';
import { createNoise } from './virtual-world.ts';

const size = 300;
const iod = 0.35 * size;

/** Twelve points that move together as `path` says, with noise of the size that matching has (share of the object). */
const record = (path: (t: number) => Point, noise: number, frames = 300): Point[][] => {
  const random = createNoise(21);
  return Array.from({ length: frames }, (_, frame) =>
    Array.from({ length: 12 }, (_unused, index) => {
      const { x, y } = path(frame / 30);
      return {
        x: 100 + 15 * index + x + noise * size * (random() + random() - 1),
        y: 200 + 9 * index + y + noise * size * (random() + random() - 1),
      };
    }),
  );
};

const smooth = (track: Point[][], smoother = new LandmarkSmoother()): Point[][] =>
  track.map((points, frame) => smoother.filter(points, size, frame / 30));

describe('LandmarkSmoother', () => {
  it('gives each coordinate what the authors’ own filter gives it in object sizes', () => {
    const options = { minCutoff: 1.5, beta: 60, derivativeCutoff: 2, noise: 0 };
    const track = record((t) => ({ x: 40 * Math.sin(2 * t), y: 20 * Math.cos(3 * t) }), 0.004);
    const smoothed = smooth(track, new LandmarkSmoother(options));
    const oracle = new Oracle(30, options.minCutoff, options.beta, options.derivativeCutoff);
    track.forEach((points, frame) => {
      expect(smoothed[frame][7].x).toBeCloseTo(size * oracle.filter(points[7].x / size, frame / 30), 8);
    });
  });

  it('by default calms a still object at least threefold', () => {
    const track = record(() => ({ x: 0, y: 0 }), 0.0006);
    const raw = secondDifference(track, iod) ?? 0;
    expect(raw).toBeGreaterThan(0.001);
    expect(secondDifference(smooth(track).slice(30), iod)).toBeLessThan(raw / 3);
  });

  it('by default lags at most half a frame behind an object that moves', () => {
    for (const speed of [2, 4, 8]) {
      const track = record(
        (t) => ({ x: 50 * Math.sin(speed * t), y: 0.2 * size * Math.sin(0.7 * speed * t) }),
        0.0006,
      );
      const lag = estimateLag(smooth(track), track);
      expect(lag).toBeDefined();
      expect(lag).toBeLessThanOrEqual(0.5);
    }
  });

  it('gives the same at every resolution', () => {
    const track = record((t) => ({ x: 30 * t, y: 0 }), 0.002, 60);
    const smoother = new LandmarkSmoother();
    const large = track.map((points, frame) =>
      smoother.filter(
        points.map(({ x, y }) => ({ x: 3 * x, y: 3 * y })),
        3 * size,
        frame / 30,
      ),
    );
    smooth(track).forEach((points, frame) => {
      expect(large[frame][5].x).toBeCloseTo(3 * points[5].x, 6);
    });
  });

  it('stays finite and near its points when timestamps repeat, go back or are missing', () => {
    const smoother = new LandmarkSmoother();
    for (const timestamp of [0, 0, 0.03, -4, undefined, Number.NaN, 1e12, 0, 0]) {
      const [point] = smoother.filter([{ x: 50, y: 60 }], size, timestamp);
      expect(point).toEqual({ x: 50, y: 60 });
    }
  });

  it('after a reset starts from the first points it gets', () => {
    const smoother = new LandmarkSmoother();
    smoother.filter([{ x: 0, y: 0 }], size, 0);
    smoother.reset();
    expect(smoother.filter([{ x: 90, y: 80 }], size, 0.03)).toEqual([{ x: 90, y: 80 }]);
  });

  it('refuses options that do not exist or cannot be', () => {
    const create = (options: object) => () => new LandmarkSmoother(options);
    expect(create({ cutoff: 1 })).toThrow(/no option "cutoff"/);
    expect(create({ minCutoff: 0 })).toThrow(InputError);
    expect(create({ derivativeCutoff: Number.POSITIVE_INFINITY })).toThrow(InputError);
    expect(create({ beta: 0 })).not.toThrow();
  });
});
