import { fitCalibration } from './calibration-fit.ts';
import type { Calibration } from '../landmarks/calibration.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { averageViews, type ReferenceView } from './reference-builder.ts';
import type { Model } from '../model/model.ts';
import { lookAtPictures, type AnnotatedPoints } from './calibration-looks.ts';

/** A landmark counts as right within this share of the set's unit. */
export const rightWithin = 0.05;
/** Groups of pictures; each is looked at with references from the others. */
const folds = 5;
const viewsPerPicture = 8;

/** What a set is made of: (poses) of (pictures) views, and (pictures) of (N) which points count. */
export type SetMaterial = { views: readonly (readonly ReferenceView[])[]; kept: readonly boolean[][] };

/** References from some of the pictures. A landmark that none of them has kept is taken from all of them. */
const referencesFrom = ({ views, kept }: SetMaterial, pictures: readonly number[]): Float32Array => {
  const flags = pictures.map((picture) =>
    kept[picture].map((isKept, n) => isKept || !pictures.some((other) => kept[other][n])),
  );
  return averageViews(
    views.flatMap((ofPose) => pictures.map((picture) => ofPose[picture])),
    views.flatMap(() => flags),
  );
};

/**
 * Fits a set's calibration to the very pictures that it was made from, each seen with references from others: under
 * other light and optics, partly hidden, and with the square a little off.
 * @returns undefined for too few pictures to tell
 */
export const calibrateSet = async (
  session: Model,
  set: LandmarkSet,
  pictures: readonly AnnotatedPoints[],
  material: SetMaterial,
  onProgress?: (done: number, total: number) => void,
): Promise<Calibration | undefined> => {
  if (pictures.length < folds) return undefined;
  const references = Array.from({ length: folds }, (_, fold) =>
    referencesFrom(
      material,
      pictures.flatMap((_picture, index) => (index % folds === fold ? [] : [index])),
    ),
  );
  const looks = await lookAtPictures(pictures, {
    ...{ session, set, views: viewsPerPicture, tolerance: rightWithin },
    referencesOf: (picture) => references[picture % folds],
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  return fitCalibration(looks, rightWithin);
};
