import { InputError } from '../errors.ts';
import type { Point } from '../geometry/coordinates.ts';
import { createCallQueue } from '../model/call-queue.ts';
import { rejectUnknownKeys } from '../options.ts';
import type { TrainingConfig } from '../train/settings/config.ts';
import type { SampleMatch } from '../train/report/sample-matches.ts';
import { connectWorker, greet, type WorkerClient } from '../worker/client.ts';
import type { DeviceChoice } from '../worker/messages.ts';
import { proxy, transfer } from '../worker/rpc.ts';
import { locateTrainingAssets, type TrainingAssets } from './assets.ts';
import { completeSettings, type TrainingSettings } from './config.ts';
import type {
  DataWorkerApi,
  MarkedLandmarks,
  NamedFile,
  Preparation,
  PreparedData,
  RemoteDecoder,
  StartTraining,
  StepsReport,
  TrainingDevice,
  TrainWorkerApi,
} from './messages.ts';
import { readCheckpoint } from './read-checkpoint.ts';
import { createElementDecoder } from './video-element.ts';

/** Options of {@link createTraining}. */
export type TrainingOptions = {
  /** Videos in which the object moves; of a File the name is told when it cannot be used. */
  videos?: readonly Blob[];
  /** Still pictures, each of another instance of the object; as many as `config.batch.pairs`, or more. */
  pictures?: readonly Blob[];
  /** Settings as of `dve train --config`, with defaults for browsers ({@link browserDefaults}). */
  config?: TrainingSettings;
  /**
   * `checkpoint.bin` of an earlier training, from `files()` or `dve train`: training goes on from its step to
   * `config.steps`. The network has to be the same; pictures and videos may be others.
   */
  checkpoint?: Uint8Array<ArrayBuffer>;
  /** Where the network is trained. Default `auto`: WebGPU where it computes the same steps as wasm, faster. */
  device?: DeviceChoice;
  /**
   * URL of mediabunny (`mediabunny/dist/bundles/mediabunny.min.mjs`) on your own server: with it videos are decoded by
   * WebCodecs in a worker; without it by a video element of the page, several times slower.
   */
  mediabunny?: string | URL;
  /** URL of a copy of this package's dist folder. Default: found without it. */ assetBase?: string | URL;
  /** Ends everything; see {@link Training.close}. */ signal?: AbortSignal;
};

const optionKeys = [
  'videos',
  'pictures',
  'config',
  'checkpoint',
  'device',
  'mediabunny',
  'assetBase',
  'signal',
] as const satisfies (keyof TrainingOptions)[];

/** How far a training is. */
export type TrainingProgress =
  | ({
      /** Pictures are decoded, and pairs of frames found in the videos. */ phase: 'preparing';
    } & Preparation)
  | ({
      phase: 'training';
      /** Steps of the whole training. */
      steps: number;
    } & StepsReport);

/** What a training starts with. */
export type TrainingInfo = TrainingDevice &
  PreparedData & {
    /** Its settings, whole. */ config: TrainingConfig;
  };

/** The files of a model directory by name, and `checkpoint.bin`. */
export type TrainedFiles = Map<string, Uint8Array<ArrayBuffer>>;

/** A picture on which landmarks were marked. */
export type LandmarkPicture = {
  /** Stays the caller's. */ picture: ImageBitmapSource;
  /** One per name, in the same order in every picture; pixels of the picture. */ points: readonly Point[];
};

/** Landmarks that a user marked on pictures, for the model to carry. */
export type LandmarkMarks = {
  /** One picture is enough; more make the landmarks surer. */ pictures: readonly LandmarkPicture[];
  /** Names of the landmarks, three or more; default `point 1` and so on. */ names?: readonly string[];
  /** Lines to draw, landmarks by index. */ connections?: readonly (readonly [number, number])[];
};

