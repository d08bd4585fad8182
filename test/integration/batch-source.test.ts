import { describe, expect, test } from 'vitest';
import { ClosedError, InputError } from '../../src/errors.ts';
import { createBatchMaker } from '../../src/train/batch/batch.ts';
import type { Batch } from '../../src/train/batch/batch.ts';
import { parseBatchSettings } from '../fixtures/settings.ts';
import { createBatchSource } from '../../src/train-node/batch-source.ts';
import type { BatchSourceOptions } from '../../src/train-node/batch-source.ts';
import { createPictureSet } from '../../src/train/views/pictures.ts';

const pictures = createPictureSet(
  Array.from({ length: 11 }, (_, i) => ({
    file: `${i}.png`,
    width: 80,
    height: 72,
    rgb: Uint8Array.from({ length: 80 * 72 * 3 }, (_value, k) => (k * (i + 3)) % 256),
  })),
);
const settings = parseBatchSettings({ inputSize: 32, queryGrid: 8, pairs: 4, backgrounds: 2 });

const take = async (count: number, options: Partial<BatchSourceOptions> = {}): Promise<Batch[]> => {
  const source = await createBatchSource({ pictures, settings, seed: 7, startStep: 0, ...options });
  try {
    const batches: Batch[] = [];
    for (let i = 0; i < count; i++) batches.push(await source.next());
    return batches;
  } finally {
    await source.close();
  }
};

/** Equality of bytes; vitest's own takes seconds on arrays of this size. */
const sameBatches = (a: Batch[], b: Batch[]): boolean =>
  a.length === b.length &&
  a.every((batch, i) =>
    (['images', 'targets', 'valid'] as const).every((key) =>
      Buffer.from(batch[key].buffer).equals(Buffer.from(b[i][key].buffer)),
    ),
  );

describe('a batch source', () => {
  test('batches depend neither on the number of workers nor on where the training started', async () => {
    const make = createBatchMaker({ set: pictures, settings, seed: 7 });
    const expected = Array.from({ length: 7 }, (_, step) => make(step));
    expect(sameBatches(await take(7), expected)).toBe(true);
    expect(sameBatches(await take(7, { workers: 3 }), expected)).toBe(true);
    expect(sameBatches(await take(4, { startStep: 3 }), expected.slice(3))).toBe(true);
    expect(sameBatches(await take(1, { seed: 8 }), expected.slice(0, 1))).toBe(false);
  });

  test('calls that do not wait for each other get their batches in the order they asked', async () => {
    const source = await createBatchSource({ pictures, settings, seed: 7, startStep: 0, workers: 2 });
    const batches = await Promise.all(Array.from({ length: 9 }, () => source.next()));
    await source.close();
    const make = createBatchMaker({ set: pictures, settings, seed: 7 });
    const expected = Array.from({ length: 9 }, (_, step) => make(step));
    expect(sameBatches(batches, expected)).toBe(true);
  });

  test('a second close waits for the workers as the first does', async () => {
    const source = await createBatchSource({ pictures, settings, seed: 7, startStep: 0 });
    const closed: number[] = [];
    const first = source.close().then(() => closed.push(1));
    const second = source.close().then(() => closed.push(2));
    await Promise.race([first, second]);
    expect(closed[0]).toBe(1);
    await Promise.all([first, second]);
  });

  test('close rejects what is pending and what comes after, and may be called twice', async () => {
    const source = await createBatchSource({ pictures, settings, seed: 7, startStep: 0 });
    const pending = Array.from({ length: 20 }, () => source.next());
    const settled = Promise.allSettled(pending);
    await source.close();
    const outcomes = await settled;
    expect(
      outcomes.every((outcome) => outcome.status === 'fulfilled' || outcome.reason instanceof ClosedError),
    ).toBe(true);
    expect(outcomes.at(-1)?.status).toBe('rejected');
    await expect(source.next()).rejects.toThrow(/closed\. Create a new one/);
    await source.close();
  });

  test('a worker that dies rejects every pending batch and every later one', async () => {
    // No levels to read from: the worker throws at its first batch.
    const broken = {
      ...pictures,
      pictures: pictures.pictures.map((picture) => ({ ...picture, levels: [] })),
    };
    const source = await createBatchSource({ pictures: broken, settings, seed: 7, startStep: 0 });
    const outcomes = await Promise.allSettled([source.next(), source.next(), source.next()]);
    for (const outcome of outcomes) {
      expect(outcome.status).toBe('rejected');
      if (outcome.status === 'rejected') {
        expect(outcome.reason).toBeInstanceOf(ClosedError);
        expect(String(outcome.reason)).toMatch(/worker died .*Resume the training from its last checkpoint/);
      }
    }
    await expect(source.next()).rejects.toThrow(ClosedError);
    await source.close();
  });

  test('too few pictures and a wrong number of workers are refused before any worker starts', async () => {
    const many = parseBatchSettings({ pairs: 12 });
    const start = (options: Partial<BatchSourceOptions>): Promise<unknown> =>
      createBatchSource({ pictures, settings, seed: 1, startStep: 0, ...options });
    await expect(start({ settings: many })).rejects.toThrow(InputError);
    await expect(start({ backgroundPictures: [0, 1, 2, 3, 4, 5, 6, 7] })).rejects.toThrow(/there are 3/);
    await expect(start({ workers: 0 })).rejects.toThrow(/workers is 0/);
    await expect(start({ workers: 1.5 })).rejects.toThrow(InputError);
  });
});
