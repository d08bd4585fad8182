import type { Roi } from '../geometry/roi.ts';
import type { FollowedObject, FrameMoment } from './followed-object.ts';
import { FrameSteps } from './frame-steps.ts';
import type { EmbeddedLook } from './look.ts';
import type { TrackedObject } from './result.ts';
import { settle } from './settle.ts';

export type { FrameTiming, FrameTrackerOptions, ObjectFinder } from './frame-steps.ts';

/**
 * Landmarks of one object in a stream of frames; ARCHITECTURE.md, "The way of a frame". It never closes frames: who makes a frame
 * closes it. Steps must not overlap: await one before the next.
 */
export class FrameTracker<Frame, Input> extends FrameSteps<Frame, Input> {
  /** Undefined while searching. */
  #object: FollowedObject<Frame> | undefined;

  protected override followed(): readonly FollowedObject<Frame>[] {
    return this.#object === undefined ? [] : [this.#object];
  }

  protected override forget(): void {
    this.#object = undefined;
    super.forget();
  }

  protected override async track(moment: FrameMoment<Frame>): Promise<TrackedObject[]> {
    const { start } = this;
    if (start !== undefined) {
      this.start = undefined;
      this.#object = this.createObject(start);
    } else if (this.#object === undefined) {
      const roi = await this.find(moment);
      if (roi === undefined) return [];
      this.#object = this.createObject(roi);
    }
    const object = this.#object;
    const { lastSeen } = object;
    const lookThrough = async (roi: Roi): Promise<EmbeddedLook> =>
      (await this.lookThrough(moment.frame, [roi]))[0];
    const look = await (lastSeen === undefined ? settle(object.roi, lookThrough) : lookThrough(object.roi));
    const found = object.trusted(look);
    if (found === undefined) {
      const doubtful = object.doubt();
      if (doubtful !== undefined) return [doubtful];
      this.forget();
      const near = lastSeen ?? start;
      if (near !== undefined) this.lookNear(near);
      return [];
    }
    const begun = this.now();
    const shown = await this.see(object, look, found, moment);
    this.spend('filter', this.now() - begun);
    return [shown];
  }
}
