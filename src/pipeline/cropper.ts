import type { Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';

/**
 * Cuts squares out of frames. `Frame` is whatever the source gives (a VideoFrame, a decoded picture),
 * `Input` is whatever the model takes (a Float32Array, a tensor on the GPU), so that browser, GPU and
 * Node share the tracker.
 */
export type Cropper<Frame, Input> = {
  /** Size of a frame as it is shown, image pixels: the coordinate system of the ROIs. */
  frameSize(frame: Frame): Size;
  /**
   * @param rois rotated squares of this frame, image pixels; they may reach beyond its edges
   * @param cropSize side S of one crop, pixels
   * @returns (B, 3, S, S) planar RGB, 0–1, B = rois.length, in the order of `rois`; valid until the next call
   */
  crop(frame: Frame, rois: readonly Roi[], cropSize: number): Input | Promise<Input>;
};
