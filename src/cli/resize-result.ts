import type { Point, Size } from '../geometry/coordinates.ts';
import { createResult, type TrackedObject, type TrackResult } from '../pipeline/result.ts';

/**
 * A result in the pixels of another size of the same picture. A ROI keeps its area: a square of pixels that are not
 * square has no other likeness.
 */
export const resizeResult = (result: TrackResult, size: Size): TrackResult => {
  const x = size.width / result.width;
  const y = size.height / result.height;
  if (x === 1 && y === 1) return result;
  const resized = (point: Point): Point => ({ x: x * point.x, y: y * point.y });
  const objects = result.objects.map(({ roi, landmarks, ...object }): TrackedObject => ({
    ...object,
    roi: { ...roi, center: resized(roi.center), size: Math.sqrt(x * y) * roi.size },
    landmarks: landmarks.map((landmark) => ({
      ...{ ...landmark, ...resized(landmark) },
      raw: resized(landmark.raw),
    })),
  }));
  const searched = result.status === 'searching' ? result.searched : undefined;
  return createResult({ timestamp: result.timestamp, ...size }, objects, searched);
};
