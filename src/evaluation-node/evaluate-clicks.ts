import { createRandom } from '../augment/random.ts';
import { InputError } from '../errors.ts';
import {
  averageSummaries,
  landmarkErrors,
  summarizeErrors,
  type AccuracySummary,
} from '../evaluation/accuracy.ts';
import type { AnnotatedFolder, AnnotatedPicture } from '../evaluation/annotations.ts';
import type { OnSkip } from '../evaluation/evaluation-model.ts';
import type { Roi } from '../geometry/roi.ts';
import { createMarkedSet } from '../landmark-maker/create-landmark-set.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { interOcularDistance, selectPoints } from '../landmarks/point-sets.ts';
import type { Model } from '../model/model.ts';
import type { PixelImage } from '../pipeline/crop.ts';
import { findObject } from '../pipeline/find-object.ts';
import { lookAt } from '../pipeline/look.ts';
import { createPictureCropper } from '../pipeline/picture-cropper.ts';
import { roiOfShape } from '../pipeline/roi-of-shape.ts';
import { decodeAnnotated } from './load-evaluation-crops.ts';

export type ClickEvaluationOptions = {
  model: Model;
  /** The model's own landmarks, by which objects are found. */ own: LandmarkSet;
  folder: AnnotatedFolder;
  /** Sets to make, each from one picture. */ draws: number;
  seed: number;
  onProgress?: (done: number, total: number) => void;
  onSkip?: OnSkip;
};

/** A set made from one picture. */
type Draw = { item: AnnotatedPicture; set: LandmarkSet };

/**
 * What a user gets: five points are marked on one picture, and found in all others, the objects found by the network in
 * both. Held against the one-shot protocol of `evaluateLandmarks` it says what the product loses on the way.
 * @returns shares of the IOD, averaged over the draws
 * @throws InputError where no set can be made, or the object is found in no picture
 */
export const evaluateClicks = async ({
  model,
  own,
  folder,
  draws: count,
  seed,
  onProgress,
  onSkip,
}: ClickEvaluationOptions): Promise<AccuracySummary & { notFound: number }> => {
  const cropper = createPictureCropper<PixelImage>();
  const open = async (item: AnnotatedPicture): Promise<PixelImage> => {
    const { rgb, width, height } = await decodeAnnotated(folder, item);
    return { data: rgb, width, height, channels: 3 };
  };
  const draws: Draw[] = [];
  // As `evaluateLandmarks` draws its references, so that the same pictures are marked.
  for (let draw = 0; draw < count; draw++) {
    const [index] = createRandom(seed, draw).shuffle(folder.items.map((_, i) => i));
    const item = folder.items[index];
    try {
      const points = selectPoints(item.landmarks, '5');
      const { set } = await createMarkedSet(
        own,
        { pictures: [{ image: await open(item), points }] },
        { session: model },
      );
      draws.push({ item, set });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      onSkip?.(`${item.image}: ${error.message}`);
    }
  }
  if (draws.length === 0)
    throw new InputError('no set can be made. Give pictures in which objects are found.');
  const errors: number[][][] = draws.map(() => []);
  let notFound = 0;
  for (const [done, item] of folder.items.entries()) {
    onProgress?.(done, folder.items.length);
    const image = await open(item);
    const roi: Roi | undefined = await findObject(image, { model, cropper, landmarkSet: own });
    if (roi === undefined) {
      notFound++;
      continue;
    }
    const truth = selectPoints(item.landmarks, '5');
    for (const [draw, { item: marked, set }] of draws.entries()) {
      if (marked === item) continue;
      const [look] = await lookAt(image, [roi], { model, cropper, landmarkSet: set });
      // As the tracker does on a find: the square that the look implies is looked through.
      const settled = look.fit === undefined ? roi : roiOfShape(look.fit.transform);
      const [again] = await lookAt(image, [settled], { model, cropper, landmarkSet: set });
      errors[draw].push(landmarkErrors(again.points, truth, interOcularDistance(item.landmarks)));
    }
  }
  onProgress?.(folder.items.length, folder.items.length);
  if (errors.some((ofDraw) => ofDraw.length === 0)) {
    throw new InputError(
      `no object is found in the pictures of ${folder.path}. Give pictures that show one.`,
    );
  }
  return { ...averageSummaries(errors.map((ofDraw) => summarizeErrors(ofDraw))), notFound };
};
