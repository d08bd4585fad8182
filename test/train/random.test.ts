import { describe, expect, test } from 'vitest';
import { createRandom } from '../../src/augment/random.ts';

const draw = (count: number, next: () => number): number[] => Array.from({ length: count }, next);
const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('seeded random numbers', () => {
  test('the same key gives the same numbers, any other key different ones', () => {
    const numbers = (...key: number[]): number[] => {
      const random = createRandom(...key);
      return draw(5, () => random.uniform());
    };
    expect(numbers(1, 2, 3)).toEqual(numbers(1, 2, 3));
    const others = [
      [1, 2, 4],
      [1, 3, 2],
      [2, 1, 3],
      [1, 2],
      [1, 2, 3, 0],
      [1, 2, 3 + 2 ** 32],
      [-1, 2, 3],
    ];
    for (const key of others) expect(numbers(...key)).not.toEqual(numbers(1, 2, 3));
  });

  test('a split stream does not depend on what was drawn before', () => {
    const fresh = createRandom(7);
    const used = createRandom(7);
    draw(100, () => used.normal());
    expect(used.split(4).uniform()).toBe(fresh.split(4).uniform());
    expect(fresh.split(4).uniform()).toBe(createRandom(7, 4).uniform());
  });

  test('first draws of neighbouring keys are uniform and uncorrelated', () => {
    const firsts = Array.from({ length: 20_000 }, (_, i) => createRandom(3, i).uniform());
    const centered = firsts.map((value) => value - 0.5);
    expect(mean(firsts)).toBeCloseTo(0.5, 2);
    expect(mean(centered.map((value) => value * value))).toBeCloseTo(1 / 12, 2);
    expect(Math.abs(mean(centered.slice(1).map((value, i) => value * centered[i])))).toBeLessThan(0.003);
  });

  test('normal numbers have the asked mean and spread and stay within three deviations', () => {
    const random = createRandom(11);
    const values = draw(50_000, () => random.normal(5, 2));
    expect(mean(values)).toBeCloseTo(5, 1);
    // Cutting at three deviations narrows the spread by 1.3 %.
    expect(Math.sqrt(mean(values.map((value) => (value - 5) ** 2)))).toBeCloseTo(1.973, 1);
    expect(Math.max(...values.map((value) => Math.abs(value - 5)))).toBeLessThanOrEqual(6);
  });

  test('integers fill their range evenly and shuffling keeps every element', () => {
    const random = createRandom(5);
    const counts = [0, 0, 0, 0, 0];
    draw(10_000, () => counts[random.int(5)]++);
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200);
    const shuffled = random.shuffle(Int32Array.from({ length: 100 }, (_, i) => i));
    expect([...shuffled]).not.toEqual([...shuffled].sort((a, b) => a - b));
    expect([...shuffled].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });
});
