import type { CorrespondOptions, PictureCorrespondence } from '../correspond/correspond-pictures.ts';
import type { LiveField, LiveOptions, LiveReference } from '../correspond/live-correspondence.ts';
import { ClosedError } from '../errors.ts';
import type { Roi } from '../geometry/roi.ts';
import type { DiscoveredLandmarks, DiscoverOptions } from '../landmark-maker/discover-landmarks.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import type { SmootherOptions } from '../landmarks/smoother.ts';
import type { ObjectFinder } from '../pipeline/frame-tracker.ts';
import type { Engine, TrackerParts } from './engine.ts';
import { explained } from './explained.ts';
import { holdLock } from './hold-lock.ts';
import type {
  LandmarkText,
  MarkedFrames,
  ModelInfo,
  OpenMessage,
  RemoteFinder,
  SideFrame,
  StepReply,
  TrackerInfo,
  TrackerMessage,
  TrackerWorkerApi,
} from './messages.ts';
import { ModelTracker } from './model-tracker.ts';
import { OpenModel } from './open-model.ts';
import { loadPart, type PictureWork } from './parts.ts';
import { release, transfer, type Remote } from './rpc.ts';

/** A finder of the page with the face of one here. It gets a copy of the frame, which it closes. */
const localFinder = (remote: RemoteFinder): ObjectFinder<VideoFrame> => ({
  step: (frame, size, known) => {
    const copy = frame.clone();
    return remote.step(transfer(copy, [copy]), size, known);
  },
  reset: () => {
    // Nobody waits for it: the finder's next step comes after it, in order.
    remote.reset().catch(() => undefined);
  },
});

const partsOf = (
  { smoothing, searchBudget, minConfidence }: TrackerMessage,
  landmarkSet: LandmarkSet,
  finder: RemoteFinder | undefined,
): TrackerParts => ({
  ...{ landmarkSet, smoothing, searchBudget, minConfidence },
  finder: finder && localFinder(finder),
});

const namesOf = ({
  names,
  connections,
  mirrorPairs,
  calibration,
}: LandmarkSet): TrackerInfo['landmarks'] => ({
  names,
  connections,
  mirrorPairs,
  calibrated: calibration !== undefined,
});

const closed = (): ClosedError => new ClosedError('the tracker is closed. Create a new one.');

type Served = {
  tracker: ModelTracker;
  finder: Remote<RemoteFinder> | undefined;
  /** Pictures that are matched with what the tracker sees, by their numbers. */
  references: Map<number, LiveReference>;
};

/** What runs in the worker: one model, and the trackers that share it. */
export class TrackerService implements TrackerWorkerApi {
  #model: OpenModel | undefined;
  readonly #trackers = new Map<number, Served>();
  #created = 0;

  hold(lockName: string): Promise<string> {
    return holdLock(lockName);
  }

  async open(message: OpenMessage): Promise<ModelInfo> {
    const start = performance.now();
    this.#model = await OpenModel.open(message);
    return { ...this.#model.info, startupMs: performance.now() - start };
  }

  embed(frame: VideoFrame, roi: Roi): Promise<Float32Array> {
    return this.#onEngine(frame, (engine) => engine.embedSquare(frame, roi));
  }

  match(frame: VideoFrame, roi: Roi, references: Float32Array): Promise<Float32Array> {
    return this.#onEngine(frame, (engine) => engine.matchSquare(frame, roi, references));
  }

  createLandmarkSet(marked: MarkedFrames): Promise<LandmarkSet> {
    return this.#onPictures(marked.pictures, (work, model, own) =>
      work.createLandmarkSet(model, own, marked),
    );
  }

