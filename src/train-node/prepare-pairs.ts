import { Worker } from 'node:worker_threads';
import { ClosedError, firstLine } from '../errors.ts';
import { createPairPoolBuilder } from '../train/pairs/pair-pool.ts';
import type { PairPool } from '../train/pairs/pair-pool.ts';
import type { PairJob, PairWorkerData, PairWorkerMessage } from './pair-worker.ts';
import type { VideoRegions } from '../train/pairs/regions.ts';
import type { VideoSettings } from '../train/settings/video-settings.ts';

/** What the preparation of a pool came to. */
export type PairReport = {
  /** Videos that gave pairs. */ videos: number;
  pairs: number;
  /** Pairs in which the object was told from its background; undefined where that was not tried. */ told?: number;
  /** Videos that cannot be read, or break off. */ broken: number;
  /** Frames that began no pair because nothing moved enough, or too much. */ tooStill: number;
  tooFar: number;
  /** Flows that were on disk, and that had to be computed. */ hits: number;
  misses: number;
  seconds: number;
};

export type PreparePairsOptions = {
  /** Names and paths, in a fixed order: the pool depends on it. */ videos: readonly {
    name: string;
    path: string;
  }[];
  /** Where the object is in each video; one that gives undefined is not used. */
  regionsOf: (name: string) => VideoRegions | undefined;
  settings: VideoSettings;
  /** Whole number. */ seed: number;
  /** Folder where flows are kept; see `createFlowCache`. */ cache: string;
  /** ROI side over object side. */ cropMargin: number;
  /** Worker threads, default 1. The pool does not depend on them. */ workers?: number;
  /** Told, in one line that names it, of each video that is broken. */ onSkip?: (message: string) => void;
  /** Told of damage that decoding went on after, and that flows cannot be kept. */
  onWarning?: (message: string) => void;
  /** Told after each video. */ onProgress?: (done: number, total: number, pairs: number) => void;
  signal?: AbortSignal;
};

/** The worker file beside this one: JavaScript when bundled, TypeScript behind a starter when run from source. */
const startWorker = (data: PairWorkerData): Worker => {
  const url = import.meta.url.endsWith('.ts')
    ? new URL('./pair-worker-from-source.mjs', import.meta.url)
    : new URL('./pair-worker.js', import.meta.url);
  return new Worker(url, { workerData: data, execArgv: [] });
};

/** How many pairs one video may give, so that all of them fit. */
export const pairsPerVideo = ({ poolPairs }: VideoSettings, videos: number): number =>
  Math.max(1, Math.floor(poolPairs / Math.max(1, videos)));

/** Goes through the videos in worker threads. @param take what a worker says; whatever it throws ends the preparation */
const goThrough = async (
  data: PairWorkerData,
  jobs: readonly PairJob[],
  take: (message: PairWorkerMessage) => void,
  { workers: workerCount = 1, signal }: PreparePairsOptions,
): Promise<void> => {
  let next = 0;
  const workers: Worker[] = [];
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = startWorker(data);
      workers.push(worker);
      const fail = (how: string): void => {
        reject(new ClosedError(`A worker that prepares videos ${how}. Train again with --resume.`));
      };
      worker.on('message', (message: PairWorkerMessage) => {
        // Thrown out of an event, an error of a caller's hook would end the whole process.
        try {
          take(message);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        if (message.kind !== 'ready' && message.kind !== 'done') return;
        if (next < jobs.length) worker.postMessage(jobs[next++]);
        else resolve();
      });
      worker.on('error', (error: unknown) => {
        fail(`died (${firstLine(error)})`);
      });
      worker.on('exit', (code) => {
        fail(`ended with code ${code}`);
      });
    });

  let stop = (): void => undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = () => {
      reject(new ClosedError('Stopped while videos were prepared. Train again with --resume.'));
    };
  });
  // One listener for all workers, taken away again: one signal goes through all rounds of a training.
  signal?.addEventListener('abort', stop);
  try {
    if (signal?.aborted) stop();
    const count = signal?.aborted ? 0 : Math.min(workerCount, jobs.length);
    await Promise.race([stopped, Promise.all(Array.from({ length: count }, work))]);
  } finally {
    signal?.removeEventListener('abort', stop);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
};

/**
 * Decodes videos, finds their pairs and the flow of each in worker threads, and keeps them in shared memory: from then
 * on no batch waits for a decoder. Which pairs is a pure function of the videos, their regions, the settings and
 * the seed.
 * @throws ClosedError where a worker died, or the signal aborts; what a hook throws
 */
export const preparePairs = async (
  options: PreparePairsOptions,
): Promise<{ pool: PairPool; report: PairReport }> => {
  const { videos, settings, seed, cache, cropMargin } = options;
  const start = performance.now();
  const jobs = videos.flatMap(({ name, path }, video): PairJob[] => {
    const regions = options.regionsOf(name);
    return regions === undefined ? [] : [{ video, path, regions }];
  });
  const perVideo = pairsPerVideo(settings, jobs.length);
  const data: PairWorkerData = {
    settings: { ...settings, pairs: { ...settings.pairs, pairsPerVideo: perVideo } },
    ...{ seed, cache },
    objectShare: 1 / cropMargin,
  };
  const builder = createPairPoolBuilder(
    videos.map(({ name }) => name),
    perVideo * jobs.length,
    settings.pairs.side,
  );
  const report: PairReport = {
    ...{ videos: 0, pairs: 0, broken: 0, tooStill: 0, tooFar: 0 },
    ...{ hits: 0, misses: 0, seconds: 0 },
    ...(settings.backdrops > 0 && { told: 0 }),
  };
  const fruitful = new Set<number>();
  let done = 0;

  const take = (message: PairWorkerMessage): void => {
    switch (message.kind) {
      case 'pair':
        builder.add(message.video, message.order, message.pair);
        fruitful.add(message.video);
        report.pairs++;
        if (message.pair.mattes) report.told = (report.told ?? 0) + 1;
        break;
      case 'warning':
        options.onWarning?.(message.message);
        break;
      case 'done':
        if (message.broken !== undefined) {
          report.broken++;
          options.onSkip?.(message.broken);
        }
        report.tooStill += message.counts?.tooStill ?? 0;
        report.tooFar += message.counts?.tooFar ?? 0;
        report.hits += message.hits;
        report.misses += message.misses;
        done++;
        options.onProgress?.(done, jobs.length, report.pairs);
        break;
      case 'ready':
        break;
    }
  };

  await goThrough(data, jobs, take, options);
  report.videos = fruitful.size;
  report.seconds = (performance.now() - start) / 1000;
  return { pool: builder.finish(), report };
};
