import type { LandmarkSet } from './landmarks/landmark-set.ts';
import { Tracker, type TrackerOptions } from './tracker.ts';
import { openWorkerModel, WorkerModel, type OpenModelOptions } from './worker-model.ts';

/** Options of {@link TrackingModel.createTracker}: those of a tracker that do not say which model. */
export type ModelTrackerOptions = Omit<
  TrackerOptions,
  'model' | 'landmarks' | 'device' | 'precision' | 'assetBase'
>;

/** A model that is open in a worker of its own. Its trackers share it, and end with it. */
export class TrackingModel extends WorkerModel {
  /**
   * Makes a tracker that shares this model and leaves it open; `Tracker.create({ model })` does the same.
   *
   *     const model = await openModel();
   *     const [eyes, mouths] = [await model.createTracker(eyeSet), await model.createTracker(mouthSet)];
   *
   * @param landmarks a landmark set, or the URL of one; default: the model's own
   * @throws InputError for options that do not exist or fit; ModelError for landmarks that cannot be used; ClosedError
   * when the model is closed; the signal's reason when aborted
   */
  createTracker(landmarks?: LandmarkSet | string | URL, options: ModelTrackerOptions = {}): Promise<Tracker> {
    return Tracker.create({ ...options, ...(landmarks === undefined ? {} : { landmarks }), model: this });
  }
}

/**
 * Starts a worker and loads a model into it, for trackers that share it and for what its embeddings are good for.
 * @throws InputError for options that do not exist or fit; ModelError for a model that cannot be used; DeviceError for a
 * device that cannot be had; the signal's reason when aborted
 */
export const openModel = (options: OpenModelOptions = {}): Promise<TrackingModel> =>
  openWorkerModel(TrackingModel, options);
