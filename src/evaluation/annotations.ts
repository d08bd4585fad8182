import { InputError } from '../errors.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { ibugPointCount } from '../landmarks/point-sets.ts';

/** One picture with its points. */
export type AnnotatedPicture = {
  /** File name inside the folder. */ image: string;
  /** Box of the object, image pixels. */ box: { left: number; top: number; right: number; bottom: number };
  /** (68) image pixels, iBUG order; the centre of the top-left pixel is (0.5, 0.5). */
  landmarks: readonly Point[];
};

/** A folder of pictures with its `landmarks.json`. */
export type AnnotatedFolder = {
  /** Path without links, so that two ways to the same folder are seen to be the same. */ path: string;
  /** Size that every picture has, if the file says so. */ imageSize?: Size;
  items: readonly AnnotatedPicture[];
};

const isNumbers = (value: unknown, length: number): value is number[] =>
  Array.isArray(value) &&
  value.length === length &&
  value.every((entry) => typeof entry === 'number' && Number.isFinite(entry));

const toPoint = ([x, y]: number[]): Point => ({ x, y });

const boxOf = (points: readonly Point[]): AnnotatedPicture['box'] => ({
  left: Math.min(...points.map(({ x }) => x)),
  top: Math.min(...points.map(({ y }) => y)),
  right: Math.max(...points.map(({ x }) => x)),
  bottom: Math.max(...points.map(({ y }) => y)),
});

const toItem = (value: unknown, where: string): AnnotatedPicture => {
  if (typeof value !== 'object' || value === null) throw new InputError(`${where} is not an object.`);
  const { image, box, landmarks } = value as Record<string, unknown>;
  if (typeof image !== 'string' || image === '') {
    throw new InputError(`${where} has no "image": give the picture's file name.`);
  }
  // A plain name: an annotation file must not make anyone read outside its folder.
  if (/[\\/]/.test(image)) {
    throw new InputError(`${where} names the picture "${image}": give a file name without a folder.`);
  }
  if (!Array.isArray(landmarks) || landmarks.length !== ibugPointCount) {
    const found = Array.isArray(landmarks) ? landmarks.length : 'none';
    throw new InputError(
      `${where} (${image}) has ${found} landmarks but ${ibugPointCount} in iBUG order are needed.`,
    );
  }
  const points = landmarks.map((entry: unknown, index) => {
    if (!isNumbers(entry, 2)) {
      throw new InputError(`${where} (${image}): landmark ${index} is not [x, y] in pixels.`);
    }
    return toPoint(entry);
  });
  if (box === undefined) return { image, landmarks: points, box: boxOf(points) };
  if (!isNumbers(box, 4) || box[2] <= box[0] || box[3] <= box[1]) {
    throw new InputError(
      `${where} (${image}) has a box that is not [x0, y0, x1, y1] with x0 < x1 and y0 < y1.`,
    );
  }
  const [left, top, right, bottom] = box;
  return { image, landmarks: points, box: { left, top, right, bottom } };
};

/**
 * What stands in a folder's `landmarks.json`: `items[]` of `image`, `box` (x0, y0, x1, y1; the points' own box where
 * it is missing) and `landmarks` (68 × [x, y], iBUG order, pixels). Other keys are left alone.
 * @param file how errors call it
 * @throws InputError that names the file, the item and what is wrong with it
 */
export const checkAnnotations = (value: unknown, file: string): Omit<AnnotatedFolder, 'path'> => {
  const { items, imageSize } = (value ?? {}) as Record<string, unknown>;
  if (!Array.isArray(items)) {
    throw new InputError(`${file} has no list "items". Give items of image, box and landmarks.`);
  }
  if (items.length === 0) throw new InputError(`${file} lists no pictures. Annotate at least one.`);
  return {
    ...(isNumbers(imageSize, 2) ? { imageSize: { width: imageSize[0], height: imageSize[1] } } : {}),
    items: items.map((item: unknown, index) => toItem(item, `${file}: items[${index}]`)),
  };
};

/**
 * ROI side over the longer side of the box, where a protocol counts in pixels of the crop: the same for all models, so
 * that their figures compare.
 */
export const protocolCropMargin = 1.6;

/**
 * The protocols' crop: a square on the centre of the box.
 * @param margin ROI side over the longer side of the box
 */
export const protocolRoi = (
  { left, top, right, bottom }: AnnotatedPicture['box'],
  margin: number = protocolCropMargin,
): Roi => ({
  center: { x: (left + right) / 2, y: (top + bottom) / 2 },
  size: margin * Math.max(right - left, bottom - top),
  rotation: 0,
});