/** A training in this page; see {@link createTraining}. */
export type Training = AsyncIterable<TrainingProgress> & {
  /** Data and device, once steps begin. @throws what the iteration would throw */
  readonly ready: Promise<TrainingInfo>;
  /** Ends training after the running step; what was learnt can be had from {@link Training.files}. */
  stop(): Promise<void>;
  /** What the network makes of views that it is not trained on: points of one sought in others. */
  matches(count?: number): Promise<SampleMatch[]>;
  /**
   * The model as of now: `model.onnx`, `model.int8.onnx`, `manifest.json` and `checkpoint.bin`, with marks also
   * `landmarks.json`. It may be asked for at any time after `ready`; training waits meanwhile.
   * @throws InputError for marks that do not belong together; ModelError where the network does not recognise them yet
   */
  files(landmarks?: LandmarkMarks): Promise<TrainedFiles>;
  /** {@link Training.files} once training has ended. @throws what ended it before its time */
  result(landmarks?: LandmarkMarks): Promise<TrainedFiles>;
  /** Ends the workers and frees everything. Pending calls get a ClosedError. May be called again. */
  close(): void;
  [Symbol.dispose](): void;
};

const nameOf = (content: Blob, kind: string, index: number): string =>
  content instanceof File && content.name !== '' ? content.name : `${kind} ${index + 1}`;

const named = (files: readonly Blob[], kind: string): NamedFile[] =>
  files.map((content, index) => ({ name: nameOf(content, kind, index), content }));

const checkOptions = (options: TrainingOptions): void => {
  rejectUnknownKeys(options, optionKeys, 'createTraining()');
  const { device = 'auto', videos = [], pictures = [] } = options;
  if (!['auto', 'webgpu', 'wasm'].includes(device)) {
    throw new InputError(`createTraining(): device is "${device}". Pass auto, webgpu or wasm.`);
  }
  if (videos.length + pictures.length === 0) {
    throw new InputError('createTraining(): there is nothing to train on. Pass videos, pictures or both.');
  }
  const crypto = globalThis.crypto as Partial<Crypto> | undefined;
  if (crypto?.subtle === undefined) {
    throw new InputError('createTraining() needs a secure page. Serve it by https, or from localhost.');
  }
};

type Workers = { data: WorkerClient<DataWorkerApi>; trainer: WorkerClient<TrainWorkerApi> };

/** Both or none. @throws DeviceError where the page may not start them */
const startWorkers = ({ createDataWorker, createTrainWorker }: TrainingAssets): Workers => {
  const data = connectWorker<DataWorkerApi>(createDataWorker(), 'training');
  try {
    return { data, trainer: connectWorker<TrainWorkerApi>(createTrainWorker(), 'training') };
  } catch (error) {
    data.close();
    throw error;
  }
};

/** What is told to whoever iterates: the newest preparation, every step. */
type Inbox = {
  put(progress: TrainingProgress): void;
  end(failure: Error | undefined): void;
  take(): Promise<TrainingProgress | undefined>;
};

const createInbox = (): Inbox => {
  let waiting: TrainingProgress | undefined;
  let end: { failure: Error | undefined } | undefined;
  let tell: () => void = () => undefined;
  return {
    put: (progress) => {
      // Nobody asked for a while: no step may be lost from the curve.
      const missed = waiting?.phase === 'training' ? waiting.losses : [];
      waiting =
        progress.phase === 'training' ? { ...progress, losses: [...missed, ...progress.losses] } : progress;
      tell();
    },
    end: (failure) => {
      end ??= { failure };
      tell();
    },
    take: async () => {
      while (waiting === undefined && end === undefined) {
        await new Promise<void>((resolve) => {
          tell = resolve;
        });
      }
      const progress = waiting;
      waiting = undefined;
      if (progress === undefined && end?.failure !== undefined) throw end.failure;
      return progress;
    },
  };
};

const toMarks = async ({ pictures, names, connections = [] }: LandmarkMarks): Promise<MarkedLandmarks> => ({
  pictures: await Promise.all(
    pictures.map(async ({ picture, points }) => ({ picture: await createImageBitmap(picture), points })),
  ),
  names: names ?? (pictures.at(0)?.points ?? []).map((_, index) => `point ${index + 1}`),
  connections,
});

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** Decodes and finds pairs in the data worker, which tells how far it is. */
const prepareData = async (
  data: WorkerClient<DataWorkerApi>,
  { videos = [], pictures = [], mediabunny }: TrainingOptions,
  config: TrainingConfig,
  decoder: RemoteDecoder,
  inbox: Inbox,
): Promise<PreparedData> => {
  const message = {
    config,
    pictures: named(pictures, 'picture'),
    videos: named(videos, 'video'),
    mediabunny: mediabunny === undefined ? undefined : new URL(mediabunny, location.href).href,
  };
  const report = (progress: Preparation): Promise<void> => {
    inbox.put({ phase: 'preparing', ...progress });
    return Promise.resolve();
  };
  return data.call((worker) => worker.prepare(message, proxy(decoder), proxy(report)));
};

