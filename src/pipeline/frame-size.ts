import type { Size } from '../geometry/coordinates.ts';

/** Size of a frame as it is shown: turned by its rotation and in square pixels. The coordinate system of its ROIs. */
export const frameSize = (frame: VideoFrame): Size => ({
  width: frame.displayWidth,
  height: frame.displayHeight,
});
