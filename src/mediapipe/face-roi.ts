import { denormalize, type Point, type Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { fitSimilarity } from '../geometry/similarity.ts';
import { roiOfShape } from '../pipeline/roi-of-shape.ts';
import type { DetectedFace } from './messages.ts';

/**
 * Where the eyes and the mouth of an average face lie, in sides of the ROI that the face model wants: means over its
 * annotated synthetic faces, with a crop margin of 1.6.
 */
const averageFace: readonly Point[] = [
  { x: 0.352, y: 0.306 },
  { x: 0.643, y: 0.306 },
  { x: 0.498, y: 0.619 },
];

/** The square that the face model wants, by eyes and mouth. @param size of the frame, image pixels */
export const roiOfFace = ({ rightEye, leftEye, mouth }: DetectedFace, size: Size): Roi => {
  const points = [rightEye, leftEye, mouth].map((point) => denormalize(point, size));
  return roiOfShape(fitSimilarity(averageFace, points));
};
