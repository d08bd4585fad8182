import { createPlaneGray } from '../pipeline/frame-planes.ts';
import { MotionFollower } from '../pipeline/motion-follower.ts';

/**
 * What the worker follows the motion of one object with. A file of its own, which the worker loads when `motion` is asked for;
 * it reads the frames' own planes on every device.
 */
export const createFrameFollower = (): MotionFollower<VideoFrame> => new MotionFollower(createPlaneGray());
