import type { PerspectiveCamera } from 'three';
import { InputError } from '../errors.ts';
import type { Size } from '../geometry/coordinates.ts';

/** How much of the camera's picture a canvas shows: see CSS, `object-fit`. */
export type VideoFit = 'contain' | 'cover' | 'fill';

/**
 * Makes a camera see as the one that took the video: what stands at a head's pose covers the head. Call it again when the
 * video or the canvas changes its size.
 * @param video size of the video, pixels
 * @param canvas size of the canvas over it, any unit
 * @param fieldOfView as the puppet has it: from the top to the bottom of the video, degrees
 * @param fit how the video lies in the canvas
 * @throws InputError for sizes or angles that are not positive
 */
export const fitCamera = (
  camera: PerspectiveCamera,
  video: Size,
  canvas: Size,
  fieldOfView: number,
  fit: VideoFit = 'contain',
): void => {
  const [ours, theirs] = [canvas.width / canvas.height, video.width / video.height];
  if (!(ours > 0 && theirs > 0 && fieldOfView > 0 && fieldOfView < 180)) {
    throw new InputError(
      `fitCamera(): a video of ${video.width}×${video.height}, a canvas of ${canvas.width}×${canvas.height} and ${fieldOfView}° make no camera. Wait until the video has a size.`,
    );
  }
  const tangent = Math.tan((fieldOfView * Math.PI) / 360);
  // Where the canvas is narrower than the video and shows all of it, it sees further up and down.
  const isWhole = fit === 'contain' ? ours < theirs : fit === 'cover' && ours > theirs;
  camera.fov = (Math.atan(isWhole ? (tangent * theirs) / ours : tangent) * 360) / Math.PI;
  camera.aspect = fit === 'fill' ? theirs : ours;
  camera.near = 1;
  camera.far = 1000;
  camera.position.set(0, 0, 0);
  camera.rotation.set(0, 0, 0);
  camera.updateProjectionMatrix();
};
