import { Worker } from 'node:worker_threads';
import { ClosedError, InputError, firstLine } from '../errors.ts';
import { countPairs, requireEnoughPictures } from '../train/batch/sources.ts';
import type { Batch } from '../train/batch/batch.ts';
import type { AnnotatedPicture, BatchMakerOptions, SharedPool } from '../train/batch/sources.ts';
import type { BatchWorkerMessage } from './batch-worker.ts';
import type { BatchSettings } from '../train/settings/batch-settings.ts';
import type { PictureSet } from '../train/views/pictures.ts';

export type { Batch } from '../train/batch/batch.ts';

export type BatchSource = {
  /**
   * The batch of the next step, in order.
   * @throws ClosedError after close(), or where a worker died
   */
  next(): Promise<Batch>;
  /** Stops the workers; every pending next() is rejected. Safe to call twice. */
  close(): Promise<void>;
};

export type BatchSourceOptions = {
  /** Still pictures; undefined where all pairs come from videos. */ pictures?: PictureSet;
  /** Where pairs of two pictures come from. */ pools?: readonly SharedPool[];
  /** Pictures whose landmarks are known. */ annotated?: readonly AnnotatedPicture[];
  settings: BatchSettings;
  /** Whole number; batch t is a pure function of it, t, the settings and the data. */ seed: number;
  /** Step of the first batch: where a resumed training goes on. */ startStep: number;
  /** Worker threads, default 1. The batches do not depend on it. */ workers?: number;
  /** Pictures that show no object, as indices into `pictures`; they make background crops only. */
  backgroundPictures?: readonly number[];
};

const remedy = 'Resume the training from its last checkpoint.';

/** Batches made ahead of the one that is asked for. */
const prefetch = 4;

/** Batches that lie ready, and calls that wait for one. */
type Shelf = {
  take(step: number): Promise<Batch>;
  put(step: number, batch: Batch): void;
  /** Drops the batches and rejects the calls. */ clear(error: Error): void;
};

const createShelf = (): Shelf => {
  const ready = new Map<number, Batch>();
  const waiting = new Map<number, { resolve: (batch: Batch) => void; reject: (error: Error) => void }>();
  return {
    take: (step) => {
      const batch = ready.get(step);
      ready.delete(step);
      if (batch) return Promise.resolve(batch);
      return new Promise((resolve, reject) => waiting.set(step, { resolve, reject }));
    },
    put: (step, batch) => {
      const taker = waiting.get(step);
      waiting.delete(step);
      if (taker) taker.resolve(batch);
      else ready.set(step, batch);
    },
    clear: (error) => {
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
      ready.clear();
    },
  };
};

/** The worker file beside this one: JavaScript when bundled, TypeScript behind a starter when run from source. */
const startWorker = (data: BatchMakerOptions): Worker => {
  const url = import.meta.url.endsWith('.ts')
    ? new URL('./batch-worker-from-source.mjs', import.meta.url)
    : new URL('./batch-worker.js', import.meta.url);
  // No inherited loaders: the starter brings its own, and a second one would load every file twice.
  return new Worker(url, { workerData: data, execArgv: [] });
};

/** @throws InputError for a batch that cannot be made of what there is */
const makerOptions = (options: BatchSourceOptions): BatchMakerOptions => {
  const { pictures, pools = [], annotated = [], settings, seed, backgroundPictures = [] } = options;
  const scenery = new Set(backgroundPictures);
  const objects = [...(pictures?.pictures ?? []).keys()].filter((index) => !scenery.has(index));
  const data: BatchMakerOptions = {
    ...(pictures && { set: pictures }),
    ...{ settings, seed, pools, annotated, objects, backgrounds: [...scenery] },
  };
  requireEnoughPictures(objects.length, countPairs(data).fromPictures);
  return data;
};

/**
 * Makes training batches ahead of time in worker threads. Resolves when the workers are ready.
 * @throws InputError for more pairs than pictures, or a number of workers that is not positive
 * @throws ClosedError where a worker cannot start
 */
export const createBatchSource = async (options: BatchSourceOptions): Promise<BatchSource> => {
  const { startStep, workers: workerCount = 1 } = options;
  if (!Number.isInteger(workerCount) || workerCount < 1) {
    throw new InputError(`workers is ${workerCount}. Pass a whole number of at least 1.`);
  }
  const data = makerOptions(options);
  const shelf = createShelf();
  let nextStep = startStep;
  let nextJob = startStep;
  let failure: Error | undefined;

  const workers = Array.from({ length: workerCount }, () => startWorker(data));
  const idle = new Set<Worker>();
  let startedCount = 0;
  let settleStart: (error?: Error) => void = () => undefined;
  const started = new Promise<void>((resolve, reject) => {
    settleStart = (error) => {
      if (error) reject(error);
      else resolve();
    };
  });

  /** Rejects everything that waits, and everything to come. The first reason stays. */
  const fail = (error: Error): void => {
    if (failure) return;
    failure = error;
    settleStart(error);
    shelf.clear(error);
    // One dead worker leaves a hole in the order of the steps, so the others are of no use either.
    for (const worker of workers) void worker.terminate();
  };

  /** Gives idle workers the next steps, never further ahead than the prefetch depth. */
  const dispatch = (): void => {
    for (const worker of idle) {
      if (failure || nextJob >= nextStep + prefetch) return;
      idle.delete(worker);
      worker.postMessage(nextJob++);
    }
  };

  for (const worker of workers) {
    worker.on('message', (message: BatchWorkerMessage) => {
      if (failure) return;
      if (message.kind === 'batch') shelf.put(message.step, message.batch);
      else if (++startedCount === workerCount) settleStart();
      idle.add(worker);
      dispatch();
    });
    worker.on('messageerror', (error) => {
      fail(new ClosedError(`A batch could not be read from its worker (${error.message}). ${remedy}`));
    });
    worker.on('error', (error: unknown) => {
      fail(new ClosedError(`A batch worker died (${firstLine(error)}). ${remedy}`));
    });
    worker.on('exit', (code) => {
      fail(new ClosedError(`A batch worker ended with code ${code}. ${remedy}`));
    });
  }
  await started;

  const next = (): Promise<Batch> => {
    if (failure) return Promise.reject(failure);
    const batch = shelf.take(nextStep++);
    dispatch();
    return batch;
  };

  const close = async (): Promise<void> => {
    fail(new ClosedError('The batch source is closed. Create a new one.'));
    await Promise.all(workers.map((worker) => worker.terminate()));
  };

  return { next, close };
};
