import type { Point } from '../geometry/coordinates.ts';
import { applySimilarity, invertSimilarity } from '../geometry/similarity.ts';
import { spread } from '../geometry/statistics.ts';
import { unitLength, type Calibration } from '../landmarks/calibration.ts';
import { mostVariants, type LandmarkSet } from '../landmarks/landmark-set.ts';
import { sampleEmbedding, toEmbeddingMap } from '../landmarks/matching.ts';
import type { Refiner } from '../landmarks/refiner.ts';
import type { ShapeFit } from '../landmarks/shape-fit.ts';
import type { Model, ModelGeometry } from '../model/model.ts';
import { fitCalibration } from './calibration-fit.ts';
import { judgeLook, lookAtPictures, type AnnotatedPoints, type PictureLook } from './calibration-looks.ts';
import { averageViews, pictureReferences, type ReferenceView } from './reference-builder.ts';
import { fitRefiner, type RefinerFit, type RefinerLook } from './refiner-fit.ts';

/** A landmark counts as right within this share of the set's unit. */
export const rightWithin = 0.05;
/** Groups of pictures; each is looked at with references from the others. */
const folds = 5;
/** Views of each picture: the more pictures, the fewer. */
const [leastViews, mostViews, enoughLooks] = [2, 8, 5000];

/** What a set is made of: (poses) of (pictures) views, and (pictures) of (N) which points count. */
export type SetMaterial = { views: readonly (readonly ReferenceView[])[]; kept: readonly boolean[][] };

/**
 * References from some of the pictures. A landmark that none of them has kept is taken from all of them that show it;
 * one that they all hide from the set.
 */
const referencesFrom = (
  { views, kept }: SetMaterial,
  pictures: readonly number[],
  ofSet: Float32Array,
): Float32Array => {
  const [upright] = views;
  const isSeen = (picture: number, n: number): boolean => upright[picture].seen?.[n] !== false;
  const flags = pictures.map((picture) =>
    kept[picture].map(
      (isKept, n) => isKept || (isSeen(picture, n) && !pictures.some((other) => kept[other][n])),
    ),
  );
  const references = averageViews(
    views.flatMap((ofPose) => pictures.map((picture) => ofPose[picture])),
    views.flatMap(() => flags),
  );
  const { channels } = upright[0].map;
  kept[0].forEach((_, n) => {
    if (pictures.some((picture) => isSeen(picture, n))) return;
    const at = n * channels;
    references.set(ofSet.subarray(at, at + channels), at);
  });
  return references;
};

/** What the pictures say of their own matches. */
export type SetStatistics = {
  calibration: Calibration;
  /**
   * What a refiner does to pictures that it was not fitted to; it is given where it wins. Undefined where fewer than five
   * pictures show all landmarks.
   */
  refining?: Refining;
};

export type Refining = Omit<RefinerFit, 'refined' | 'refiner'> & { refiner?: Refiner };

/** A look as the fit of a refiner takes it, with the embedding in 8 bits: there are thousands of them. */
const refinerLook = (
  { picture, look, embedding, truth }: PictureLook,
  { transform }: ShapeFit,
  geometry: ModelGeometry,
): RefinerLook => {
  const back = invertSimilarity(transform);
  const toShape = (points: readonly Point[]): Point[] => points.map((point) => applySimilarity(back, point));
  const small = Int8Array.from(embedding, (value) => Math.round(127 * value));
  return {
    ...{ picture, found: toShape(look.points), truth: toShape(truth) },
    // A unit vector comes of it, whatever the scale.
    embeddingAt: (point) =>
      sampleEmbedding(toEmbeddingMap(geometry, small), applySimilarity(transform, point)),
  };
};

/**
 * Fits a set's refiner and its calibration to the very pictures that it was made from, each seen with references from
 * others: under other light and optics, partly hidden, mirrored, and with the square a little off. What is right is
 * decided after refining, by maps that the picture had no part in.
 * @returns undefined for too few pictures to tell
 */
export const calibrateSet = async (
  session: Model,
  set: LandmarkSet,
  pictures: readonly AnnotatedPoints[],
  material: SetMaterial,
  onProgress?: (done: number, total: number) => void,
): Promise<SetStatistics | undefined> => {
  if (pictures.length < folds) return undefined;
  const references = Array.from({ length: folds }, (_, fold) => {
    const others = pictures.flatMap((_picture, index) => (index % folds === fold ? [] : [index]));
    const mean = referencesFrom(material, others, set.references);
    if (set.parts === undefined) return mean;
    return pictureReferences(material.views, material.kept, spread(others, mostVariants), mean);
  });
  const seen: PictureLook[] = [];
  const fitted: RefinerLook[] = [];
  const rows: (number | undefined)[] = [];
  const looks = lookAtPictures(pictures, {
    ...{ session, set, mirrored: true },
    views: Math.min(mostViews, Math.max(leastViews, Math.round(enoughLooks / pictures.length))),
    referencesOf: (picture) => references[picture % folds],
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  for await (const one of looks) {
    const { fit } = one.look;
    // A refiner learns from pictures that show all landmarks: where a hidden one is, nobody has said.
    const isComplete = one.seen.every((isSeen) => isSeen);
    const usable = isComplete ? fit : undefined;
    rows.push(usable === undefined ? undefined : fitted.length);
    if (usable !== undefined) fitted.push(refinerLook(one, usable, session.manifest));
    seen.push({ ...one, embedding: new Float32Array(0) });
  }
  const complete = pictures.filter((picture) => picture.seen?.every((isSeen) => isSeen) ?? true);
  const refinement =
    new Set(fitted.map(({ picture }) => picture)).size < folds
      ? undefined
      : fitRefiner(
          fitted,
          complete.map(({ points }) => points),
          set.meanShape,
        );
  const judged = seen.map((one, i) => {
    const row = rows[i];
    const { fit, points } = one.look;
    const found =
      refinement?.wins === true && row !== undefined && fit !== undefined
        ? refinement.refined[row].map((point) => applySimilarity(fit.transform, point))
        : points;
    return judgeLook(one, found, set.unit, rightWithin);
  });
  const calibration = fitCalibration(judged, rightWithin);
  if (refinement === undefined) return { calibration };
  const { wins, before, after, refiner } = refinement;
  const unit = unitLength(set.meanShape, set.unit);
  return {
    calibration,
    refining: { wins, before: before / unit, after: after / unit, ...(wins ? { refiner } : {}) },
  };
};
