import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { parseConfig } from '../../src/train/settings/config.ts';
import { averageCheckpoints, type Training } from '../../tools/average-models/average.ts';

const training = (name: string, value: number, share = 1, embeddingSize = 64): Training => {
  const part = (scale: number) => Float32Array.of(value * scale, -value * scale);
  const state = {
    parameters: part(1),
    momentum: part(2),
    velocity: part(4),
    average: part(8),
    statistics: part(16),
  };
  const config = parseConfig({ network: { embeddingSize } });
  return { name, share, checkpoint: { step: 10 * value, data: `data ${name}`, config, state } };
};

describe('the mean of trainings', () => {
  test('is the mean of every part of their states, and goes by the name of the first', () => {
    const mean = averageCheckpoints([training('a', 1), training('b', 2), training('c', 6)]);
    expect(mean).toMatchObject({ step: 10, data: 'data a' });
    expect(mean.state.parameters).toEqual(Float32Array.of(3, -3));
    expect(mean.state.momentum).toEqual(Float32Array.of(6, -6));
    expect(mean.state.velocity).toEqual(Float32Array.of(12, -12));
    expect(mean.state.average).toEqual(Float32Array.of(24, -24));
    expect(mean.state.statistics).toEqual(Float32Array.of(48, -48));
  });

  test('counts each by its share of all shares', () => {
    const mean = averageCheckpoints([training('a', 1, 6), training('b', 5, 2)]);
    expect(mean.state.parameters).toEqual(Float32Array.of(2, -2));
  });

  test('is refused for one training alone, shares that are none, and networks that differ, by name', () => {
    expect(() => averageCheckpoints([training('a', 1)])).toThrow(InputError);
    const shares = (share: number) => () => averageCheckpoints([training('a', 1), training('b', 2, share)]);
    expect(shares(0)).toThrow(/share of b is 0/);
    expect(shares(Number.NaN)).toThrow(InputError);
    const different = () => averageCheckpoints([training('runs/a', 1), training('runs/b', 2, 1, 32)]);
    expect(different).toThrow(InputError);
    expect(different).toThrow(/runs\/a .*runs\/b/);
  });
});
