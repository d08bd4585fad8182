import type { CorrespondOptions, PictureCorrespondence } from './correspond/correspond-pictures.ts';
import { InputError, shownValue } from './errors.ts';
import type { Point } from './geometry/coordinates.ts';
import type { Roi } from './geometry/roi.ts';
import type { DiscoveredLandmarks, DiscoverOptions } from './landmark-maker/discover-landmarks.ts';
import type { LandmarkSet } from './landmarks/landmark-set.ts';
import type { CorrespondPicture, LandmarkSetRequest } from './marks.ts';
import { rejectUnknownKeys } from './options.ts';
import { toVideoFrame, type FrameInput } from './sources/picture.ts';
import { folderUrl, locateAssets, type Assets } from './worker/assets.ts';
import { connectWorker, greet, type WorkerClient } from './worker/client.ts';
import type {
  DeviceChoice,
  ModelInfo,
  OpenMessage,
  PrecisionChoice,
  TrackerWorkerApi,
} from './worker/messages.ts';

/** The files of a model directory by their names: `manifest.json`, `model.onnx` and so on. */
export type ModelFiles = ReadonlyMap<string, Blob | Uint8Array<ArrayBuffer>>;

/** Options of `openModel`. */
export type OpenModelOptions = {
  /**
   * URL of a model directory, which holds manifest.json, or the files of one by their names. Default: the face model of
   * this package.
   */
  model?: string | URL | ModelFiles;
  /** Where the network runs. Default `auto`: the faster of the two that gives the right landmarks. */
  device?: DeviceChoice;
  /** Which of the model's networks. Default `auto`: 8 bits on wasm where the model has them, else 32. */
  precision?: PrecisionChoice;
  /** URL of a copy of this package's dist folder. Default: found without it. */ assetBase?: string | URL;
  /** Gives up loading, or closes the model. */ signal?: AbortSignal;
};

/** Options of `embed` of an open model. */
export type EmbedOptions = {
  /** The square to look at, image pixels. */ roi: Roi;
};

/** Options of `match` of an open model. */
export type MatchOptions = EmbedOptions & {
  /** What to look for: (N, C) unit vectors, of embeddings by this model. */ references: Float32Array;
};

/** Where a reference embedding was found, image pixels. */
export type Match = Point & {
  /** 0–1, not calibrated. */ confidence: number;
};

const openModelKeys = [
  'model',
  'device',
  'precision',
  'assetBase',
  'signal',
] as const satisfies (keyof OpenModelOptions)[];

const choices: Readonly<Record<'device' | 'precision', readonly string[]>> = {
  device: ['auto', 'webgpu', 'wasm'],
  precision: ['auto', 'fp32', 'int8'],
};

/** @throws InputError for a device or a precision that does not exist */
export const checkChoices = (
  options: Pick<OpenModelOptions, 'device' | 'precision'>,
  where: string,
): void => {
  for (const key of ['device', 'precision'] as const) {
    const value = options[key];
    if (value !== undefined && !choices[key].includes(value)) {
      throw new InputError(`${where}: ${key} is "${value}". Pass ${choices[key].join(', ')}.`);
    }
  }
};

/** Rejects as soon as the signal is aborted. */
export const unlessAborted = <Value>(
  signal: AbortSignal | undefined,
  work: Promise<Value>,
): Promise<Value> => {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
};

/** Where the worker fetches the model from. @param release frees what was made for it */
type ModelPlace = { place: OpenMessage['model']; release: () => void };

