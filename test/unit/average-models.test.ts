import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import type { Checkpoint } from '../../src/train/checkpoint-format.ts';
import { parseConfig } from '../../src/train/config.ts';
import { averageCheckpoints } from '../../tools/average-models/average.ts';

const training = (value: number, embeddingSize = 64): Checkpoint => {
  const part = (scale: number) => Float32Array.of(value * scale, -value * scale);
  return {
    ...{ step: 10 * value, data: `data ${value}` },
    config: parseConfig({ network: { embeddingSize } }),
    state: {
      parameters: part(1),
      momentum: part(2),
      velocity: part(4),
      average: part(8),
      statistics: part(16),
    },
  };
};

describe('the mean of trainings', () => {
  test('is the mean of every part of their states, and goes by the name of the first', () => {
    const mean = averageCheckpoints([
      ['a', training(1)],
      ['b', training(2)],
      ['c', training(6)],
    ]);
    expect(mean).toMatchObject({ step: 10, data: 'data 1' });
    expect(mean.state.parameters).toEqual(Float32Array.of(3, -3));
    expect(mean.state.average).toEqual(Float32Array.of(24, -24));
    expect(mean.state.statistics).toEqual(Float32Array.of(48, -48));
  });

  test('is refused for one training alone and for networks that differ, by name', () => {
    expect(() => averageCheckpoints([['a', training(1)]])).toThrow(InputError);
    const different = () =>
      averageCheckpoints([
        ['runs/a', training(1)],
        ['runs/b', training(2, 32)],
      ]);
    expect(different).toThrow(InputError);
    expect(different).toThrow(/runs\/a .*runs\/b/);
  });
});
