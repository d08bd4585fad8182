import { proxy, transfer } from 'comlink';
import {
  checkCorrespondOptions,
  correspondOptionKeys,
  type CorrespondOptions,
  type PictureCorrespondence,
} from './correspond/correspond-pictures.ts';
import { InputError } from './errors.ts';
import type { LandmarkSet } from './landmarks/landmark-set.ts';
import type { SmootherOptions } from './landmarks/smoother.ts';
import { toMarkedFrames, toSideFrame, type CorrespondPicture, type LandmarkSetRequest } from './marks.ts';
import { createCallQueue } from './model/call-queue.ts';
import { rejectUnknownKeys } from './options.ts';
import type { FrameTiming, ObjectFinder } from './pipeline/frame-tracker.ts';
import type { TrackResult } from './pipeline/result.ts';
import { toVideoFrame, type FrameInput, type TimedFrame } from './sources/picture.ts';
import { folderUrl, locateAssets, type Assets } from './worker/assets.ts';
import { connectWorker, greetingLimit, type WorkerClient } from './worker/client.ts';
import type {
  DeviceChoice,
  PrecisionChoice,
  RemoteFinder,
  SideFrame,
  StartMessage,
  TrackerInfo,
  TrackerWorkerApi,
} from './worker/messages.ts';

/** The files of a model directory by their names: `manifest.json`, `model.onnx` and so on. */
export type ModelFiles = ReadonlyMap<string, Blob | Uint8Array<ArrayBuffer>>;

/** Options of {@link Tracker.create}. */
export type TrackerOptions = {
  /**
   * URL of a model directory, which holds manifest.json, or the files of one by their names. Default: the face model of
   * this package.
   */
  model?: string | URL | ModelFiles;
  /** A landmark set, or the URL of one. Default: the model's own. */ landmarks?: LandmarkSet | string | URL;
  /** Where the network runs. Default `auto`: the faster of the two that gives the right landmarks. */
  device?: DeviceChoice;
  /** Which of the model's networks. Default `auto`: 8 bits on wasm where the model has them, else 32. */
  precision?: PrecisionChoice;
  /** Settings of the smoother; false gives raw landmarks. */ smoothing?: SmootherOptions | false;
  /** Runs of the network that search may use in one frame; the last check of a find takes 6 at once. Default 6. */
  searchBudget?: number;
  /** Landmarks less sure than this are not `visible`. 0–1, default 0.1. */ minConfidence?: number;
  /** What finds the object at first. Default: the network itself. `dve-sdk/mediapipe` has another for faces. */
  finder?: ObjectFinder<VideoFrame>;
  /** URL of a copy of this package's dist folder. Default: found without it. */ assetBase?: string | URL;
  /** Gives up loading, or closes the tracker. */ signal?: AbortSignal;
};

/** Keys of {@link TrackerOptions}. */
export const trackerOptionKeys = [
  'model',
  'landmarks',
  'device',
  'precision',
  'smoothing',
  'searchBudget',
  'minConfidence',
  'finder',
  'assetBase',
  'signal',
] as const satisfies (keyof TrackerOptions)[];

const choices: Readonly<Record<'device' | 'precision', readonly string[]>> = {
  device: ['auto', 'webgpu', 'wasm'],
  precision: ['auto', 'fp32', 'int8'],
};

/** @throws InputError for an unknown key or a value that cannot be meant */
export const checkTrackerOptions = (
  options: TrackerOptions,
  known: readonly string[],
  where: string,
): void => {
  rejectUnknownKeys(options, known, where);
  for (const key of ['device', 'precision'] as const) {
    const value = options[key];
    if (value !== undefined && !choices[key].includes(value)) {
      throw new InputError(`${where}: ${key} is "${value}". Pass ${choices[key].join(', ')}.`);
    }
  }
  const { searchBudget, minConfidence } = options;
  if (searchBudget !== undefined && !(Number.isInteger(searchBudget) && searchBudget > 0)) {
    throw new InputError(`${where}: searchBudget is ${searchBudget}. Pass a whole number above 0.`);
  }
  if (minConfidence !== undefined && !(minConfidence >= 0 && minConfidence <= 1)) {
    throw new InputError(`${where}: minConfidence is ${minConfidence}. Pass a number from 0 to 1.`);
  }
};

