import type { CorrespondOptions, PictureCorrespondence } from './correspond/correspond-pictures.ts';
import type { LiveField, LiveOptions } from './correspond/live-correspondence.ts';
import { ClosedError, InputError, shownValue } from './errors.ts';
import type { Roi } from './geometry/roi.ts';
import { gistWish } from './landmarks/gist.ts';
import type { LandmarkSet } from './landmarks/landmark-set.ts';
import type { SmootherOptions } from './landmarks/smoother.ts';
import type { CorrespondPicture, LandmarkSetRequest } from './marks.ts';
import { createCallQueue } from './model/call-queue.ts';
import { fetchText } from './model/fetch-bytes.ts';
import { checkRoi, rejectUnknownKeys } from './options.ts';
import type { FrameTiming, ObjectFinder } from './pipeline/frame-tracker.ts';
import type { TrackResult } from './pipeline/result.ts';
import { toVideoFrame, type FrameInput, type TimedFrame } from './sources/picture.ts';
import {
  checkChoices,
  clientOf,
  openModelFor,
  unlessAborted,
  WorkerModel,
  type ModelFiles,
} from './worker-model.ts';
import { absoluteUrl } from './worker/assets.ts';
import type { WorkerClient } from './worker/client.ts';
import type {
  DeviceChoice,
  LandmarkText,
  PrecisionChoice,
  RemoteFinder,
  TrackerInfo,
  TrackerMessage,
  TrackerWorkerApi,
} from './worker/messages.ts';
import { proxy, transfer, type Remote } from './worker/rpc.ts';

/** Options of {@link Tracker.create}. */
export type TrackerOptions = {
  /**
   * URL of a model directory, which holds manifest.json, or the files of one by their names: the tracker opens it for
   * itself. Or a model that is open already, which it shares and leaves open. Default: the face model of this package.
   */
  model?: string | URL | ModelFiles | WorkerModel;
  /** A landmark set, or the URL of one. Default: the model's own. */ landmarks?: LandmarkSet | string | URL;
  /** Where the network runs; of an open model it is settled. Default `auto`: the faster of the two that gives the right landmarks. */
  device?: DeviceChoice;
  /** Which of the model's networks. Default `auto`: 8 bits on wasm where the model has them, else 32. */
  precision?: PrecisionChoice;
  /** Settings of the smoother; false gives raw landmarks. */ smoothing?: SmootherOptions | false;
  /**
   * Whether landmarks are carried from frame to frame by motion, and corrected by what the network finds, instead of smoothing
   * what it finds alone; `smoothing: false` switches it off, too. Default false.
   */
  motion?: boolean;
  /**
   * Whether the references follow the object in front of the camera: frames in which a landmark is surely found, and where match
   * and motion agree, change what it is recognised by, slowly and never far from the set's own. It begins anew when the object
   * is lost, and with `reset()`. Of one object only. Default false.
   */
  adapt?: boolean;
  /**
   * Runs of the network that search may use in one frame, 2 at most while other objects are tracked; the last check of a
   * find takes 6 at once. Default 6.
   */
  searchBudget?: number;
  /**
   * Objects to track at once, at most, 1 to 16. Each has an id of its own, which it keeps when it leaves and comes back
   * within a minute. Default 1.
   */
  objects?: number;
  /** A square in which to look for the object first, of several for one of them, image pixels. */ roi?: Roi;
  /** Landmarks less sure than this are not `visible`. 0–1, default 0.1. */ minConfidence?: number;
  /**
   * Whether objects carry what the network saw of them in little, for puppets. Default: from when a puppet is made in this
   * page on. Pass true where the puppet lives in another thread.
   */
  gist?: boolean;
  /** What finds the object at first. Default: the network itself. `dve-sdk/mediapipe` has another for faces. */
  finder?: ObjectFinder<VideoFrame>;
  /** URL of a copy of this package's dist folder. Default: found without it. */ assetBase?: string | URL;
  /** Gives up loading, or closes the tracker. */ signal?: AbortSignal;
};

