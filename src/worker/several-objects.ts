import { InputError } from '../errors.ts';
import { AdaptingTracker } from '../pipeline/adapting-tracker.ts';
import type { FrameTrackerOptions } from '../pipeline/frame-steps.ts';
import { SeveralTracker } from '../pipeline/several-tracker.ts';

/**
 * What the worker tracks several objects with. A file of its own, which the worker loads when more than one, or `adapt`, is asked for:
 * most pages never fetch it.
 * @param objects how many at most
 */
export const createSeveral =
  (objects: number) =>
  <Input>(options: FrameTrackerOptions<VideoFrame, Input>): SeveralTracker<VideoFrame, Input> =>
    new SeveralTracker({ ...options, objects });

/**
 * What the worker tracks one object with whose references follow it.
 * @throws InputError for several objects, whose looks share the references
 */
export const createAdapting = (objects: number): typeof adapting => {
  if (objects === 1) return adapting;
  throw new InputError(`adapt is of one object, and objects is ${objects}. Leave one of them out.`);
};

const adapting = <Input>(
  options: FrameTrackerOptions<VideoFrame, Input>,
): AdaptingTracker<VideoFrame, Input> => new AdaptingTracker(options);
