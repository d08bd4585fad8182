import { InputError } from '../errors.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import { ibug68 } from '../landmarks/ibug68.ts';
import type { IndexPair } from '../landmarks/landmark-set.ts';
import { readJson } from '../files-node/read-json.ts';

/** The points of one picture. */
export type PicturePoints = {
  /** File name inside the folder of pictures. */ picture: string;
  /** (N) points in pixels of the picture, given its size. */ points: (size: Size) => Point[];
};

/** What a landmark set says that does not depend on the network. */
export type PointsFile = {
  names: readonly string[];
  connections: readonly IndexPair[];
  mirrorPairs: readonly IndexPair[];
  /** Two landmarks whose distance is the length that errors are told in. */ unit?: IndexPair;
  pictures: PicturePoints[];
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isIndexPair = (value: unknown, count: number): value is [number, number] =>
  Array.isArray(value) &&
  value.length === 2 &&
  value.every((index) => typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < count);

const isPoint = (value: unknown): value is [number, number] =>
  Array.isArray(value) &&
  value.length === 2 &&
  // Far beyond any picture: what is greater is no number any more once it is multiplied.
  value.every((part) => typeof part === 'number' && Math.abs(part) < 1e6);

/**
 * Reads points from either of two files: a landmark set (or just its `names` and `annotations`; points are shares of the
 * picture's size), or a data set's `landmarks.json` (`items[]` of `image` and `landmarks`, 68 points in iBUG order, pixels).
 * @throws InputError that names the file and what is wrong with it
 */
export const readPointsFile = async (path: string): Promise<PointsFile> => {
  const value = await readJson(path, 'Give a file with annotated points.');
  if (!isRecord(value))
    throw new InputError(`${path} is not a JSON object. Give a file with annotated points.`);
  if (Array.isArray(value.items)) return fromItems(path, value.items);
  if (Array.isArray(value.annotations)) return fromAnnotations(path, value);
  throw new InputError(
    `${path} has neither "annotations" (a landmark set's) nor "items" (a data set's). Annotate pictures first.`,
  );
};

/**
 * A landmark set with an empty name, or one given twice, would be refused by everything that reads it.
 * @throws InputError that names the file and the name
 */
export const checkNames = (path: string, names: readonly string[]): void => {
  const unusable = names.find((name, index) => name === '' || names.indexOf(name) < index);
  if (unusable === undefined) return;
  throw new InputError(
    `${path}: "names" has ${unusable === '' ? 'an empty name' : `"${unusable}" twice`}. Give each landmark a name of its own.`,
  );
};

/** @param toPixels what a number of the file counts, given the picture's size */
const readPicture = (
  where: string,
  picture: unknown,
  points: unknown,
  count: number,
  toPixels: (point: Point, size: Size) => Point,
): PicturePoints => {
  // A plain name: an annotation file must not make anyone read outside its folder.
  if (typeof picture !== 'string' || picture === '' || /[\\/]/.test(picture)) {
    throw new InputError(
      `${where} names the picture ${JSON.stringify(picture)}: give a file name without a folder.`,
    );
  }
  if (!Array.isArray(points) || points.length !== count || !points.every(isPoint)) {
    throw new InputError(
      `${where} (${picture}) has not ${count} points [x, y]. Annotate it again or remove it.`,
    );
  }
  const read = points.map(([x, y]) => ({ x, y }));
  return { picture, points: (size) => read.map((point) => toPixels(point, size)) };
};

const fromItems = (path: string, items: unknown[]): PointsFile => ({
  ...ibug68,
  pictures: items.map((item, index) => {
    const where = `${path}: items[${index}]`;
    if (!isRecord(item)) throw new InputError(`${where} is not an object. Give image and landmarks.`);
    return readPicture(where, item.image, item.landmarks, ibug68.names.length, (point) => point);
  }),
});

const fromAnnotations = (path: string, file: Record<string, unknown>): PointsFile => {
  const names: unknown = file.names;
  if (!Array.isArray(names) || names.length < 2 || !names.every((name) => typeof name === 'string')) {
    throw new InputError(
      `${path} has no "names", a list of at least two landmarks. Name what was annotated.`,
    );
  }
  checkNames(path, names);
  const pairs = (field: 'connections' | 'mirrorPairs'): IndexPair[] => {
    const value: unknown = file[field] ?? [];
    if (!Array.isArray(value) || !value.every((pair) => isIndexPair(pair, names.length))) {
      throw new InputError(
        `${path}: ${field} are not pairs of indices below ${names.length}. Repair or remove them.`,
      );
    }
    return value;
  };
  const { unit } = file;
  if (unit !== undefined && !isIndexPair(unit, names.length)) {
    throw new InputError(`${path}: unit is no pair of indices below ${names.length}. Repair or remove it.`);
  }
  const annotations = file.annotations as unknown[];
  return {
    names,
    connections: pairs('connections'),
    mirrorPairs: pairs('mirrorPairs'),
    ...(unit === undefined ? {} : { unit }),
    pictures: annotations.map((item, index) => {
      const where = `${path}: annotations[${index}]`;
      if (!isRecord(item)) throw new InputError(`${where} is not an object. Give picture and points.`);
      return readPicture(where, item.picture, item.points, names.length, ({ x, y }, { width, height }) => ({
        x: x * width,
        y: y * height,
      }));
    }),
  };
};