/** A reference picture matched with what a tracker sees: {@link Tracker.correspondence}. */
export type LiveCorrespondence = {
  /**
   * The dense fields from the reference to the objects that were recognised in the last step, in the order of their ids;
   * steps may go on meanwhile. @throws ClosedError after close
   */
  fields(): Promise<LiveField[]>;
  /** Frees the reference; the tracker goes on. May be called again. */ close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Keys of {@link TrackerOptions}. */
export const trackerOptionKeys = [
  'model',
  'landmarks',
  'device',
  'precision',
  'smoothing',
  'motion',
  'adapt',
  'searchBudget',
  'minConfidence',
  'objects',
  'roi',
  'gist',
  'finder',
  'assetBase',
  'signal',
] as const satisfies (keyof TrackerOptions)[];

/** What is settled when a model is opened. */
const openingKeys = ['device', 'precision', 'assetBase'] as const;

/** All of them are matched in every frame. */
const mostObjects = 16;

/** @throws InputError for an unknown key or a value that cannot be meant */
export const checkTrackerOptions = (
  options: TrackerOptions,
  known: readonly string[],
  where: string,
): void => {
  rejectUnknownKeys(options, known, where);
  checkChoices(options, where);
  const settled = openingKeys.filter((key) => options[key] !== undefined);
  if (options.model instanceof WorkerModel && settled.length > 0) {
    throw new InputError(
      `${where} was given an open model and ${settled.join(', ')}. Give these to openModel() instead.`,
    );
  }
  const { searchBudget, minConfidence, objects = 1, roi, landmarks, signal } = options;
  // From callers without types: null would pass for "the model's own".
  if ((landmarks as unknown) === null || !['undefined', 'string', 'object'].includes(typeof landmarks)) {
    throw new InputError(`${where}: landmarks is ${shownValue(landmarks)}. Pass a landmark set or a URL.`);
  }
  if (signal !== undefined && !((signal as unknown) instanceof AbortSignal)) {
    throw new InputError(`${where}: signal is ${shownValue(signal)}. Pass an AbortSignal.`);
  }
  if (!(Number.isInteger(objects) && objects >= 1 && objects <= mostObjects)) {
    throw new InputError(`${where}: objects is ${objects}. Pass a whole number from 1 to ${mostObjects}.`);
  }
  if (roi !== undefined) checkRoi(roi, where);
  if (searchBudget !== undefined && !(Number.isInteger(searchBudget) && searchBudget > 0)) {
    throw new InputError(`${where}: searchBudget is ${searchBudget}. Pass a whole number above 0.`);
  }
  if (minConfidence !== undefined && !(minConfidence >= 0 && minConfidence <= 1)) {
    throw new InputError(`${where}: minConfidence is ${minConfidence}. Pass a number from 0 to 1.`);
  }
};

/** Text is read in the worker: what reads it is there already. @throws ModelError when it cannot be fetched */
const loadLandmarks = async (landmarks: LandmarkSet | string | URL): Promise<LandmarkSet | LandmarkText> => {
  if (typeof landmarks !== 'string' && !(landmarks instanceof URL)) return landmarks;
  const { href: url } = absoluteUrl(landmarks, 'landmarks');
  return { text: await fetchText(url, 'the landmark set'), url };
};

/** A finder as the worker calls it: it hands over a copy of the frame, which is closed here. */
const remoteFinder = (finder: ObjectFinder<VideoFrame>, ending: AbortSignal): RemoteFinder => ({
  step: async (frame, size, known) => {
    try {
      // The worker waits for it before it closes a tracker.
      const roi = await unlessAborted(ending, finder.step(frame, size, known));
      if (roi !== undefined) checkRoi(roi, 'the finder');
      return roi;
    } finally {
      frame.close();
    }
  },
  reset: () => {
    finder.reset();
    return Promise.resolve();
  },
});

type Made = { id: number; info: TrackerInfo };

/** Makes a tracker in the model's worker, unless it is too late. */
const createIn = async (
  model: WorkerModel,
  { smoothing, motion, adapt, searchBudget, minConfidence, objects = 1, roi, finder, signal }: TrackerOptions,
  landmarks: TrackerMessage['landmarks'],
  ending: AbortSignal,
): Promise<Made> => {
  const client = clientOf(model);
  const message: TrackerMessage = {
    landmarks,
    smoothing,
    motion,
    adapt,
    searchBudget,
    minConfidence,
    objects,
    roi,
  };
  const remote = finder === undefined ? undefined : proxy(remoteFinder(finder, ending));
  const making = client.call((worker) => worker.createTracker(message, remote));
  try {
    return await unlessAborted(signal, making);
  } catch (error) {
    // Given up: what comes all the same is closed.
    void making.then(({ id }) => client.call((worker) => worker.closeTracker(id))).catch(() => undefined);
    throw error;
  }
};

/** What a tracker is made of. */
type TrackerParts = Made & {
  model: WorkerModel;
  /** Whether the model is closed with it. */ ownsModel: boolean;
  gist: boolean | undefined;
  signal: AbortSignal | undefined;
  /** Aborted when it is closed. */ ending: AbortController;
};

/** Aborted when a tracker has ended, by `close` or because its worker died; the reason says which. */
export let endOf: (tracker: Tracker) => AbortSignal;

/** Tracks a frame that a source gave. */
export let stepOf: (tracker: Tracker, timed: TimedFrame) => Promise<TrackResult>;

/** Landmarks of one object or several in frames that the caller brings, tracked in a worker. For a whole video see `track`. */
export class Tracker {
  readonly #parts: TrackerParts;
  readonly #client: WorkerClient<TrackerWorkerApi>;
  readonly #queue = createCallQueue('tracker');
  /** Changes of the landmarks, in the order in which they were asked for. */
  readonly #changes = createCallQueue('tracker');
  #info: TrackerInfo;
  #timing: FrameTiming = { search: 0, crop: 0, match: 0, filter: 0, total: 0 };
  #device: TrackerInfo['device'];
  #closing: Promise<void> | undefined;
  readonly #onAbort = (): void => {
    void this.close();
  };
  readonly #onDeath = (): void => {
    this.#parts.ending.abort(this.#client.ended.reason);
  };

  static {
    endOf = (tracker) => tracker.#parts.ending.signal;
    stepOf = (tracker, timed) => tracker.#run(timed, (arrived) => tracker.#send(arrived));
  }

  private constructor(parts: TrackerParts) {
    this.#parts = parts;
    this.#client = clientOf(parts.model);
    this.#info = parts.info;
    this.#device = parts.info.device;
    parts.signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#client.ended.addEventListener('abort', this.#onDeath, { once: true });
  }

  /**
   * Makes a tracker of an open model, or starts a worker and loads a model into it.
   * @throws InputError for options that do not exist or fit; ModelError for a model or landmarks that cannot be used;
   * DeviceError for a device that cannot be had; ClosedError when the open model is closed; the signal's reason when
   * aborted
   */
  static async create(options: TrackerOptions = {}): Promise<Tracker> {
    checkTrackerOptions(options, trackerOptionKeys, 'Tracker.create()');
    const { model: given, landmarks, device, precision, assetBase, signal } = options;
    signal?.throwIfAborted();
    const ending = new AbortController();
    const loading = landmarks === undefined ? Promise.resolve(undefined) : loadLandmarks(landmarks);
    // Looked at below; opening may fail first.
    loading.catch(() => undefined);
    const ownsModel = !(given instanceof WorkerModel);
    const model = ownsModel
      ? await openModelFor({ model: given, device, precision, assetBase, signal }, 'tracker', WorkerModel)
      : given;
    try {
      const made = await createIn(model, options, await unlessAborted(signal, loading), ending.signal);
      const startupMs = made.info.startupMs + (ownsModel ? model.info.startupMs : 0);
      const info = { ...made.info, startupMs };
      return new Tracker({ ...made, info, model, ownsModel, gist: options.gist, signal, ending });
    } catch (error) {
      if (ownsModel) await model.close();
      throw error;
    }
  }

  /** Device, landmarks and the like. The landmarks are those of the last step. */
  get info(): TrackerInfo {
    return this.#info;
  }

  /** Names of the landmarks, in the order of `landmarks` in every result; `findLandmark` looks one up. */
  get names(): readonly string[] {
    return this.#info.landmarks.names;
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
   * Tracks one frame. Calls may overlap: they run one after the other. In an `img` or a Blob, after which no other frame
   * need come, the object is searched until it is found; for other pictures by themselves see `trackPicture`.
   * @param frame a VideoFrame is closed, whatever happens; other pictures stay the caller's
   * @param timestamp capture time, seconds; default: the VideoFrame's own, or the video element's
   * @throws InputError for a frame without pixels; ClosedError after close, and when the worker dies
   */
  async step(frame: FrameInput, timestamp?: number): Promise<TrackResult> {
    return this.#run(toVideoFrame(frame, timestamp), (timed) => this.#send(timed));
  }

  /**
   * Finds the object in one picture, in one call, whatever was tracked before: searches until it is found, or is nowhere
   * to be seen. Nothing is smoothed, and a stream that is tracked meanwhile goes on undisturbed.
   * @param picture a VideoFrame is closed, whatever happens; other pictures stay the caller's
   * @throws InputError for a picture without pixels, or that cannot be decoded; ClosedError after close
   */
  async trackPicture(picture: FrameInput): Promise<TrackResult> {
    return this.#run(toVideoFrame(picture), async ({ frame }) => {
      const { result } = await this.#call((worker, id) =>
        worker.trackPicture(id, transfer(frame, [frame]), this.#withGist),
      );
      return this.#told(result);
    });
  }

  /** Runs a job on a frame in its turn, and closes the frame whatever happens. */
  async #run(
    coming: TimedFrame | Promise<TimedFrame>,
    job: (timed: TimedFrame) => Promise<TrackResult>,
  ): Promise<TrackResult> {
    // In the order of the calls, also where the frame is not there yet.
    const arrived = Promise.resolve(coming);
    arrived.catch(() => undefined);
    try {
      return await this.#queue.run(async () => job(await arrived));
    } finally {
      // Does nothing to a frame that has gone to the worker, which closes it there.
      await arrived.then(
        ({ frame }) => {
          frame.close();
        },
        () => undefined,
      );
    }
  }

  /** The same as that of its model. */
  async createLandmarkSet(request: LandmarkSetRequest): Promise<LandmarkSet> {
    return this.#parts.model.createLandmarkSet(request);
  }

  /** The same as that of its model. */
  async correspond(
    a: CorrespondPicture,
    b: CorrespondPicture,
    options: CorrespondOptions = {},
  ): Promise<PictureCorrespondence> {
    return this.#parts.model.correspond(a, b, options);
  }

  /**
   * Matches every place of a reference picture's object with the objects of live frames. The reference is embedded once;
   * a frame takes no run of the network beyond the tracker's own.
   *
   *     const dense = await tracker.correspondence(reference);
   *     for await (const result of track(video, { tracker })) warp(await dense.fields());
   *
   * @param reference a VideoFrame is closed; without a `roi` the network finds the object
   * @throws InputError for options that make no sense, and where no object is found; ClosedError after close
   */
  async correspondence(reference: CorrespondPicture, options: LiveOptions = {}): Promise<LiveCorrespondence> {
    const { openCorrespondence } = await import('./marks.ts');
    return openCorrespondence((request) => this.#call(request), reference, options);
  }

  /** Forgets the object: the next step searches anew. */
  async reset(): Promise<void> {
    await this.#call((worker, id) => worker.reset(id));
  }

  /**
   * Looks for an object in a square from the next step on, for example where somebody was tapped on. A tracker of one
   * object leaves its own for it; one of several takes it as well, in place of the one found last where it has no room.
   * @param roi image pixels; the object's size within a factor of 1.5 is near enough
   * @throws InputError for a square without a size
   */
  async follow(roi: Roi): Promise<void> {
    checkRoi(roi, 'follow()');
    await this.#call((worker, id) => worker.follow(id, roi));
  }

  /** Changes smoothing from the next step on; false switches it off. @throws InputError for settings that don't exist */
  async setSmoothing(smoothing: SmootherOptions | false): Promise<void> {
    await this.#call((worker, id) => worker.setSmoothing(id, smoothing));
  }

  /**
   * Changes the landmarks, without losing the object: steps that are asked for later than this is done give the new
   * ones, and steps go on while a URL is fetched.
   * @param landmarks a landmark set, or the URL of one
   * @throws ModelError for a set that cannot be had or does not fit the model; the old one then stays
   */
  async setLandmarks(landmarks: LandmarkSet | string | URL): Promise<void> {
    await this.#changes.run(async () => {
      const set = await unlessAborted(this.#parts.ending.signal, loadLandmarks(landmarks));
      // Between two steps, so that `info` never names other landmarks than the result that has just come.
      await this.#queue.run(async () => {
        const names = await this.#call((worker, id) => worker.setLandmarks(id, set));
        this.#info = { ...this.#info, landmarks: names };
      });
    });
  }

  /**
   * Frees everything that is its own: a model that was opened for it is closed, a shared one stays open. Pending calls
   * get a ClosedError. May be called again.
   */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #end(): Promise<void> {
    const { id, model, ownsModel, signal, ending } = this.#parts;
    signal?.removeEventListener('abort', this.#onAbort);
    this.#client.ended.removeEventListener('abort', this.#onDeath);
    ending.abort(new ClosedError('the tracker is closed. Create a new one.'));
    if (ownsModel) await model.close();
    // A model that is closed already took its trackers with it.
    else await this.#client.call((worker) => worker.closeTracker(id)).catch(() => undefined);
    await Promise.all([this.#queue.close(), this.#changes.close()]);
  }

  /** Calls the worker for this tracker, unless it is closed. */
  async #call<Value>(
    request: (worker: Remote<TrackerWorkerApi>, id: number) => Promise<Value>,
  ): Promise<Value> {
    const { id, ending } = this.#parts;
    ending.signal.throwIfAborted();
    return unlessAborted(
      ending.signal,
      this.#client.call((worker) => request(worker, id)),
    );
  }

  get #withGist(): boolean {
    return this.#parts.gist ?? gistWish.isThere;
  }

  async #send({ frame, timestamp, isStill }: TimedFrame): Promise<TrackResult> {
    const reply = await this.#call((worker, id) =>
      worker.step(id, transfer(frame, [frame]), timestamp, isStill, this.#withGist),
    );
    this.#timing = reply.timing;
    this.#device = reply.device;
    return this.#told(reply.result);
  }

  #told(result: TrackResult): TrackResult {
    const { connections, calibrated } = this.#info.landmarks;
    return { ...result, connections, calibrated };
  }
}
