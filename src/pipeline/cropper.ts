import type { Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';

/**
 * Cuts squares out of frames. `Frame` is whatever the source gives (a VideoFrame, a decoded picture),
 * `Input` is whatever the session takes (a Float32Array, a tensor on the GPU), so that browser, GPU and
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

/** The part of a session that tracking needs; a ModelSession is a `Matcher<Float32Array>`. */
export type Matcher<Input> = {
  /**
   * @param image (B, 3, S, S) planar RGB, 0–1
   * @param references (N, C) unit vectors
   * @returns (B, N, 3): x, y in crop pixels, confidence 0–1
   */
  match(image: Input, references: Float32Array): Promise<Float32Array>;
};