/** Tells of every step until the last. */
const followSteps = async (
  trainer: WorkerClient<TrainWorkerApi>,
  steps: number,
  inbox: Inbox,
): Promise<void> => {
  for (;;) {
    const report = await trainer.call((worker) => worker.next());
    if (report === undefined) return;
    inbox.put({ phase: 'training', steps, ...report });
  }
};

const tellEnd = (end: Promise<void>, inbox: Inbox): void => {
  end.then(
    () => {
      inbox.end(undefined);
    },
    (error: unknown) => {
      inbox.end(toError(error));
    },
  );
};

/**
 * Trains a network in this page: nothing is uploaded. Two workers do it, one that decodes and makes batches, one that runs
 * the steps; the page stays responsive. Iterating tells how far it is, and may be left out.
 *
 * ```ts
 * const training = createTraining({ videos: [...input.files] });
 * for await (const progress of training) if (progress.phase === 'training') show(progress.step, progress.losses);
 * const tracker = await Tracker.create({ model: await training.files({ pictures: [{ picture, points }] }) });
 * ```
 * @throws InputError for options that do not exist or fit. Iteration, `ready` and `result` throw InputError where nothing
 *   can be trained on, DeviceError where the device is lost or its memory does not do, ClosedError when a worker dies
 */
export const createTraining = (options: TrainingOptions): Training => {
  checkOptions(options);
  const { device = 'auto', assetBase, signal } = options;
  const config = completeSettings(options.config);
  signal?.throwIfAborted();
  const assets = locateTrainingAssets(assetBase);
  const { data, trainer } = startWorkers(assets);
  const decoder: RemoteDecoder = createElementDecoder();
  const inbox = createInbox();
  const queue = createCallQueue('training');
  let isStopped = false;
  let hasBegun = false;

  const close = (): void => {
    signal?.removeEventListener('abort', close);
    data.close();
    trainer.close();
    void decoder.close();
  };
  signal?.addEventListener('abort', close, { once: true });

  const prepare = async (): Promise<TrainingInfo> => {
    await Promise.all([greet(data, 'training'), greet(trainer, 'training')]);
    const prepared = await prepareData(data, options, config, decoder, inbox);
    const { port1, port2 } = new MessageChannel();
    await data.call((worker) => worker.serve(transfer(port1, [port1])));
    const { checkpoint } = options;
    const resume = checkpoint && (await readCheckpoint(checkpoint, config));
    const start: StartTraining = {
      ...{ config, device, runtime: assets.runtime, digest: prepared.digest },
      ...(resume && { resume }),
    };
    hasBegun = true;
    const started = await trainer.call((worker) => worker.start(start, transfer(port2, [port2])));
    if (isStopped) await trainer.call((worker) => worker.stop());
    return { ...started, ...prepared, config };
  };

  const ready = prepare();
  const steps = ready.then(() => followSteps(trainer, config.steps, inbox));
  // Nobody calls the data worker while the other one trains: this pending call tells of its death.
  const dataDied = data.call(() => new Promise<never>(() => undefined));
  const end = Promise.race([steps, dataDied]);
  tellEnd(end, inbox);
  // Without the one, the other is of no use.
  dataDied.catch(() => {
    trainer.close();
  });
  ready.catch(close);

  const files = async (landmarks?: LandmarkMarks): Promise<TrainedFiles> => {
    await ready;
    const marks = landmarks && (await toMarks(landmarks));
    const bitmaps = marks?.pictures.map(({ picture }) => picture) ?? [];
    return queue.run(() => trainer.call((worker) => worker.files(marks && transfer(marks, bitmaps))));
  };

  return {
    ready,
    close,
    [Symbol.dispose]: close,
    files,
    matches: async (count = 3) => {
      await ready;
      return queue.run(() => trainer.call((worker) => worker.matches(count)));
    },
    result: async (landmarks) => {
      await end;
      return files(landmarks);
    },
    stop: async () => {
      isStopped = true;
      if (!hasBegun) {
        close();
        return;
      }
      await ready;
      await trainer.call((worker) => worker.stop());
      await end;
    },
    async *[Symbol.asyncIterator]() {
      for (let next = await inbox.take(); next !== undefined; next = await inbox.take()) yield next;
    },
  };
};
