import type { Roi } from '../geometry/roi.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import type { SmootherOptions } from '../landmarks/smoother.ts';
import { createCallQueue } from '../model/call-queue.ts';
import type { SeenSquare } from '../pipeline/frame-steps.ts';
import type { Engine, TrackerParts, VideoTracker } from './engine.ts';
import type { StepReply } from './messages.ts';
import type { OpenModel } from './open-model.ts';

/** One of the trackers of a model. It follows the model to another engine, and searches anew there. */
export class ModelTracker {
  readonly #model: OpenModel;
  /** Steps of one tracker must not overlap; those of two may. */
  readonly #queue = createCallQueue('tracker');
  #parts: TrackerParts;
  #engine: Engine;
  #tracker: VideoTracker;
  #keepsSeen = false;

  constructor(model: OpenModel, parts: TrackerParts) {
    this.#model = model;
    this.#parts = parts;
    this.#engine = model.engine;
    this.#tracker = this.#engine.createTracker(parts);
  }

  /** @param timestamp capture time, seconds */
  step(frame: VideoFrame, timestamp: number | undefined): Promise<StepReply> {
    return this.#queue.run(() =>
      this.#model.use(async (engine) => {
        this.#moveTo(engine);
        const result = await this.#tracker.step(frame, timestamp);
        return { result, timing: this.#tracker.timing, device: engine.device };
      }),
    );
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
    // What it knew was in the lost device.
    this.#tracker.close();
    this.#engine = engine;
    this.#tracker = engine.createTracker(this.#parts);
    this.#tracker.keepSeen(this.#keepsSeen);
  }
}