const absolute = (url: string | URL): string => new URL(url, location.href).href;

/** Where the worker fetches the model from. @param release frees what was made for it */
type ModelPlace = { place: StartMessage['model']; release: () => void };

const placeOf = (model: TrackerOptions['model'], assets: Assets): ModelPlace => {
  const release = (): void => undefined;
  if (model === undefined) return { place: assets.faceModel, release };
  if (typeof model === 'string' || model instanceof URL) {
    return { place: { urls: {}, folder: folderUrl(model).href }, release };
  }
  const urls = Object.fromEntries(
    [...model].map(([name, content]) => [name, URL.createObjectURL(new Blob([content]))]),
  );
  return {
    place: { urls, folder: '' },
    release: () => {
      for (const url of Object.values(urls)) URL.revokeObjectURL(url);
    },
  };
};

const startMessage = (
  options: TrackerOptions,
  model: StartMessage['model'],
  assets: Assets,
): StartMessage => {
  const { landmarks, device = 'auto', precision = 'auto' } = options;
  return {
    model,
    landmarks: typeof landmarks === 'string' || landmarks instanceof URL ? absolute(landmarks) : landmarks,
    runtime: assets.runtime,
    device,
    precision,
    smoothing: options.smoothing,
    searchBudget: options.searchBudget,
    minConfidence: options.minConfidence,
  };
};

/** A finder as the worker calls it: it hands over a copy of the frame, which is closed here. */
const remoteFinder = (finder: ObjectFinder<VideoFrame>): RemoteFinder => ({
  step: async (frame, size) => {
    try {
      return await finder.step(frame, size);
    } finally {
      frame.close();
    }
  },
  reset: () => {
    finder.reset();
    return Promise.resolve();
  },
});

/** Rejects as soon as the signal is aborted. */
const unlessAborted = <Value>(signal: AbortSignal | undefined, work: Promise<Value>): Promise<Value> => {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
};