const placeOf = (model: OpenModelOptions['model'], assets: Assets): ModelPlace => {
  const release = (): void => undefined;
  if (model === undefined) return { place: assets.faceModel, release };
  if (typeof model === 'string' || model instanceof URL) {
    return { place: { urls: {}, folder: folderUrl(model, 'model').href }, release };
  }
  if (!((model as unknown) instanceof Map)) {
    throw new InputError(
      `model is ${shownValue(model)}. Pass the URL of a model directory, a Map of its files by name, or an open model.`,
    );
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

type Client = WorkerClient<TrackerWorkerApi>;

/** What an open model is made of. */
type Opened = {
  client: Client;
  info: ModelInfo;
  signal: AbortSignal | undefined;
  /** Frees the model's files. */ release: () => void;
};

/** A class of open models, which only `openModelFor` makes. */
type ModelClass<Kind> = { prototype: Kind };

/** The worker of an open model, for its trackers. */
export let clientOf: (model: WorkerModel) => Client;

/**
 * Opens a model, which the error messages call by its owner.
 * @param owner what the worker is for: `model`, or `tracker` where nobody else uses it
 * @param kind what it becomes
 */
export let openModelFor: <Kind extends WorkerModel>(
  options: { [Key in keyof OpenModelOptions]: OpenModelOptions[Key] | undefined },
  owner: string,
  kind: ModelClass<Kind>,
) => Promise<Kind>;

/** A model that is open in a worker of its own, which trackers may share: what they need of it, and its own verbs. */
export class WorkerModel {
  /** What it is, and where it ran when it was opened. */ readonly info: ModelInfo;
  readonly #client: Client;
  readonly #signal: AbortSignal | undefined;
  /** The model's files are there to the end: it is opened anew when the GPU is lost. */
  readonly #release: () => void;
  readonly #onAbort = (): void => {
    void this.close();
  };

  static {
    clientOf = (model) => model.#client;
    openModelFor = async ({ model, device = 'auto', precision = 'auto', assetBase, signal }, owner, Kind) => {
      signal?.throwIfAborted();
      if (typeof Worker === 'undefined' || typeof location === 'undefined') {
        throw (await import('./worker/worker-faults.ts')).noWorkers();
      }
      const assets = locateAssets(assetBase);
      const { place, release } = placeOf(model, assets);
      const message: OpenMessage = {
        ...{ model: place, runtime: assets.runtime, parts: assets.parts },
        ...{ device, precision },
      };
      let client: Client | undefined;
      try {
        const connected = connectWorker<TrackerWorkerApi>(assets.createWorker(), owner, assets.script);
        client = connected;
        const opening = (async (): Promise<ModelInfo> => {
          await greet(connected, owner);
          return connected.call((worker) => worker.open(message));
        })();
        const info = await unlessAborted(signal, opening);
        const Made = Kind as unknown as new (opened: Opened) => typeof Kind.prototype;
        return new Made({ client: connected, info, signal, release });
      } catch (error) {
        client?.close();
        release();
        throw error;
      }
    };
  }

  /** @param opened what openModelFor found; as a type of its own it would show in the public face */
  protected constructor(opened: object) {
    const { client, info, signal, release } = opened as Opened;
    this.#client = client;
    this.info = info;
    this.#signal = signal;
    this.#release = release;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /**
   * The embedding of one square of a picture. Calls may overlap, with steps of trackers as well.
   * @param picture a VideoFrame is closed, whatever happens; other pictures stay the caller's
   * @returns (C, H, W) unit vectors, C = embeddingSize, H = W = inputSize / stride
   * @throws InputError for a picture without pixels or a square without a size; ClosedError after close
   */
  async embed(picture: FrameInput, options: EmbedOptions): Promise<Float32Array> {
    const frame = toVideoFrame(picture);
    return (await import('./marks.ts')).embedSquare(this.#client, frame, options);
  }

  /**
   * Looks for embeddings in one square of a picture. Calls may overlap, with steps of trackers as well.
   * @param picture a VideoFrame is closed, whatever happens; other pictures stay the caller's
   * @returns one match a reference, in their order
   * @throws InputError for what makes no sense, for example references of another model; ClosedError after close
   */
  async match(picture: FrameInput, options: MatchOptions): Promise<Match[]> {
    const frame = toVideoFrame(picture);
    return (await import('./marks.ts')).matchSquare(this.#client, frame, options, this.info.inputSize);
  }

  /**
   * Makes a landmark set from points marked on pictures. The object is found in each by the model's own landmarks, or told
   * by a box. Steps of trackers go on meanwhile, between the runs of the network.
   * @throws InputError for points, names, lines or boxes that cannot be used, and where no object is found
   */
  async createLandmarkSet(request: LandmarkSetRequest): Promise<LandmarkSet> {
    return (await import('./marks.ts')).createLandmarkSet(this.#client, request);
  }

  /**
   * Makes a landmark set of places that nobody clicked: those that nothing else in their picture looks like, and that are
   * found in the other pictures and back. The worker does nothing else meanwhile: where trackers must go on, do it with
   * another open model.
   * @param pictures four or more that show the object; a VideoFrame is closed, other pictures stay the caller's
   * @throws InputError for options that make no sense, too few pictures that show the object, and where the network
   * recognises too few places
   */
  async discoverLandmarks(
    pictures: readonly FrameInput[],
    options: DiscoverOptions,
  ): Promise<DiscoveredLandmarks> {
    return (await import('./marks.ts')).discoverLandmarks(this.#client, pictures, options);
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
    return (await import('./marks.ts')).correspond(this.#client, a, b, options);
  }

  /** Ends the worker and all trackers of this model: pending calls get a ClosedError. May be called again. */
  close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#client.close();
    this.#release();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** `openModel` for one kind of open model. */
export const openWorkerModel = async <Kind extends WorkerModel>(
  kind: ModelClass<Kind>,
  options: OpenModelOptions,
): Promise<Kind> => {
  rejectUnknownKeys(options, openModelKeys, 'openModel()');
  checkChoices(options, 'openModel()');
  return openModelFor(options, 'model', kind);
};
