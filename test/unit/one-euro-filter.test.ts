import { OneEuroFilter as Oracle } from '1eurofilter';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/augment/random.ts';
import { OneEuroFilter } from '../../src/landmarks/one-euro-filter.ts';

const options = { minCutoff: 1.2, beta: 0.4, derivativeCutoff: 0.9, noise: 0 };

/** A noisy swing, sampled at uneven times. */
const signal = Array.from({ length: 400 }, (_, index) => ({
  timestamp: index / 30 + 0.011 * Math.sin(index * 12.9898),
  value: 3 * Math.sin(index / 20) + Math.sin(index * 78.233) / 4,
}));

describe('OneEuroFilter', () => {
  it('gives the same values as the authors’ own implementation', () => {
    const oracle = new Oracle(30, options.minCutoff, options.beta, options.derivativeCutoff);
    const filter = new OneEuroFilter(options);
    for (const { value, timestamp } of signal) {
      expect(filter.filter(value, timestamp, 1)).toBeCloseTo(oracle.filter(value, timestamp), 10);
    }
  });

  it('gives the same values as the authors’ own implementation without timestamps', () => {
    const oracle = new Oracle(30, options.minCutoff, options.beta, options.derivativeCutoff);
    const filter = new OneEuroFilter(options);
    for (const { value } of signal)
      expect(filter.filter(value, undefined, 1)).toBeCloseTo(oracle.filter(value, undefined), 10);
  });

  it('gives the same values as the authors’ own implementation when timestamps repeat or go back', () => {
    const oracle = new Oracle(30, options.minCutoff, options.beta, options.derivativeCutoff);
    const filter = new OneEuroFilter(options);
    for (const timestamp of [0, 0.03, 0.03, 0.02, 0.02, 0.06, 0.01, 0.1]) {
      const value = Math.sin(timestamp * 99);
      expect(filter.filter(value, timestamp, 1)).toBeCloseTo(oracle.filter(value, timestamp), 10);
    }
  });

  it('a repeated timestamp leaves the filter finite', () => {
    const filter = new OneEuroFilter(options);
    for (let index = 0; index < 50; index++)
      expect(Number.isFinite(filter.filter(index % 7, 1, 1))).toBe(true);
  });

  it('timestamps that go back, jump or are missing leave it finite and between the values', () => {
    const filter = new OneEuroFilter(options);
    const timestamps = [0, -5, Number.NaN, undefined, 1e9, Number.POSITIVE_INFINITY, 1e9, 0, 0.1];
    timestamps.forEach((timestamp, index) => {
      const value = filter.filter(index % 2, timestamp, 1);
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
    });
  });

  it('with noise taken into account calms what jumps to and fro, and follows what goes on', () => {
    const random = createRandom(4);
    const jumping = Array.from({ length: 300 }, () => random.normal());
    const runOf = (values: readonly number[], noise: number): number[] => {
      const filter = new OneEuroFilter({ ...options, beta: 2, noise });
      return values.map((value, t) => filter.filter(value, t / 30, 1));
    };
    const restlessness = (values: readonly number[]): number =>
      values.slice(1).reduce((sum, value, i) => sum + Math.abs(value - values[i]), 0);
    expect(restlessness(runOf(jumping, 0.4))).toBeLessThan(0.8 * restlessness(runOf(jumping, 0)));
    // A line has no noise, once it has begun.
    const line = jumping.map((_, t) => t);
    expect(runOf(line, 0.4)[299]).toBeCloseTo(runOf(line, 0)[299], 6);
  });

  it('a value that is not finite does not spoil the next', () => {
    const filter = new OneEuroFilter(options);
    filter.filter(2, 0, 1);
    expect(filter.filter(Number.NaN, 0.1, 1)).toBe(2);
    expect(filter.filter(2, 0.2, 1)).toBeCloseTo(2, 10);
  });

  it('with the object’s size as unit, twice the resolution gives twice the values', () => {
    const small = new OneEuroFilter(options);
    const large = new OneEuroFilter(options);
    for (const { value, timestamp } of signal) {
      expect(large.filter(2 * value, timestamp, 2)).toBeCloseTo(2 * small.filter(value, timestamp, 1), 9);
    }
  });
});
