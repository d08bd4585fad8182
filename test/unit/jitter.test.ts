import { describe, expect, it } from 'vitest';
import type { Point } from '../../src/geometry/coordinates.ts';
import { estimateLag, secondDifference, type PointTrack } from '../../src/evaluation/jitter.ts';
import { compareTracks } from '../../src/evaluation/track-accuracy.ts';
import { createNoise } from './virtual-world.ts';

const frames = Array.from({ length: 200 }, (_, t) => t);

const swing = (t: number): Point[] => [
  { x: 100 + 20 * Math.sin(t / 9), y: 50 + 8 * Math.cos(t / 7) },
  { x: 130 + 20 * Math.sin(t / 9), y: 60 + 5 * Math.cos(t / 5) },
];

const noisy = (track: Point[][], size: number, seed: number): Point[][] => {
  const random = createNoise(seed);
  return track.map((points) =>
    points.map(({ x, y }) => ({ x: x + size * (random() - 0.5), y: y + size * (random() - 0.5) })),
  );
};

describe('secondDifference', () => {
  it('of points that stay or move evenly is zero', () => {
    const track = frames.map((t) => [{ x: 3 * t, y: 7 - t }]);
    expect(secondDifference(track, 10)).toBeCloseTo(0, 10);
  });

  it('of independent noise is √6 times its size in each direction', () => {
    const still = frames.map(() => [
      { x: 5, y: 6 },
      { x: 50, y: 60 },
    ]);
    const sd = Math.sqrt(1 / 12);
    const measured = secondDifference(noisy(still, 1, 3), 20) ?? 0;
    expect(measured).toBeGreaterThan((0.93 * Math.sqrt(2 * 6) * sd) / 20);
    expect(measured).toBeLessThan((1.07 * Math.sqrt(2 * 6) * sd) / 20);
  });

  it('does not look across frames without points', () => {
    const at = (x: number) => [{ x, y: 0 }];
    expect(secondDifference([at(0), at(0), undefined, at(90), at(90)], 1)).toBeUndefined();
    expect(secondDifference([at(0), at(0), at(0), undefined, at(90)], 1)).toBe(0);
  });
});

describe('estimateLag', () => {
  it.each([-0.9, 0, 0.3, 0.5, 1, 2.4, 4.9, 5.6, 6])('finds a delay of %f frames', (delay) => {
    const raw = frames.map((t) => swing(t));
    const late = frames.map((t) => swing(t - delay));
    expect(Math.abs((estimateLag(late, raw) ?? -9) - delay)).toBeLessThan(0.06);
  });

  it('is not misled by noise on the raw points', () => {
    const raw = frames.map((t) => swing(t));
    for (const delay of [0, 0.5, 1]) {
      const late = noisy(
        frames.map((t) => swing(t - delay)),
        1,
        5,
      );
      expect(Math.abs((estimateLag(late, noisy(raw, 3, 4)) ?? -9) - delay)).toBeLessThan(0.12);
    }
  });

  it('finds the delay of a known low-pass filter', () => {
    const raw = frames.map((t) => [{ x: 2 * t + 30 * Math.sin(t / 30), y: 0 }]);
    let x = raw[0][0].x;
    // Its delay to slow motion is (1 − share) / share frames.
    const late = raw.map(([point]) => [{ x: (x += 0.4 * (point.x - x)), y: 0 }]);
    expect(Math.abs((estimateLag(late, raw) ?? -9) - 1.5)).toBeLessThan(0.1);
  });

  it('has no answer for points that do not move', () => {
    const still = frames.map(() => [{ x: 1, y: 2 }]);
    expect(estimateLag(still, still)).toBeUndefined();
    expect(estimateLag(noisy(still, 1, 8), noisy(still, 1, 9))).toBeUndefined();
  });
});

/** 68 points whose outer eye corners (36, 45) are 100 pixels apart. */
const face = (dx: number, dy = 0): Point[] =>
  Array.from({ length: 68 }, (_, i) => {
    const angle = i / 4;
    if (i === 36) return { x: 200 + dx, y: 200 + dy };
    if (i === 45) return { x: 300 + dx, y: 200 + dy };
    return { x: 250 + dx + 80 * Math.cos(angle), y: 220 + dy + 80 * Math.sin(angle) };
  });

describe('compareTracks', () => {
  const truth: PointTrack = frames.slice(0, 50).map((t) => (t < 40 ? face(t) : undefined));

  it('of a track with itself shows no error', () => {
    const result = compareTracks(truth, truth);
    expect(result).toMatchObject({
      frames: 50,
      trackedShare: 1,
      first: 0,
      meanError: 0,
      jumps: 0,
      rightShare: 1,
    });
    expect(result.jitter).toBeCloseTo(0, 10);
  });

  it('measures distances in shares of the truth’s inter-ocular distance', () => {
    const off = truth.map((points, t) => points && face(t, 3));
    const result = compareTracks(off, truth);
    expect(result.meanError).toBeCloseTo(0.03, 6);
    expect(result.medianError).toBeCloseTo(0.03, 6);
  });

  it('counts frames that are not tracked, and the first one that is', () => {
    const late = truth.map((points, t) => (t < 10 ? undefined : points));
    expect(compareTracks(late, truth)).toMatchObject({ trackedShare: 0.75, first: 10 });
    expect(
      compareTracks(
        frames.map(() => undefined),
        truth,
      ),
    ).toMatchObject({ trackedShare: 0, first: -1 });
  });

  it('counts a jump there and a jump back, and a place that is wrong', () => {
    const jumping = truth.map((points, t) => points && face(t, t === 20 ? 90 : 0));
    const result = compareTracks(jumping, truth);
    expect(result.jumps).toBe(2);
    expect(result.rightShare).toBeCloseTo(39 / 40, 6);
  });

  it('does not count a jump that the truth makes as well', () => {
    const jumping = truth.map((points, t) => points && face(t + (t > 20 ? 90 : 0)));
    expect(compareTracks(jumping, jumping).jumps).toBe(0);
  });

  it('compares as many frames as both have', () => {
    expect(compareTracks(truth.slice(0, 30), truth).frames).toBe(30);
  });
});
