import type { Roi } from '../geometry/roi.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import type { SmootherOptions } from '../landmarks/smoother.ts';
import { createCallQueue } from '../model/call-queue.ts';
import type { SeenSquare } from '../pipeline/frame-steps.ts';
import type { TrackResult } from '../pipeline/result.ts';
import type { Engine, TrackerParts, VideoTracker } from './engine.ts';
import type { StepReply } from './messages.ts';
import type { OpenModel } from './open-model.ts';

/** Steps after which the search in one picture is given up: as many runs of the network as `findObject` takes. */
const mostSteps = 25;
/** Steps after which no more objects are looked for beside those that were found: each has less of the budget. */
const mostStepsForMore = 75;

/** Looks at a frame again until all objects are found in it. @param first what the first look told */
const searchOn = async (
  tracker: VideoTracker,
  frame: VideoFrame,
  first: TrackResult,
  wanted: number,
): Promise<TrackResult> => {
  let result = first;
  const most = (): number => (result.objects.length === 0 ? mostSteps : mostStepsForMore);
  for (let steps = 1; result.objects.length < wanted && steps < most(); steps++) {
    result = await tracker.step(frame, first.timestamp);
  }
  return result;
};

/** One of the trackers of a model. It follows the model to another engine, and searches anew there. */
export class ModelTracker {
  readonly #model: OpenModel;
  readonly #objects: number;
  /** Steps of one tracker must not overlap; those of two may. */
  readonly #queue = createCallQueue('tracker');
  #parts: TrackerParts;
  #engine: Engine;
  #tracker: VideoTracker;
  #keepsSeen = false;

  /** @param objects how many are wanted at most */
  constructor(model: OpenModel, parts: TrackerParts, objects: number) {
    this.#objects = objects;
    this.#model = model;
    this.#parts = parts;
    this.#engine = model.engine;
    this.#tracker = this.#engine.createTracker(parts);
  }

  /**
   * @param timestamp capture time, seconds
   * @param isStill whether the frame is a picture by itself: then the search goes on in it until the object is found
   * @param withGist as in `FrameSteps.giveGists`
   */
  step(
    frame: VideoFrame,
    timestamp: number | undefined,
    isStill = false,
    withGist = false,
  ): Promise<StepReply> {
    return this.#queue.run(() =>
      this.#model.use(async (engine) => {
        this.#moveTo(engine);
        this.#tracker.giveGists(withGist);
        let result = await this.#tracker.step(frame, timestamp);
        if (isStill) result = await searchOn(this.#tracker, frame, result, this.#objects);
        return { result, timing: this.#tracker.timing, device: engine.device };
      }),
    );
  }

  /** Finds the object in one picture, with a tracker of its own. */
  trackPicture(frame: VideoFrame, withGist = false): Promise<TrackResult> {
    return this.#model.use(async (engine) => {
      const tracker = engine.createTracker({ ...this.#parts, smoothing: false });
      tracker.giveGists(withGist);
      try {
        return await searchOn(tracker, frame, await tracker.step(frame), this.#objects);
      } finally {
        tracker.close();
      }
    });
  }

  /** Forgets the object. */
  reset(): void {
    this.#tracker.reset();
  }

  /** Looks for an object in a square first. @param roi image pixels */
  follow(roi: Roi): void {
    this.#tracker.follow(roi);
  }

  /** The landmarks of the next step. */
  get landmarkSet(): LandmarkSet {
    return this.#parts.landmarkSet;
  }

  /** What the network saw in the last step, where it is kept. */
  get seen(): readonly SeenSquare[] {
    return this.#tracker.seen;
  }

  /** Keeps what the network sees, or no longer. */
  keepSeen(isWanted: boolean): void {
    this.#keepsSeen = isWanted;
    this.#tracker.keepSeen(isWanted);
  }

  /** @throws InputError for settings that don't exist */
  setSmoothing(smoothing: SmootherOptions | false): void {
    this.#tracker.setSmoothing(smoothing);
    this.#parts = { ...this.#parts, smoothing };
  }

  /** Changes the landmarks without losing the object. @param landmarkSet one that fits the model */
  setLandmarks(landmarkSet: LandmarkSet): void {
    this.#tracker.setLandmarks(landmarkSet);
    this.#parts = { ...this.#parts, landmarkSet };
  }

  /** Waits for the step in progress; the steps behind it get a ClosedError. */
  async close(): Promise<void> {
    await this.#queue.close();
    this.#tracker.close();
  }

  #moveTo(engine: Engine): void {
    if (engine === this.#engine) return;
    const { lastId } = this.#tracker;
    // What it knew was in the lost device.
    this.#tracker.close();
    this.#engine = engine;
    // An id that was told once is never another object's.
    this.#tracker = engine.createTracker({ ...this.#parts, lastId });
    this.#tracker.keepSeen(this.#keepsSeen);
  }
}
