import { InputError, shownValue } from '../errors.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import { imageToCrop, type Roi } from '../geometry/roi.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { toEmbeddingMap, type EmbeddingMap } from '../landmarks/matching.ts';
import type { Model } from '../model/model.ts';
import { rejectUnknownKeys } from '../options.ts';
import { cropToTensor, type PixelImage } from '../pipeline/crop.ts';
import { findObject } from '../pipeline/find-object.ts';
import { createPictureCropper } from '../pipeline/picture-cropper.ts';
import {
  denseMatches,
  fieldOf,
  inCropOf,
  matchPair,
  pointsOf,
  type CellGrid,
  type Correspondence,
  type DenseMatches,
  type MatchedPoint,
  type PairMatches,
  type Square,
} from './correspondence.ts';

/** A picture in memory, and where the object is in it. */
export type PictureSide = {
  image: PixelImage;
  /** Image pixels; without it the network finds it. */ roi?: Roi;
};

/** What to find of the first picture in the second, and how. */
export type CorrespondOptions = {
  /** Points of the first picture to find in the second, image pixels. */ points?: readonly Point[];
  /**
   * Resolutions at which the second picture is looked at, of that of its square: 0.5 takes in twice as much of the
   * picture, 2 half of it. For objects of unknown size; D2-Net does so at test time. Default [1].
   */
  pyramid?: readonly number[];
  /** How far the way there and back may miss, sides of the square. Default 0.02. */ tolerance?: number;
  /**
   * How far the matches of neighbours may lie off an affine map, sides of the square (root mean square). The less, the
   * fewer places are kept and the more of them are right; 1 keeps all that come home. Default 0.0075.
   */
  roughness?: number;
};

const correspondOptionKeys = [
  'points',
  'pyramid',
  'tolerance',
  'roughness',
] as const satisfies (keyof CorrespondOptions)[];

/** What `correspond` finds: everything, and the points that were asked for. */
export type PictureCorrespondence = {
  /** Every cell of the first picture's square. */ field: Correspondence;
  /** (N) one per point that was asked for. */ points: MatchedPoint[];
};

const mostLevels = 8;

/** @throws InputError that names the option and the remedy */
export const checkCorrespondOptions = (options: CorrespondOptions): void => {
  rejectUnknownKeys(options, correspondOptionKeys, 'correspond()');
  const { points, pyramid } = options;
  if (points !== undefined && !Array.isArray(points)) {
    throw new InputError(`points is ${shownValue(points)}. Give a list of { x, y }, or leave it out.`);
  }
  // From callers without types.
  points?.forEach((point: Partial<Point> | null | undefined, n) => {
    if (Number.isFinite(point?.x) && Number.isFinite(point?.y)) return;
    const shown =
      typeof point === 'object' && point !== null ? `(${point.x}, ${point.y})` : shownValue(point);
    throw new InputError(
      `points[${n}] is ${shown}. Give { x, y } in pixels of the first picture, as finite numbers.`,
    );
  });
  if (pyramid !== undefined) {
    const isList = Array.isArray(pyramid);
    const fits = isList && pyramid.every((level) => level > 0 && Number.isFinite(level));
    if (!fits || pyramid.length === 0 || pyramid.length > mostLevels) {
      throw new InputError(
        `pyramid is ${isList ? `[${pyramid.join(', ')}]` : shownValue(pyramid)}. Give 1 to ${mostLevels} resolutions above 0, for example [0.5, 1, 2].`,
      );
    }
  }
  for (const key of ['tolerance', 'roughness'] as const) {
    const share = options[key];
    if (share === undefined || (share > 0 && share <= 1)) continue;
    throw new InputError(`${key} is ${share}. Give a share of the square above 0, at most 1.`);
  }
};

/** A point beside its picture is mostly one of another picture. @throws InputError that names the point and the remedy */
const refuseOutside = (points: readonly Point[], { width, height }: Size): void => {
  points.forEach(({ x, y }, n) => {
    if (x >= 0 && y >= 0 && x <= width && y <= height) return;
    throw new InputError(
      `points[${n}] is (${x}, ${y}), outside of the first picture of ${width}×${height} pixels. Give pixels of that very picture.`,
    );
  });
};

/** @param roi from callers without types, too @throws InputError where it is no square */
const checkedSquare = (roi: Partial<Roi> | null, which: string): Roi => {
  const { center, size = NaN, rotation = NaN } = roi ?? {};
  const { x = NaN, y = NaN } = center ?? {};
  if (size > 0 && [x, y, size, rotation].every(Number.isFinite)) return { center: { x, y }, size, rotation };
  throw new InputError(
    `the roi of the ${which} picture has the centre (${x}, ${y}), size ${size} and rotation ${rotation}. Give { center: { x, y }, size, rotation }, finite numbers and a size above 0.`,
  );
};

