import { createPlaneGray } from '../pipeline/frame-planes.ts';
import { MotionFollower } from '../pipeline/motion-follower.ts';

export { lookFromParts, partAgreement } from '../pipeline/look-at-parts.ts';

/**
 * What the worker follows the motion of one object with, and what looks at what bends, whose landmarks are mostly carried by
 * motion. A file of its own, which the worker loads when either is asked for; it reads the frames' own planes on every device.
 */
export const createFrameFollower = (): MotionFollower<VideoFrame> => new MotionFollower(createPlaneGray());
