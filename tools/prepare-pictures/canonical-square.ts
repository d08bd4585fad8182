import type { Size } from '../../src/geometry/coordinates.ts';
import type { Roi } from '../../src/geometry/roi.ts';
import type { CropBase } from '../../src/train/views/warps.ts';

/** A square of a picture, pixels; it may reach beyond the picture. */
export type Square = { left: number; top: number; side: number };

/** How far a square may be moved so that less of it lies beyond the picture, of its side. */
const mostShift = 0.06;

/** Moves [start, start + side] towards [0, length] by `most` at the most. */
const moveInside = (start: number, side: number, length: number, most: number): number => {
  const before = Math.max(0, -start);
  const after = Math.max(0, start + side - length);
  // Beyond both edges: the middle is as good as it gets.
  return start + Math.max(-most, Math.min(most, before - after));
};

/**
 * The square that has the object where training looks for it: its ROI becomes the canonical crop of the square.
 * @param roi of the object, picture pixels
 * @param base canonical crop of the pictures of a training
 */
export const canonicalSquare = (
  roi: Roi,
  { centerX, centerY, side: share }: CropBase,
  size: Size,
): Square => {
  const side = roi.size / share;
  const most = mostShift * side;
  return {
    left: moveInside(roi.center.x - centerX * side, side, size.width, most),
    top: moveInside(roi.center.y - centerY * side, side, size.height, most),
    side,
  };
};

/** Share of the square of an upright ROI that lies inside the picture, 0–1. */
export const shareInside = ({ center, size: side }: Roi, { width, height }: Size): number => {
  const along = (middle: number, length: number): number =>
    Math.max(0, Math.min(length, middle + side / 2) - Math.max(0, middle - side / 2)) / side;
  return along(center.x, width) * along(center.y, height);
};
