import { InputError, shownValue } from '../errors.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import { imageToCrop, type Roi } from '../geometry/roi.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { shapeExtent } from '../landmarks/shape-fit.ts';
import type { PixelImage } from '../pipeline/crop.ts';
import { findObject } from '../pipeline/find-object.ts';
import { createPictureCropper } from '../pipeline/picture-cropper.ts';
import { buildLandmarkSet, type BuildOptions, type BuiltSet } from './build-landmark-set.ts';
import { checkPointLists, checkSetRequest, type SetPicture, type SetRequest } from './set-request.ts';

/** Where an object is: its box, image pixels. */
export type ObjectBox = {
  /** Image pixels. */ left: number;
  /** Image pixels. */ top: number;
  /** Image pixels. */ right: number;
  /** Image pixels. */ bottom: number;
};

/** A picture with landmarks marked on it. */
export type MarkedPicture = Omit<SetPicture, 'roi'> & {
  /** Where the object is; without it the network finds it by itself. */ box?: ObjectBox;
};

/** What a landmark set is to say, and the pictures that its landmarks are marked on. */
export type MarkedSet = Omit<SetRequest, 'pictures' | 'names'> & {
  pictures: readonly MarkedPicture[];
  /** Default: point 1, point 2 and so on. */ names?: readonly string[];
};

/** How a set is built where the network finds the object. */
export type MarkedOptions = Omit<BuildOptions, 'anchors'> & {
  /** Told, in one line, why a picture is left out; without it such a picture refuses them all. */
  onMiss?: (message: string) => void;
  /** What errors advise where the object is not found. */ remedy?: string;
};

/** A point may lie so far outside of the object's square, shares of its side: hats, chins, tails. */
const rim = 0.25;
/** Sides of the pictures around the points in which the object is sought, in extents of the points. */
const windows = [2, 4] as const;

const centerOf = (points: readonly Point[]): Point => ({
  x: points.reduce((sum, { x }) => sum + x, 0) / points.length,
  y: points.reduce((sum, { y }) => sum + y, 0) / points.length,
});

const roiOfBox = (box: ObjectBox, cropMargin: number, where: string): Roi => {
  // From callers without types.
  if (typeof box !== 'object' || (box as object | null) === null) {
    throw new InputError(
      `${where}.box is ${shownValue(box)}. Give { left, top, right, bottom } in pixels, or leave it out.`,
    );
  }
  const { left, top, right, bottom } = box;
  if (![left, top, right, bottom].every(Number.isFinite) || !(right > left) || !(bottom > top)) {
    throw new InputError(
      `${where}.box is from (${left}, ${top}) to (${right}, ${bottom}). Give left < right and top < bottom, pixels.`,
    );
  }
  const size = cropMargin * Math.max(right - left, bottom - top);
  return { center: { x: (left + right) / 2, y: (top + bottom) / 2 }, size, rotation: 0 };
};

/** A part of a picture by itself. @param side of the square around `center`, cut at the picture's edges, pixels */
const cutOut = (image: PixelImage, center: Point, side: number): { part: PixelImage; origin: Point } => {
  const { data, channels } = image;
  const from = (middle: number, length: number): number =>
    Math.round(Math.min(Math.max(middle - side / 2, 0), Math.max(0, length - side)));
  const origin = { x: from(center.x, image.width), y: from(center.y, image.height) };
  const width = Math.min(Math.ceil(side), image.width - origin.x);
  const height = Math.min(Math.ceil(side), image.height - origin.y);
  const part = new Uint8Array(width * height * channels);
  for (let row = 0; row < height; row++) {
    const start = ((row + origin.y) * image.width + origin.x) * channels;
    part.set(data.subarray(start, start + width * channels), row * width * channels);
  }
  return { part: { data: part, width, height, channels }, origin };
};

const holds = (roi: Roi, point: Point, slack: number): boolean => {
  const { x, y } = imageToCrop(point, roi, 1);
  return x >= -slack && y >= -slack && x <= 1 + slack && y <= 1 + slack;
};

/** The first point that lies off the square, beyond what sticks out of an object; -1 if there is none. */
const firstOff = (points: MarkedPicture['points'], roi: Roi): number =>
  points.findIndex((point) => point !== null && !holds(roi, point, rim));

/** @throws InputError where a point lies so far off the box that the network would not see it */
const checkInBox = (points: MarkedPicture['points'], roi: Roi, where: string): void => {
  const outside = firstOff(points, roi);
  if (outside < 0) return;
  throw new InputError(
    `${where}.points[${outside}] lies off ${where}.box. Give the box around the object that all points are on.`,
  );
};

