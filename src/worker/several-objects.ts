import type { FrameTrackerOptions } from '../pipeline/frame-steps.ts';
import { SeveralTracker } from '../pipeline/several-tracker.ts';

/**
 * What the worker tracks several objects with. A file of its own, which the worker loads when more than one is asked for:
 * most pages never fetch it.
 * @param objects how many at most
 */
export const createSeveral =
  (objects: number) =>
  <Input>(options: FrameTrackerOptions<VideoFrame, Input>): SeveralTracker<VideoFrame, Input> =>
    new SeveralTracker({ ...options, objects });