/** Landmarks of one object in frames that the caller brings, tracked in a worker. For a whole video see `track`. */
export class Tracker {
  /** Device, landmarks and the like. */ readonly info: TrackerInfo;
  readonly #client: WorkerClient<TrackerWorkerApi>;
  readonly #queue = createCallQueue('tracker');
  #timing: FrameTiming = { search: 0, crop: 0, match: 0, filter: 0, total: 0 };
  #device: TrackerInfo['device'];
  readonly #signal: AbortSignal | undefined;
  /** The model's files are there to the end: it is opened anew when the GPU is lost. */
  readonly #release: () => void;
  readonly #onAbort = (): void => {
    void this.close();
  };

  private constructor(
    client: WorkerClient<TrackerWorkerApi>,
    info: TrackerInfo,
    signal: AbortSignal | undefined,
    release: () => void,
  ) {
    this.#release = release;
    this.#client = client;
    this.info = info;
    this.#device = info.device;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /**
   * Starts a worker and loads a model into it.
   * @throws InputError for options that do not exist or fit; ModelError for a model or landmarks that cannot be used;
   * DeviceError for a device that cannot be had; the signal's reason when aborted
   */
  static async create(options: TrackerOptions = {}): Promise<Tracker> {
    checkTrackerOptions(options, trackerOptionKeys, 'Tracker.create()');
    const { signal, finder, assetBase } = options;
    signal?.throwIfAborted();
    const assets = locateAssets(assetBase);
    const { place, release } = placeOf(options.model, assets);
    const message = startMessage(options, place, assets);
    let client: WorkerClient<TrackerWorkerApi> | undefined;
    try {
      const connected = connectWorker<TrackerWorkerApi>(assets.createWorker(), 'tracker');
      client = connected;
      // Locks are shared by all pages of an origin.
      const lockName = `dve-sdk ${Math.random().toString(36).slice(2)}`;
      const starting = (async (): Promise<TrackerInfo> => {
        await connected.call((worker) => worker.hold(lockName), greetingLimit);
        connected.watch(lockName);
        return connected.call((worker) =>
          worker.start(message, finder === undefined ? undefined : proxy(remoteFinder(finder))),
        );
      })();
      return new Tracker(connected, await unlessAborted(signal, starting), signal, release);
    } catch (error) {
      client?.close();
      release();
      throw error;
    }
  }

  /** Where the last step's time went, milliseconds in the worker. */
  get timing(): FrameTiming {
    return this.#timing;
  }

  /** Where the last step ran. It changes from `webgpu` to `wasm` when the GPU is lost. */
  get device(): TrackerInfo['device'] {
    return this.#device;
  }

  /**
   * Tracks one frame. Calls may overlap: they run one after the other.
   * @param frame a VideoFrame is closed, whatever happens; other pictures stay the caller's
   * @param timestamp capture time, seconds; default: the VideoFrame's own
   * @throws InputError for a frame without pixels; ClosedError after close, and when the worker dies
   */
  async step(frame: FrameInput, timestamp?: number): Promise<TrackResult> {
    const timed = toVideoFrame(frame, timestamp);
    try {
      return await this.#queue.run(() => this.#send(timed));
    } finally {
      // Does nothing to a frame that has gone to the worker, which closes it there.
      timed.frame.close();
    }
  }

  /**
   * Makes a landmark set from points marked on pictures. The object is found in each by the model's own landmarks, or told
   * by a box. Steps go on meanwhile, between the runs of the network.
   * @throws InputError for points, names, lines or boxes that cannot be used, and where no object is found
   */
  async createLandmarkSet(request: LandmarkSetRequest): Promise<LandmarkSet> {
    const marked = toMarkedFrames(request);
    const frames = marked.pictures.map(({ frame }) => frame);
    return this.#client.call((worker) => worker.createLandmarkSet(transfer(marked, frames)));
  }

  /**
   * Finds every place of one picture's object in another picture's: the dense field, and some points more exactly. Both
   * embeddings come back from the GPU, where there is one; matching them takes about one run of the network on wasm.
   * @throws InputError for options that make no sense, and where an object is not found
   */
  async correspond(
    a: CorrespondPicture,
    b: CorrespondPicture,
    options: CorrespondOptions = {},
  ): Promise<PictureCorrespondence> {
    rejectUnknownKeys(options, correspondOptionKeys, 'correspond()');
    checkCorrespondOptions(options);
    const first = toSideFrame(a, 'first');
    let second: SideFrame;
    try {
      second = toSideFrame(b, 'second');
    } catch (error) {
      first.frame.close();
      throw error;
    }
    return this.#client.call((worker) =>
      worker.correspond(transfer(first, [first.frame]), transfer(second, [second.frame]), options),
    );
  }

  /** Forgets the object: the next step searches anew. */
  async reset(): Promise<void> {
    await this.#client.call(async (worker) => {
      await worker.reset();
    });
  }

  /** Changes smoothing from the next step on; false switches it off. @throws InputError for settings that don't exist */
  async setSmoothing(smoothing: SmootherOptions | false): Promise<void> {
    await this.#client.call(async (worker) => {
      await worker.setSmoothing(smoothing);
    });
  }

  /** Ends the worker and frees everything. Pending calls get a ClosedError. May be called again. */
  async close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#client.close();
    this.#release();
    await this.#queue.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #send({ frame, timestamp }: TimedFrame): Promise<TrackResult> {
    const reply = await this.#client.call((worker) => worker.step(transfer(frame, [frame]), timestamp));
    this.#timing = reply.timing;
    this.#device = reply.device;
    return reply.result;
  }
}
