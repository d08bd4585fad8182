import { transfer } from 'comlink';
import {
  correspondPictures,
  type CorrespondOptions,
  type PictureCorrespondence,
} from '../correspond/correspond-pictures.ts';
import { ClosedError, DeviceError, ModelError } from '../errors.ts';
import { createMarkedSet } from '../landmark-maker/create-landmark-set.ts';
import { checkLandmarkSet, parseLandmarkSet, type LandmarkSet } from '../landmarks/landmark-set.ts';
import type { SmootherOptions } from '../landmarks/smoother.ts';
import type { Manifest } from '../model/manifest.ts';
import { fetchManifest, fetchModelFile, fetchText, type ModelUrls } from '../model/model-web.ts';
import type { ObjectFinder } from '../pipeline/frame-tracker.ts';
import { chooseEngine, type ChosenEngine } from './choose-engine.ts';
import type { Engine, TrackerParts, VideoTracker } from './engine.ts';
import { holdLock } from './hold-lock.ts';
import type {
  MarkedFrames,
  RemoteFinder,
  SideFrame,
  StartMessage,
  StepReply,
  TrackerInfo,
  TrackerWorkerApi,
} from './messages.ts';
import { readPixels } from './picture-pixels.ts';

const modelUrls =
  ({ urls, folder }: StartMessage['model']): ModelUrls =>
  (name) => {
    if (name in urls) return urls[name];
    if (folder !== '') return new URL(name, folder).href;
    throw new ModelError(`the model option has no file "${name}". Pass all files of the model directory.`);
  };

const loadLandmarks = async (
  given: StartMessage['landmarks'],
  manifest: Manifest,
  urls: ModelUrls,
): Promise<LandmarkSet> => {
  if (typeof given === 'object') return given;
  if (given !== undefined) return parseLandmarkSet(await fetchText(given, 'the landmark set'), given);
  const entry = manifest.files.landmarks;
  if (entry === undefined) {
    throw new ModelError(
      `the model of category "${manifest.category}" has no landmarks. Pass the landmarks option, or make some with "dve landmarks".`,
    );
  }
  const bytes = await fetchModelFile(urls, entry);
  return parseLandmarkSet(new TextDecoder().decode(bytes), entry.name);
};

/** A finder of the page with the face of one here. It gets a copy of the frame, which it closes. */
const localFinder = (remote: RemoteFinder): ObjectFinder<VideoFrame> => ({
  step: (frame, size) => {
    const copy = frame.clone();
    return remote.step(transfer(copy, [copy]), size);
  },
  reset: () => {
    // Nobody waits for it: the finder's next step comes after it, in order.
    remote.reset().catch(() => undefined);
  },
});

const partsOf = (
  { smoothing, searchBudget, minConfidence }: StartMessage,
  landmarkSet: LandmarkSet,
  finder: RemoteFinder | undefined,
): TrackerParts => ({
  landmarkSet,
  ...(smoothing === undefined ? {} : { smoothing }),
  ...(searchBudget === undefined ? {} : { searchBudget }),
  ...(minConfidence === undefined ? {} : { minConfidence }),
  ...(finder === undefined ? {} : { finder: localFinder(finder) }),
});

const describe = (
  { engine, threads, note }: ChosenEngine,
  { names, connections, mirrorPairs }: LandmarkSet,
  startupMs: number,
): TrackerInfo => ({
  device: engine.device,
  precision: engine.precision,
  threads,
  deviceNote: note,
  category: engine.manifest.category,
  landmarks: { names, connections, mirrorPairs },
  startupMs,
});

/** One model on one device; another one after the device was lost. */
type Running = {
  engine: Engine;
  tracker: VideoTracker;
  info: TrackerInfo;
  lost: { reason: string | undefined };
};

