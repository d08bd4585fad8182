/** Finds the pairs of one video after the other in a worker thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { InputError } from '../errors.ts';
import { objectDisc } from '../train/pairs/deformation.ts';
import { createFlowCache } from './flow-cache.ts';
import { cutBase, toFramePair } from '../train/pairs/frame-pair.ts';
import { disMethod } from '../flow/optical-flow.ts';
import type { FramePair } from '../train/pairs/pair-pool.ts';
import { movingMasks } from '../train/pairs/moving-masks.ts';
import { regionOfFrame } from '../train/pairs/regions.ts';
import type { VideoRegions } from '../train/pairs/regions.ts';
import { videoPairs } from './video-file-pairs.ts';
import type { PairCounts } from '../train/pairs/video-pairs.ts';
import type { VideoSettings } from '../train/settings/video-settings.ts';

/** What every video is gone through with. */
export type PairWorkerData = {
  settings: VideoSettings;
  seed: number;
  /** Folder of flows that are known already. */ cache: string;
  /** Side of the object over the side of its region, 0–1. */ objectShare: number;
};

/** One video to go through. */
export type PairJob = { video: number; path: string; regions: VideoRegions };

export type PairWorkerMessage =
  | { kind: 'ready' }
  | { kind: 'pair'; video: number; order: number; pair: FramePair }
  | { kind: 'warning'; message: string }
  | {
      kind: 'done';
      video: number;
      counts: PairCounts | undefined;
      /** Why the video is of no use from some frame on, if so. */ broken?: string;
      /** Flows that were on disk, and that had to be computed. */ hits: number;
      misses: number;
    };

if (parentPort === null) throw new Error('pair-worker runs in a worker thread only.');
const port = parentPort;
const { settings, seed, cache, objectShare } = workerData as PairWorkerData;
const post = (message: PairWorkerMessage, transfer: ArrayBufferLike[] = []): void => {
  port.postMessage(message, transfer as ArrayBuffer[]);
};
const warn = (message: string): void => {
  post({ kind: 'warning', message });
};

const goThrough = async ({ video, path, regions }: PairJob): Promise<void> => {
  const { side } = settings.pairs;
  const method = createFlowCache(cache, disMethod(), warn);
  let counts: PairCounts | undefined;
  let broken: string | undefined;
  let order = 0;
  const pairs = videoPairs(path, {
    method,
    settings: settings.pairs,
    seed,
    ...(regions.kind !== 'whole' && {
      regionOf: (frame: number) => {
        const roi = regionOfFrame(regions, frame);
        return roi && { ...roi, size: roi.size * settings.context };
      },
      object: objectDisc({ width: side, height: side }, cutBase(settings), objectShare),
    }),
    ...(settings.backdrops > 0 && { masks: movingMasks }),
    onWarning: warn,
    onCounts: (found) => {
      counts = found;
    },
  });
  try {
    for await (const found of pairs) {
      const pair = toFramePair(found, regions.kind, settings, objectShare);
      const { a, b, flow, weights, mattes } = pair;
      post({ kind: 'pair', video, order, pair }, [
        a.rgb.buffer,
        b.rgb.buffer,
        flow.x.buffer,
        flow.y.buffer,
        weights.buffer,
        ...(mattes ? [mattes.a.buffer, mattes.b.buffer] : []),
      ]);
      order++;
      // A video that does not say how long it is could give any number.
      if (order >= settings.pairs.pairsPerVideo) break;
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    broken = error.message;
  }
  const { hits, misses } = method.stats();
  post({ kind: 'done', video, counts, ...(broken !== undefined && { broken }), hits, misses });
};

port.on('message', (job: PairJob) => {
  // A rejection must end the worker, so that its starter hears of it.
  goThrough(job).catch((error: unknown) => {
    setImmediate(() => {
      throw error;
    });
  });
});
post({ kind: 'ready' });
