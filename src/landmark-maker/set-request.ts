/** What a landmark set is made of, and what of it can be refused before any network runs. */
import { InputError, shownValue } from '../errors.ts';
import type { Point } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { counted } from '../landmarks/counted.ts';
import type { IndexPair } from '../landmarks/landmark-set.ts';
import { shapeExtent } from '../landmarks/shape-fit.ts';
import type { PixelImage } from '../pipeline/crop.ts';

/** A picture with the landmarks on it. */
export type SetPicture = {
  image: PixelImage;
  /** (N) the same landmarks in the same order in every picture, image pixels; null is a hidden one. */
  points: readonly (Point | null)[];
  /** The object's ROI, image pixels; without it the box of the points tells where the object is. */ roi?: Roi;
  /** File name, which is kept in the set beside the points. */ name?: string;
  /** Where the name is a video's: which frame. */ frame?: number;
};

/** What a landmark set says, and the pictures that it is made from. */
export type SetRequest = {
  pictures: readonly SetPicture[];
  /** (N) all different. */ names: readonly string[];
  /** Lines to draw, landmarks by index. */ connections?: readonly IndexPair[];
  /** Landmarks that change places in a mirrored picture. */ mirrorPairs?: readonly IndexPair[];
  /** Two landmarks whose distance is the length that errors are told in. */ unit?: IndexPair;
  /**
   * Whether the object bends, as an arm, a hand or an animal does: it is then found and followed by its parts, which hang
   * together as `connections` say, and not by one shape. Default false.
   */
  bends?: boolean;
};

/** With fewer points neither the size nor the direction of the object can be told from their matches. */
export const leastLandmarks = 3;
/** With more, matching takes longer than the network itself. */
export const mostLandmarks = 500;

const checkNames = (names: readonly unknown[]): void => {
  if (!Array.isArray(names)) {
    throw new InputError(`names is ${shownValue(names)}. Give a list of names, one per landmark.`);
  }
  if (names.length === 0) throw new InputError('names is an empty list. Name one landmark at least.');
  if (names.length > mostLandmarks) {
    throw new InputError(
      `names has ${names.length} landmarks but a set holds ${mostLandmarks} at most. Mark fewer points.`,
    );
  }
  names.forEach((name, index) => {
    if (typeof name !== 'string' || name.trim() === '') {
      const shown = name === undefined ? 'missing' : JSON.stringify(name);
      throw new InputError(
        `names[${index}] is ${shown}, which is no name. Name the landmark, or take its points out of every picture.`,
      );
    }
    const first = names.indexOf(name);
    if (first < index) {
      throw new InputError(
        `names[${index}] is "${name}", as names[${first}] is. Give every landmark a name of its own.`,
      );
    }
  });
};

/**
 * Looks at no more than how many points there are, so that names can be made for them.
 * @throws InputError where there are none, or too many for a set
 */
export const checkPointLists = (pictures: readonly { points: readonly unknown[] }[]): void => {
  if (!Array.isArray(pictures)) {
    throw new InputError(`pictures is ${shownValue(pictures)}. Give a list of pictures with points.`);
  }
  if (pictures.length === 0) {
    throw new InputError('pictures is an empty list. Mark the landmarks on one picture at least.');
  }
  (pictures as ({ points?: unknown } | null | undefined)[]).forEach((picture, index) => {
    const points = picture?.points;
    const where = `pictures[${index}].points`;
    if (!Array.isArray(points)) {
      throw new InputError(`${where} is ${shownValue(points)}. Give a list of points, one per landmark.`);
    }
    if (points.length === 0) throw new InputError(`${where} is an empty list. Mark one landmark at least.`);
    if (points.length > mostLandmarks) {
      throw new InputError(
        `${where} has ${points.length} landmarks but a set holds ${mostLandmarks} at most. Mark fewer points.`,
      );
    }
  });
};