/** The loss of a GPU is told a little after the first call that fails because of it. */
const lossIsKnown = async ({ info, lost }: Running): Promise<void> => {
  const tries = info.device === 'webgpu' ? 10 : 0;
  for (let i = 0; i < tries && lost.reason === undefined; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** What runs in the worker: one model, one tracker. Steps must not overlap; the page sees to that. */
export class TrackerService implements TrackerWorkerApi {
  #running: Running | undefined;
  /** Opens the model anew, on wasm; undefined where WebGPU and nothing else was asked for. */
  #reopen: (() => Promise<Running>) | undefined;
  #smoothing: SmootherOptions | false | undefined;
  /** The model's own landmarks, by which objects are found in pictures; fetched when first needed. */
  #ownSet: () => Promise<LandmarkSet | undefined> = () => Promise.resolve(undefined);

  hold(lockName: string): Promise<void> {
    return holdLock(lockName);
  }

  async start(message: StartMessage, finder: RemoteFinder | undefined): Promise<TrackerInfo> {
    const start = performance.now();
    const urls = modelUrls(message.model);
    const manifest = await fetchManifest(urls);
    const { runtime, device, precision } = message;
    const open = (wanted: StartMessage['device']): Promise<ChosenEngine> =>
      chooseEngine({ urls, manifest, runtime, device: wanted, precision });
    const [landmarkSet, chosen] = await Promise.all([
      loadLandmarks(message.landmarks, manifest, urls),
      open(device),
    ]);
    checkLandmarkSet(landmarkSet, manifest);
    this.#smoothing = message.smoothing;
    let own: Promise<LandmarkSet> | undefined;
    this.#ownSet = async () =>
      manifest.files.landmarks === undefined
        ? undefined
        : (own ??=
            message.landmarks === undefined
              ? Promise.resolve(landmarkSet)
              : loadLandmarks(undefined, manifest, urls));

    const runOn = (engine: ChosenEngine, since: number): Running => {
      const parts = partsOf({ ...message, smoothing: this.#smoothing }, landmarkSet, finder);
      const lost: Running['lost'] = { reason: undefined };
      void engine.engine.lost.then((reason) => {
        lost.reason = reason;
      });
      const tracker = engine.engine.createTracker(parts);
      return {
        engine: engine.engine,
        tracker,
        lost,
        info: describe(engine, landmarkSet, performance.now() - since),
      };
    };
    if (device === 'auto') {
      this.#reopen = async () => {
        const since = performance.now();
        const engine = await open('wasm');
        return runOn({ ...engine, note: 'the GPU was lost' }, since);
      };
    }
    this.#running = runOn(chosen, start);
    return this.#running.info;
  }

  async step(frame: VideoFrame, timestamp: number | undefined): Promise<StepReply> {
    try {
      const running = this.#current();
      try {
        return await this.#stepOn(running, frame, timestamp);
      } catch (error) {
        await lossIsKnown(running);
        if (running.lost.reason === undefined) throw error;
        return await this.#stepOn(await this.#replace(running.lost.reason, error), frame, timestamp);
      }
    } finally {
      frame.close();
    }
  }

  async createLandmarkSet({ pictures, ...rest }: MarkedFrames): Promise<LandmarkSet> {
    const marked = pictures.map(({ frame, ...marks }) => ({ ...marks, image: readPixels(frame) }));
    const { model } = this.#current().engine;
    const { set } = await createMarkedSet(
      await this.#ownSet(),
      { ...rest, pictures: marked },
      { session: model },
    );
    return set;
  }

  async correspond(a: SideFrame, b: SideFrame, options: CorrespondOptions): Promise<PictureCorrespondence> {
    const [first, second] = [a, b].map(({ frame, ...side }) => ({ ...side, image: readPixels(frame) }));
    const { model } = this.#current().engine;
    return correspondPictures(model, await this.#ownSet(), first, second, options);
  }

  reset(): void {
    this.#current().tracker.reset();
  }

  setSmoothing(smoothing: SmootherOptions | false): void {
    this.#current().tracker.setSmoothing(smoothing);
    this.#smoothing = smoothing;
  }

  #current(): Running {
    if (this.#running === undefined) throw new ClosedError('the tracker was not started. Create a new one.');
    return this.#running;
  }

  async #stepOn(
    { tracker, info, lost }: Running,
    frame: VideoFrame,
    timestamp: number | undefined,
  ): Promise<StepReply> {
    if (lost.reason !== undefined) throw new DeviceError(lost.reason);
    const result = await tracker.step(frame, timestamp);
    return { result, timing: tracker.timing, device: info.device };
  }

  /** Goes on without the GPU. The tracker searches anew: what it knew was in the lost one. */
  async #replace(reason: string, cause: unknown): Promise<Running> {
    if (this.#reopen === undefined) {
      throw new DeviceError(
        `the GPU was lost (${reason}). Create a new tracker, or one with device 'auto', which goes on without it.`,
        { cause },
      );
    }
    const old = this.#running;
    this.#running = await this.#reopen();
    // Nobody can use it any more: what closing a lost device throws is of no interest.
    await old?.engine.close().catch(() => undefined);
    return this.#running;
  }
}
