import type { Point } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { fitSimilarity } from '../geometry/similarity.ts';
import { unitLength } from '../landmarks/calibration.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { cropToTensor, type PixelImage } from '../pipeline/crop.ts';
import { lookFromMatches } from '../pipeline/look.ts';
import { roiOfShape } from '../pipeline/roi-of-shape.ts';
import { augmentPhotometric } from '../augment/photometric.ts';
import { createRandom, type Random } from '../augment/random.ts';
import { defaultPatchSize, defaultPhotometric } from '../augment/strengths.ts';
import type { CalibrationLook } from './calibration-fit.ts';
import type { Model } from '../model/model.ts';

/** A picture with its points, image pixels. */
export type AnnotatedPoints = {
  image: PixelImage;
  points: readonly Point[];
  /** The object's upright ROI; default: what the set's shape says when it is laid on the points. */ roi?: Roi;
};

/** How far a tracker's square is off: standard deviations, in sides, of the logarithm, in radians. */
const roiNoise = { offset: 0.03, logScale: 0.06, rotation: 0.08 };

const shiftRoi = ({ center, size, rotation }: Roi, random: Random): Roi => ({
  center: {
    x: center.x + random.normal(0, roiNoise.offset) * size,
    y: center.y + random.normal(0, roiNoise.offset) * size,
  },
  size: size * Math.exp(random.normal(0, roiNoise.logScale)),
  rotation: rotation + random.normal(0, roiNoise.rotation),
});

/** Puts a patch of one colour in front of the object. @param crop (3, S, S), changed in place */
const occlude = (crop: Float32Array, size: number, random: Random): void => {
  const [least, greatest] = defaultPatchSize;
  const center = { x: random.uniform(0.1, 0.9) * size, y: random.uniform(0.1, 0.9) * size };
  const side = random.uniform(least, greatest) * size;
  const aspect = random.uniform(0.5, 1.5);
  const angle = random.uniform(0, Math.PI);
  const color = [random.uniform(), random.uniform(), random.uniform()];
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const x = column + 0.5 - center.x;
      const y = row + 0.5 - center.y;
      const along = Math.abs(x * Math.cos(angle) + y * Math.sin(angle));
      const across = Math.abs(y * Math.cos(angle) - x * Math.sin(angle));
      if (along > (side * aspect) / 2 || across > side / aspect / 2) continue;
      color.forEach((value, channel) => (crop[(channel * size + row) * size + column] = value));
    }
  }
};

/** View 0 of a picture is as it is, the next one under other light and optics, then partly hidden, then both. */
const kindsOfView = 4;

export type LookOptions = {
  session: Model;
  set: LandmarkSet;
  /** References to match in a picture, by its index; default: the set's. */
  referencesOf?: (picture: number) => Float32Array;
  /** Views of each picture: the tracker's square somewhat off; light, optics and patches vary. */ views: number;
  /** A landmark is right within this share of the set's unit. */ tolerance: number;
  onProgress?: (done: number, total: number) => void;
};

/**
 * Matches a set's landmarks in pictures whose points are known, and tells which are right.
 * @returns (pictures · views), the views of a picture together
 */
export const lookAtPictures = async (
  pictures: readonly AnnotatedPoints[],
  { session, set, referencesOf, views, tolerance, onProgress }: LookOptions,
): Promise<CalibrationLook[]> => {
  const { inputSize } = session.manifest;
  const looks: CalibrationLook[] = [];
  for (const [index, { image, points, roi: own }] of pictures.entries()) {
    const upright = own ?? roiOfShape(fitSimilarity(set.meanShape, points));
    const limit = tolerance * unitLength(points, set.unit);
    for (let view = 0; view < views; view++) {
      const random = createRandom(index, view);
      const roi = shiftRoi(upright, random);
      const crop = cropToTensor(image, roi, inputSize);
      const kind = view % kindsOfView;
      if (kind >= 2) occlude(crop, inputSize, random);
      if (kind % 2 === 1) {
        augmentPhotometric(crop, inputSize, defaultPhotometric, random.split(1));
      }
      const matches = await session.match(crop, referencesOf?.(index) ?? set.references);
      const look = lookFromMatches(matches, roi, set, inputSize);
      looks.push({
        confidences: look.confidences,
        residuals: look.fit?.residuals,
        right: look.points.map(({ x, y }, n) => Math.hypot(x - points[n].x, y - points[n].y) <= limit),
      });
    }
    onProgress?.(index + 1, pictures.length);
  }
  return looks;
};