const checkPairs = (field: string, pairs: readonly IndexPair[] | undefined, count: number): void => {
  if (pairs !== undefined && !Array.isArray(pairs)) {
    throw new InputError(`${field} is ${shownValue(pairs)}. Give a list of [index, index].`);
  }
  pairs?.forEach((pair: readonly number[], index) => {
    if (!Array.isArray(pair)) {
      throw new InputError(`${field}[${index}] is ${shownValue(pair)}. Give [index, index].`);
    }
    if (pair.length === 2 && pair.every((n) => Number.isInteger(n) && n >= 0 && n < count)) return;
    throw new InputError(
      `${field}[${index}] is [${pair.join(', ')}] but the set has ${counted(count, 'name')}. Give two indices from 0 to ${count - 1}.`,
    );
  });
};

const checkPoint = (where: string, point: Point | null, { width, height }: PixelImage): void => {
  if (point === null) return;
  if (typeof point !== 'object') {
    throw new InputError(
      `${where} is ${shownValue(point)}. Give { x, y } in pixels, or null for a hidden one.`,
    );
  }
  const { x, y } = point;
  if (!Number.isFinite(x) || !Number.isFinite(y)) {
    throw new InputError(`${where} is (${x}, ${y}). Give pixels of the picture, as finite numbers.`);
  }
  if (x < 0 || y < 0 || x > width || y > height) {
    throw new InputError(
      `${where} is (${x}, ${y}), outside of its picture of ${width}×${height} pixels. Give pixels of that very picture.`,
    );
  }
};

const checkRoi = (where: string, { center, size, rotation }: Roi): void => {
  if ([center.x, center.y, rotation].every(Number.isFinite) && size > 0 && Number.isFinite(size)) return;
  throw new InputError(
    `${where} has the centre (${center.x}, ${center.y}), size ${size} and rotation ${rotation}. Give a square with a size above 0.`,
  );
};

/**
 * @param where what the picture is called in messages
 * @throws InputError where no landmark set can be made from the picture
 */
export const checkPicture = (where: string, picture: SetPicture, names: readonly string[]): void => {
  const { image, points, roi } = picture;
  if (points.length !== names.length) {
    throw new InputError(
      `${where}.points has ${counted(points.length, 'point')} for ${counted(names.length, 'name')}. Mark each landmark once in every picture.`,
    );
  }
  points.forEach((point, n) => {
    checkPoint(`${where}.points[${n}]`, point, image);
  });
  if (roi !== undefined) {
    checkRoi(`${where}.roi`, roi);
    return;
  }
  if (names.length < leastLandmarks) {
    throw new InputError(
      `${where} has ${counted(names.length, 'point')}, by which the object cannot be found. Mark ${leastLandmarks} or more, or say where the object is.`,
    );
  }
  const seen = points.filter((point) => point !== null);
  if (seen.length < 2) {
    throw new InputError(
      `${where} shows ${seen.length} of its ${counted(points.length, 'point')}, the others are null. Mark 2 or more in every picture, or leave it out.`,
    );
  }
  if (!(shapeExtent(seen) > 0)) {
    throw new InputError(`${where}.points lie all in one place. Mark points apart from each other.`);
  }
};

/** @throws InputError that names the field, what is wrong with it, and the remedy */
export const checkSetRequest = (request: SetRequest): void => {
  const { pictures, names, connections, mirrorPairs, unit, bends } = request;
  checkPointLists(pictures);
  checkNames(names);
  checkPairs('connections', connections, names.length);
  checkPairs('mirrorPairs', mirrorPairs, names.length);
  if (bends !== undefined && typeof bends !== 'boolean') {
    throw new InputError(`bends is ${shownValue(bends)}. Give true or false, or leave it out.`);
  }
  checkPairs('unit', unit === undefined ? undefined : [unit], names.length);
  pictures.forEach((picture, index) => {
    checkPicture(`pictures[${index}]`, picture, names);
  });
  const unseen = names.findIndex((_, n) => pictures.every(({ points }) => points[n] === null));
  if (unseen >= 0) {
    throw new InputError(
      `"${names[unseen]}" is hidden (null) in every picture. Mark it in one, or take it out of the names.`,
    );
  }
  const located = pictures.filter(({ roi }) => roi !== undefined).length;
  if (located > 0 && located < pictures.length) {
    throw new InputError(
      `${located} of the ${pictures.length} pictures say where the object is. Say it for all or for none.`,
    );
  }
};
