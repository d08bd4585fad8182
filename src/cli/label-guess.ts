/** Where labelled points are in another frame: what a labelling page begins with. */
import { correspondPictures } from '../correspond/correspond-pictures.ts';
import { InputError, ModelError } from '../errors.ts';
import type { Point } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { createMarkedSet } from '../landmark-maker/create-landmark-set.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import type { Model } from '../model/model.ts';
import type { PixelImage } from '../pipeline/crop.ts';
import { findObject } from '../pipeline/find-object.ts';
import { lookAt } from '../pipeline/look.ts';
import { createPictureCropper } from '../pipeline/picture-cropper.ts';

/** A labelled frame; null is hidden. */
export type LabelledPicture = { image: PixelImage; points: readonly (Point | null)[] };

/** A point as it is guessed: shares of the picture's size, and a confidence, 0–1. */
export type GuessedPoint = { x: number; y: number; confidence: number };

/** By fewer marked points nothing finds an object anew. */
const leastPoints = 3;

/** The square around the marked points, as the model wants it; the whole picture where they are too few. */
const squareAround = ({ image, points }: LabelledPicture, margin: number): Roi => {
  const seen = points.filter((point) => point !== null);
  const { width, height } = image;
  const [xs, ys] = [seen.map(({ x }) => x), seen.map(({ y }) => y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const side = seen.length < leastPoints ? 0 : margin * Math.max(right - left, bottom - top);
  if (!(side > 0)) {
    return { center: { x: width / 2, y: height / 2 }, size: Math.max(width, height), rotation: 0 };
  }
  return { center: { x: (left + right) / 2, y: (top + bottom) / 2 }, size: side, rotation: 0 };
};

/** Finds the object by a landmark set of what is labelled, as a tracker would; undefined where that does not work. */
const guessBySet = async (
  model: Model,
  set: LandmarkSet,
  target: PixelImage,
  near: Roi,
): Promise<GuessedPoint[] | undefined> => {
  const options = { model, cropper: createPictureCropper<PixelImage>(), landmarkSet: set };
  const roi = await findObject(target, { ...options, near });
  if (roi === undefined) return undefined;
  const [look] = await lookAt(target, [roi], options);
  return look.points.map(({ x, y }, n) => ({
    ...{ x: x / target.width, y: y / target.height, confidence: look.confidences[n] },
  }));
};

/** Matches each point from the most similar frame that shows it, in the same square: for what nothing finds anew. */
const guessByMatch = async (
  model: Model,
  labelled: readonly LabelledPicture[],
  target: PixelImage,
): Promise<(GuessedPoint | undefined)[]> => {
  const guesses: (GuessedPoint | undefined)[] = labelled[0].points.map(() => undefined);
  for (const one of labelled) {
    const missing = guesses.flatMap((guess, n) =>
      guess === undefined && one.points[n] !== null ? [{ n, point: one.points[n] }] : [],
    );
    if (missing.length === 0) continue;
    const roi = squareAround(one, model.manifest.cropMargin);
    const points = missing.map(({ point }) => point);
    const { points: found } = await correspondPictures(
      model,
      undefined,
      { image: one.image, roi },
      { image: target, roi },
      { points },
    );
    missing.forEach(({ n }, place) => {
      const { x, y, confidence } = found[place];
      guesses[n] = { x: x / target.width, y: y / target.height, confidence };
    });
  }
  return guesses;
};

/** Makes guesses; the landmark set of the labels is kept until they change. */
export const createPointGuesser = (model: Model, own: LandmarkSet | undefined) => {
  let made: { key: string; set: LandmarkSet | undefined } | undefined;
  const setOf = async (
    key: string,
    names: readonly string[],
    pictures: readonly LabelledPicture[],
  ): Promise<LandmarkSet | undefined> => {
    if (made?.key === key) return made.set;
    const request = { pictures, names };
    const set = await createMarkedSet(own, request, { session: model, statistics: false }).then(
      (built) => built.set,
      (error: unknown) => {
        // Too few points, or points that the network hardly knows: they are matched one by one.
        if (error instanceof InputError || error instanceof ModelError) return undefined;
        throw error;
      },
    );
    made = { key, set };
    return set;
  };
  /**
   * @param key of the labels: the same for the same
   * @param labelled frames, the one most like the target first
   * @returns (N) undefined of a point that no labelled frame shows
   */
  return async (
    key: string,
    names: readonly string[],
    labelled: readonly LabelledPicture[],
    target: PixelImage,
  ): Promise<(GuessedPoint | undefined)[]> => {
    if (labelled.length === 0) return names.map(() => undefined);
    const set = await setOf(key, names, labelled);
    const near = squareAround(labelled[0], model.manifest.cropMargin);
    const found = set && (await guessBySet(model, set, target, near));
    return found ?? (await guessByMatch(model, labelled, target));
  };
};
