import type { Roi } from '../geometry/roi.ts';
import { wrapAngle } from './roi-of-shape.ts';

/** How far the object may move inside its ROI before the ROI follows. */
const leash = { offset: 0.02, logScale: 0.03, rotation: 0.03 };

/** Moves `current` towards `target`, only as far as needed to be within `length` of it. */
const pull = (current: number, target: number, length: number): number => {
  const gap = target - current;
  return Math.abs(gap) <= length ? current : target - Math.sign(gap) * length;
};

/**
 * The square to cut from the next frame: where the object will be, on a leash. While the object stays where it is the
 * square does not move at all, so that the same pixels fall on the same inputs and the landmarks of a still object do
 * not tremble with their own ROI.
 * @param current the square of this frame, image pixels
 * @param object the object's own ROI in this frame
 * @param previous the object's own ROI in the frame before; undefined where there was none
 * @param lead time until the next frame over the time since the one before; below 1 after dropped frames
 */
export const nextRoi = (current: Roi, object: Roi, previous: Roi | undefined, lead = 1): Roi => {
  const ahead = {
    x: object.center.x + (previous === undefined ? 0 : lead * (object.center.x - previous.center.x)),
    y: object.center.y + (previous === undefined ? 0 : lead * (object.center.y - previous.center.y)),
  };
  const away = { x: ahead.x - current.center.x, y: ahead.y - current.center.y };
  const distance = Math.hypot(away.x, away.y);
  const length = leash.offset * object.size;
  const share = distance <= length ? 0 : 1 - length / distance;
  const turn = wrapAngle(object.rotation - current.rotation);
  return {
    center: { x: current.center.x + share * away.x, y: current.center.y + share * away.y },
    size: Math.exp(pull(Math.log(current.size), Math.log(object.size), leash.logScale)),
    rotation: wrapAngle(current.rotation + pull(0, turn, leash.rotation)),
  };
};