/** A point may lie so far outside of the object's square, shares of its side. */
const rim = 0.25;

/** Points beside the object that was found are of another one. @throws InputError that names the point and the remedy */
const refuseBeside = (points: readonly Point[], roi: Roi, category: string): void => {
  points.forEach((point, n) => {
    const { x, y } = imageToCrop(point, roi, 1);
    if (Math.min(x, y) >= -rim && Math.max(x, y) <= 1 + rim) return;
    throw new InputError(
      `points[${n}] is (${point.x}, ${point.y}), beside the ${category} that is found in the first picture. Give points of that one, or say by a ROI which one is meant.`,
    );
  });
};

/**
 * Where the object is.
 * @param which how the error calls the picture
 * @throws InputError where it is not found, or nothing can look for it
 */
export const locateSide = async (
  model: Model,
  { image, roi }: PictureSide,
  landmarkSet: LandmarkSet | undefined,
  which: string,
): Promise<Roi> => {
  if (roi !== undefined) return checkedSquare(roi, which);
  const { category } = model.manifest;
  if (landmarkSet === undefined) {
    throw new InputError(
      `the model has no landmarks, by which it would find a ${category} in the ${which} picture. Say where it is by a ROI.`,
    );
  }
  const found = await findObject(image, {
    ...{ model, cropper: createPictureCropper<PixelImage>(), landmarkSet },
  });
  if (found !== undefined) return found;
  throw new InputError(
    `no ${category} is found in the ${which} picture (${image.width}×${image.height}). Say where it is by a ROI, or give a picture that shows one.`,
  );
};

/**
 * Embeds squares and compares them. On a GPU embeddings lie in its memory and stay there.
 */
export type SquareMatcher<Map extends CellGrid = CellGrid> = {
  /** @param crop (3, S, S) planar RGB, 0–1 */
  embed(crop: Float32Array): Promise<Map>;
  /** @param sought points of the first square beside its cells, crop pixels */
  match(a: Map, b: Map, sought: readonly Point[]): Promise<PairMatches>;
  /** Frees what the embeddings lay in. */ close?(): void;
};

const createMatcher = (model: Model): SquareMatcher<EmbeddingMap> => ({
  embed: async (crop) => toEmbeddingMap(model.manifest, await model.embed(crop)),
  match: (a, b, sought) => Promise.resolve(matchPair(a, b, sought, model.manifest.temperature)),
});

const matchPictures = async <Map extends CellGrid>(
  matcher: SquareMatcher<Map>,
  a: { image: PixelImage; roi: Roi },
  b: { image: PixelImage; rois: readonly Roi[] },
  points: readonly Point[],
  inputSize: number,
): Promise<DenseMatches> => {
  const embedAt = async (image: PixelImage, roi: Roi): Promise<Square<Map>> => ({
    roi,
    map: await matcher.embed(cropToTensor(image, roi, inputSize)),
  });
  const from = await embedAt(a.image, a.roi);
  const sought = inCropOf(from, points);
  const to: Square<Map>[] = [];
  const pairs: PairMatches[] = [];
  for (const roi of b.rois) {
    const square = await embedAt(b.image, roi);
    to.push(square);
    pairs.push(await matcher.match(from.map, square.map, sought));
  }
  return denseMatches(from, to, sought, pairs);
};

/**
 * Finds every place of one picture's object in another picture's, and some points more exactly.
 * @param landmarkSet by which the network finds the object where no ROI is given
 * @param matcher what embeds and compares; default: the model, and the CPU
 * @throws InputError for options that make no sense, and where an object is not found
 */
export const correspondPictures = async (
  model: Model,
  landmarkSet: LandmarkSet | undefined,
  a: PictureSide,
  b: PictureSide,
  options: CorrespondOptions = {},
  matcher?: SquareMatcher,
): Promise<PictureCorrespondence> => {
  checkCorrespondOptions(options);
  const { points = [], pyramid = [1], ...limits } = options;
  refuseOutside(points, a.image);
  const from = await locateSide(model, a, landmarkSet, 'first');
  if (a.roi === undefined) refuseBeside(points, from, model.manifest.category);
  const roi = await locateSide(model, b, landmarkSet, 'second');
  const rois = pyramid.map((level) => ({ ...roi, size: roi.size / level }));
  const matches = await matchPictures(
    matcher ?? createMatcher(model),
    { image: a.image, roi: from },
    { image: b.image, rois },
    points,
    model.manifest.inputSize,
  );
  return { field: { ...fieldOf(matches, limits), to: roi }, points: pointsOf(matches, limits) };
};