const sizeOf = ({ width, height }: Size): string => `${width}×${height}`;

/**
 * The square of the object that the points lie on. Where the picture shows another one as well, which is found first, it
 * is sought again around the points alone.
 * @throws InputError where there is none, or the points lie on more than one
 */
const findMarked = async (
  own: LandmarkSet,
  { image, points: marked }: MarkedPicture,
  where: string,
  { session: model, remedy = 'Say where it is by a box, or mark another picture' }: MarkedOptions,
): Promise<Roi> => {
  const points = marked.filter((point) => point !== null);
  if (points.length === 0) {
    throw new InputError(`${where}.points are all null. Mark one at least, or leave the picture out.`);
  }
  const { category } = own;
  const options = { model, cropper: createPictureCropper<PixelImage>(), landmarkSet: own };
  const center = centerOf(points);
  const least = Math.min(image.width, image.height) / 4;
  const extent = Math.max(points.length < 2 ? 0 : shapeExtent(points), least);
  const found: Roi[] = [];
  const whole = await findObject(image, options);
  if (whole !== undefined) found.push(whole);
  for (const factor of windows) {
    if (found.some((roi) => holds(roi, center, 0))) break;
    const { part, origin } = cutOut(image, center, factor * extent);
    const roi = await findObject(part, options);
    if (roi === undefined) continue;
    found.push({ ...roi, center: { x: roi.center.x + origin.x, y: roi.center.y + origin.y } });
  }
  const roi = found.find((one) => holds(one, center, 0));
  if (roi === undefined) {
    throw new InputError(
      found.length === 0
        ? `${where} (${sizeOf(image)}): no ${category} is found in it. ${remedy}.`
        : `${where} (${sizeOf(image)}): the points lie beside the ${category} that is found in it. ${remedy}.`,
    );
  }
  const outside = firstOff(marked, roi);
  if (outside >= 0) {
    throw new InputError(
      `${where}.points[${outside}] lies off the ${category} that the others are on. Mark all points on one object.`,
    );
  }
  return roi;
};

/** Pictures with the square of the object that was said, or found. @throws InputError where it is found in none */
const locateMarked = async (
  own: LandmarkSet,
  pictures: readonly SetPicture[],
  options: MarkedOptions,
): Promise<SetPicture[]> => {
  const located: SetPicture[] = [];
  let reason: InputError | undefined;
  for (const [index, picture] of pictures.entries()) {
    const { name = `pictures[${index}]`, frame } = picture;
    const where = frame === undefined ? name : `${name}, frame ${frame}`;
    try {
      const roi = picture.roi ?? (await findMarked(own, picture, where, options));
      located.push({ ...picture, roi });
    } catch (error) {
      if (!(error instanceof InputError) || options.onMiss === undefined) throw error;
      reason = error;
      options.onMiss(error.message);
    }
  }
  if (reason !== undefined && located.length === 0) throw reason;
  return located;
};

/**
 * Makes a landmark set from points marked on one picture or several. Where the model has landmarks of its own, the object
 * is found by them, in these pictures and when tracking, so that one point is enough; else by the marked points, of which
 * it takes three.
 * @param own the model's own set
 * @throws InputError for points, names, boxes or lines that cannot be used, and where no object is found; ModelError
 * where the network hardly recognises them
 */
export const createMarkedSet = async (
  own: LandmarkSet | undefined,
  { pictures, names: given, ...rest }: MarkedSet,
  options: MarkedOptions,
): Promise<BuiltSet> => {
  checkPointLists(pictures);
  const names = given ?? pictures[0].points.map((_, n) => `point ${n + 1}`);
  const { cropMargin } = options.session.manifest;
  const boxed = pictures.map(({ box, ...picture }, index): SetPicture => {
    if (box === undefined) return picture;
    return { ...picture, roi: roiOfBox(box, cropMargin, `pictures[${index}]`) };
  });
  // What can be refused at once is refused before anything is sought.
  const unsought: Roi = { center: { x: 0, y: 0 }, size: 1, rotation: 0 };
  const sought = own === undefined ? boxed : boxed.map((picture) => ({ roi: unsought, ...picture }));
  checkSetRequest({ ...rest, names, pictures: sought });
  boxed.forEach(({ points, roi }, index) => {
    if (roi !== undefined) checkInBox(points, roi, `pictures[${index}]`);
  });
  if (own === undefined) return buildLandmarkSet({ ...rest, names, pictures: boxed }, options);
  const located = await locateMarked(own, boxed, options);
  return buildLandmarkSet({ ...rest, names, pictures: located }, { ...options, anchors: own });
};
