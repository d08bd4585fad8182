import type { Point } from '../geometry/coordinates.ts';
import { imageToCrop, type Roi } from '../geometry/roi.ts';
import { fitSimilarity } from '../geometry/similarity.ts';
import { unitLength } from '../landmarks/calibration.ts';
import { soughtReferences } from '../landmarks/anchors.ts';
import type { IndexPair, LandmarkSet } from '../landmarks/landmark-set.ts';
import { cropToTensor, type PixelImage } from '../pipeline/crop.ts';
import { lookFromMatches, type Look } from '../pipeline/look.ts';
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
  /** (N) false for a hidden point, whose place is a guess. Default: all are seen. */ seen?: readonly boolean[];
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

/** Turns a crop into its mirror image. @param crop (3, S, S), changed in place */
const mirror = (crop: Float32Array, size: number): void => {
  for (let start = 0; start < crop.length; start += size) crop.subarray(start, start + size).reverse();
};

const swapped = <Item>(items: readonly Item[], mirrorPairs: readonly IndexPair[]): Item[] => {
  const result = [...items];
  for (const [a, b] of mirrorPairs) [result[a], result[b]] = [result[b], result[a]];
  return result;
};

/** Points of a crop in its mirror image, each in the place of the landmark that it is there. */
const mirrorPoints = (points: readonly Point[], mirrorPairs: readonly IndexPair[], size: number): Point[] =>
  swapped(
    points.map(({ x, y }) => ({ x: size - x, y })),
    mirrorPairs,
  );

/** View 0 of a picture is as it is, the next one under other light and optics, then partly hidden, then both. */
const kindsOfView = 4;

export type LookOptions = {
  session: Model;
  set: LandmarkSet;
  /** References to match in a picture, by its index, as `soughtReferences` gives a set's; default: the set's. */
  referencesOf?: (picture: number) => Float32Array;
  /** Views of each picture: the tracker's square somewhat off; light, optics and patches vary. */ views: number;
  /** Whether every other view is a mirror image, where the set says how landmarks change places. */ mirrored?: boolean;
  onProgress?: (done: number, total: number) => void;
};

/** What one look at a picture saw, crop pixels. */
export type PictureLook = {
  /** Index of the picture. */ picture: number;
  /** As the network gives it: confidences, the fit, and where the landmarks were matched. */ look: Look;
  /** (C, H, W) */ embedding: Float32Array;
  /** (N) where the landmarks are. */ truth: Point[];
  /** (N) false where that is a guess. */ seen: readonly boolean[];
};

/** @param inputSize S @returns the square that a crop itself is, in its own pixels */
export const wholeCrop = (inputSize: number): Roi => ({
  ...{ center: { x: inputSize / 2, y: inputSize / 2 }, size: inputSize, rotation: 0 },
});

/**
 * Which landmarks of a look are right; undefined of those that are hidden.
 * @param points (N) where they were found, crop pixels
 * @param tolerance share of the set's unit
 */
export const judgeLook = (
  { look, truth, seen }: PictureLook,
  points: readonly Point[],
  unit: IndexPair | undefined,
  tolerance: number,
): CalibrationLook => {
  const limit = tolerance * unitLength(truth, unit);
  return {
    confidences: look.confidences,
    residuals: look.fit?.residuals,
    right: points.map(({ x, y }, n) =>
      seen[n] ? Math.hypot(x - truth[n].x, y - truth[n].y) <= limit : undefined,
    ),
  };
};

/** A set with other references; of what bends they are those of its pictures. */
const withReferences = (set: LandmarkSet, references: Float32Array | undefined): LandmarkSet => {
  if (references === undefined) return set;
  return set.parts === undefined ? { ...set, references } : { ...set, parts: { ...set.parts, references } };
};

/**
 * Matches a set's landmarks in pictures whose points are known.
 * @returns (pictures · views), the views of a picture together; one at a time, an embedding takes room
 */
export async function* lookAtPictures(
  pictures: readonly AnnotatedPoints[],
  { session, set, referencesOf, views, mirrored = false, onProgress }: LookOptions,
): AsyncGenerator<PictureLook> {
  const { inputSize } = session.manifest;
  const { mirrorPairs } = set;
  for (const [index, { image, points, seen: shown, roi: own }] of pictures.entries()) {
    const upright = own ?? roiOfShape(fitSimilarity(set.meanShape, points));
    for (let view = 0; view < views; view++) {
      const random = createRandom(index, view);
      const roi = shiftRoi(upright, random);
      const crop = cropToTensor(image, roi, inputSize);
      let truth = points.map((point) => imageToCrop(point, roi, inputSize));
      let seen = shown ?? points.map(() => true);
      if (mirrored && mirrorPairs.length > 0 && (index + view + Math.floor(view / kindsOfView)) % 2 === 1) {
        mirror(crop, inputSize);
        truth = mirrorPoints(truth, mirrorPairs, inputSize);
        seen = swapped(seen, mirrorPairs);
      }
      const kind = view % kindsOfView;
      if (kind >= 2) occlude(crop, inputSize, random);
      if (kind % 2 === 1) {
        augmentPhotometric(crop, inputSize, defaultPhotometric, random.split(1));
      }
      const references = soughtReferences(withReferences(set, referencesOf?.(index)));
      const { matches, embedding } = await session.matchAndEmbed(crop, references);
      const look = lookFromMatches(matches, wholeCrop(inputSize), set, inputSize);
      yield { picture: index, look, embedding, truth, seen };
    }
    onProgress?.(index + 1, pictures.length);
  }
}