  discoverLandmarks(
    pictures: readonly { frame: VideoFrame }[],
    options: DiscoverOptions,
  ): Promise<DiscoveredLandmarks> {
    return this.#onPictures(pictures, (work, model, own) =>
      work.discoverOnFrames(model, own, pictures, options),
    );
  }

  correspond(a: SideFrame, b: SideFrame, options: CorrespondOptions): Promise<PictureCorrespondence> {
    return this.#onPictures([a, b], (work, model, own) => work.correspondFrames(model, own, [a, b], options));
  }

  async createTracker(
    message: TrackerMessage,
    finder: Remote<RemoteFinder> | undefined,
  ): Promise<{ id: number; info: TrackerInfo }> {
    const start = performance.now();
    const model = this.#opened();
    await this.#checkSmoothing(message.smoothing);
    const landmarkSet = await model.landmarkSet(message.landmarks);
    const parts = partsOf(message, landmarkSet, finder);
    const { objects, adapt } = message;
    if (adapt || objects > 1) {
      const { createSeveral, createAdapting } = await loadPart(model.parts, 'objects');
      parts.createSteps = (adapt ? createAdapting : createSeveral)(objects);
    }
    if (message.motion) parts.motion = (await loadPart(model.parts, 'motion')).createFrameFollower;
    const tracker = new ModelTracker(model, parts, message.objects);
    if (message.roi !== undefined) tracker.follow(message.roi);
    const id = ++this.#created;
    this.#trackers.set(id, { tracker, finder, references: new Map() });
    const { device, precision, threads, deviceNote, category } = model.info;
    return {
      id,
      info: {
        ...{ device, precision, threads, deviceNote, category },
        landmarks: namesOf(landmarkSet),
        startupMs: performance.now() - start,
      },
    };
  }

  async step(
    id: number,
    frame: VideoFrame,
    timestamp: number | undefined,
    isStill?: boolean,
    withGist?: boolean,
  ): Promise<StepReply> {
    try {
      return await this.#served(id).tracker.step(frame, timestamp, isStill, withGist);
    } finally {
      frame.close();
    }
  }

  async trackPicture(id: number, frame: VideoFrame, withGist?: boolean): Promise<Pick<StepReply, 'result'>> {
    try {
      return { result: await this.#served(id).tracker.trackPicture(frame, withGist) };
    } finally {
      frame.close();
    }
  }

  openReference(id: number, side: SideFrame, options: LiveOptions): Promise<number> {
    return this.#onPictures([side], async ({ embedFrame }, model, own) => {
      const { tracker, references } = this.#served(id);
      const reference = await embedFrame(model, own ?? tracker.landmarkSet, side, options);
      const number = ++this.#created;
      references.set(number, reference);
      tracker.keepSeen(true);
      return number;
    });
  }

  async matchReference(id: number, number: number): Promise<LiveField[]> {
    const { tracker, references } = this.#served(id);
    const reference = references.get(number);
    if (reference === undefined) throw new ClosedError('the correspondence is closed. Open it again.');
    const model = this.#opened();
    const { liveFields } = await loadPart(model.parts, 'pictures');
    return liveFields(reference, tracker.seen, model.engine.model);
  }

  closeReference(id: number, number: number): void {
    const served = this.#trackers.get(id);
    served?.references.delete(number);
    if (served?.references.size === 0) served.tracker.keepSeen(false);
  }

  reset(id: number): void {
    this.#served(id).tracker.reset();
  }

  follow(id: number, roi: Roi): void {
    this.#served(id).tracker.follow(roi);
  }

  async setSmoothing(id: number, smoothing: SmootherOptions | false): Promise<void> {
    await this.#checkSmoothing(smoothing);
    this.#served(id).tracker.setSmoothing(smoothing);
  }

  async setLandmarks(id: number, landmarks: LandmarkSet | LandmarkText): Promise<TrackerInfo['landmarks']> {
    const set = await this.#opened().landmarkSet(landmarks);
    this.#served(id).tracker.setLandmarks(set);
    return namesOf(set);
  }

  async closeTracker(id: number): Promise<void> {
    const { tracker, finder } = this.#served(id);
    this.#trackers.delete(id);
    await tracker.close();
    if (finder !== undefined) release(finder, closed());
  }

  async #onEngine<Result>(frame: VideoFrame, job: (engine: Engine) => Promise<Result>): Promise<Result> {
    try {
      return await this.#opened().use(job);
    } finally {
      frame.close();
    }
  }

  /** Does a job with what works on pictures and the model's own landmarks. All frames are closed, whatever happens. */
  async #onPictures<Result>(
    pictures: readonly { frame: VideoFrame }[],
    job: (work: PictureWork, model: OpenModel, own: LandmarkSet | undefined) => Promise<Result>,
  ): Promise<Result> {
    try {
      const model = this.#opened();
      const [work, own] = await Promise.all([loadPart(model.parts, 'pictures'), model.ownLandmarks()]);
      return await job(work, model, own);
    } finally {
      for (const { frame } of pictures) frame.close();
    }
  }

  async #checkSmoothing(smoothing: SmootherOptions | false | undefined): Promise<void> {
    if (smoothing === undefined || smoothing === false) return;
    await explained(this.#opened().parts, (by) => by.checkSmootherOptions(smoothing));
  }

  #opened(): OpenModel {
    if (this.#model === undefined) throw new ClosedError('the model was not opened. Open it first.');
    return this.#model;
  }

  #served(id: number): Served {
    const served = this.#trackers.get(id);
    if (served === undefined) throw closed();
    return served;
  }
}
