import type { Roi } from '../geometry/roi.ts';
import type { FollowedObject, FrameMoment } from './followed-object.ts';
import type { FrameTrackerOptions } from './frame-steps.ts';
import { FrameTracker } from './frame-tracker.ts';
import { createLookLearner, type LookLearner } from './learn-look.ts';
import type { EmbeddedLook } from './look.ts';
import type { TrackedObject } from './result.ts';

/**
 * A tracker of one object whose references follow that object until it is lost: slowly, by sure looks alone, never far from
 * the set's own. Search goes by the set's own.
 */
export class AdaptingTracker<Frame, Input> extends FrameTracker<Frame, Input> {
  readonly #createLearner: typeof createLookLearner;
  #learner: LookLearner;

  /** @param createLearner what learns from looks */
  constructor(options: FrameTrackerOptions<Frame, Input>, createLearner = createLookLearner) {
    super(options);
    this.#createLearner = createLearner;
    this.#learner = createLearner(options.landmarkSet);
  }

  protected override onLandmarks(): void {
    this.#learner = this.#createLearner(this.landmarkSet);
  }

  protected override createObject(roi: Roi, id?: number): FollowedObject<Frame> {
    // What was learnt is of another one.
    this.#learner.reset();
    return super.createObject(roi, id);
  }

  protected override async see(
    object: FollowedObject<Frame>,
    look: EmbeddedLook,
    found: Roi,
    moment: FrameMoment<Frame>,
  ): Promise<TrackedObject> {
    const shown = await super.see(object, look, found, moment);
    this.#learner.learn(look, shown.landmarks, this.model.manifest);
    return shown;
  }

  protected override lookThrough(frame: Frame, rois: readonly Roi[]): Promise<EmbeddedLook[]> {
    return super.lookThrough(frame, rois, true, this.#learner.landmarkSet);
  }
}
