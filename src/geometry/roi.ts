import type { Point } from './coordinates.ts';

/** A rotated square of the image that becomes one network input. */
export type Roi = {
  /** Centre, image pixels. */ center: Point;
  /** Side of the square, image pixels. */ size: number;
  /** Clockwise on screen, radians. */ rotation: number;
};

/** Crop pixels (a crop is `cropSize` × `cropSize`) to image pixels. */
export const cropToImage = (point: Point, roi: Roi, cropSize: number): Point => {
  const scale = roi.size / cropSize;
  const x = (point.x - cropSize / 2) * scale;
  const y = (point.y - cropSize / 2) * scale;
  const cos = Math.cos(roi.rotation);
  const sin = Math.sin(roi.rotation);
  return { x: roi.center.x + cos * x - sin * y, y: roi.center.y + sin * x + cos * y };
};

/** Image pixels to crop pixels: the inverse of {@link cropToImage}. */
export const imageToCrop = (point: Point, roi: Roi, cropSize: number): Point => {
  const scale = cropSize / roi.size;
  const x = (point.x - roi.center.x) * scale;
  const y = (point.y - roi.center.y) * scale;
  const cos = Math.cos(roi.rotation);
  const sin = Math.sin(roi.rotation);
  return { x: cropSize / 2 + cos * x + sin * y, y: cropSize / 2 - sin * x + cos * y };
};
