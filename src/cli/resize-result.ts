import type { Point, Size } from '../geometry/coordinates.ts';
import type { TrackResult } from '../pipeline/result.ts';

/**
 * A result in the pixels of another size of the same picture. A ROI keeps its area: a square of pixels that are not
 * square has no other likeness.
 */
export const resizeResult = (result: TrackResult, size: Size): TrackResult => {
  const x = size.width / result.width;
  const y = size.height / result.height;
  if (x === 1 && y === 1) return result;
  if (result.status === 'searching') return { ...result, ...size };
  const resized = (point: Point): Point => ({ x: x * point.x, y: y * point.y });
  const { roi, landmarks } = result;
  return {
    ...{ ...result, ...size },
    roi: { ...roi, center: resized(roi.center), size: Math.sqrt(x * y) * roi.size },
    landmarks: landmarks.map((landmark) => ({
      ...{ ...landmark, ...resized(landmark) },
      raw: resized(landmark.raw),
    })),
  };
};
