/** Files of marked points: what the labelling page, converters and commands read and write. */
import { InputError, shownValue } from '../errors.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import { counted } from './counted.ts';
import { ibug68 } from './ibug68.ts';
import type { Annotation, IndexPair } from './landmark-set.ts';

/** Points of several pictures, or frames of videos. */
export type PointsFile = {
  /** N names, all different. */ names: readonly string[];
  /** (N) CSS colours, where somebody chose them. */ colors?: readonly string[];
  /** Lines to draw, points by index. */ connections: readonly IndexPair[];
  /** Points that change places in a mirrored picture, by index. */ mirrorPairs: readonly IndexPair[];
  /** Two points whose distance is the length that errors are told in. */ unit?: IndexPair;
  /** Whether points are pixels instead of shares: the file has `items` instead of `annotations`. */ pixels: boolean;
  /** Points are shares of the picture's width and height, or pixels. */ marks: readonly Annotation[];
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isIndexPair = (value: unknown, count: number): value is [number, number] =>
  Array.isArray(value) &&
  value.length === 2 &&
  value.every((index) => typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < count);

const isPlace = (value: unknown): value is [number, number] =>
  Array.isArray(value) &&
  value.length === 2 &&
  // Far beyond any picture: what is greater is no number any more once it is multiplied.
  value.every((part) => typeof part === 'number' && Math.abs(part) < 1e6);

/** Beyond the picture's edges people guess now and then, but never as far as this; pixels are beyond it at once. */
const greatestShare = 2;

/**
 * A file of points with an empty name, or one given twice, would be refused by everything that reads it.
 * @throws InputError that names the file and the name
 */
const checkNames = (path: string, value: unknown): string[] => {
  if (!Array.isArray(value) || value.length === 0 || !value.every((name) => typeof name === 'string')) {
    throw new InputError(`${path} has no "names", a list of texts. Name what was annotated.`);
  }
  const names = value;
  const unusable = names.find((name, index) => name === '' || names.indexOf(name) < index);
  if (unusable === undefined) return names;
  throw new InputError(
    `${path}: "names" has ${unusable === '' ? 'an empty name' : `"${unusable}" twice`}. Give each landmark a name of its own.`,
  );
};

/** A plain name: a file of points must not make anyone read outside its folder. @throws InputError */
const fileName = (where: string, key: string, value: unknown): string => {
  if (typeof value === 'string' && value !== '' && !/[\\/]/.test(value)) return value;
  throw new InputError(
    `${where} names the ${key} ${JSON.stringify(value)}: give a file name without a folder.`,
  );
};

const placeOf = (
  where: string,
  item: Record<string, unknown>,
): Pick<Annotation, 'picture' | 'video' | 'frame'> => {
  const { frame, video, picture = item.image } = item;
  if (frame !== undefined && !(Number.isInteger(frame) && (frame as number) >= 0)) {
    throw new InputError(`${where}: "frame" is ${shownValue(frame)}. Give a whole number, counted from 0.`);
  }
  if (video !== undefined && frame === undefined) {
    throw new InputError(`${where} names a video but no "frame". Add the frame, counted from 0.`);
  }
  if (picture === undefined && frame === undefined) {
    throw new InputError(
      `${where} says neither its picture nor its video and frame. Add "picture", or "video" and "frame", counted from 0.`,
    );
  }
  return {
    ...(picture === undefined ? {} : { picture: fileName(where, 'picture', picture) }),
    ...(video === undefined ? {} : { video: fileName(where, 'video', video) }),
    ...(frame === undefined ? {} : { frame: frame as number }),
  };
};

/** How messages call the picture or frame that points are of. */
export const markedName = ({ picture, video, frame }: Omit<Annotation, 'points'>): string =>
  video === undefined ? (picture ?? `frame ${frame}`) : `${video}, frame ${frame}`;

const readMark = (where: string, item: unknown, names: readonly string[], pixels: boolean): Annotation => {
  const [key, list] = pixels ? ['image', 'landmarks'] : ['picture', 'points'];
  if (!isRecord(item)) throw new InputError(`${where} is not an object. Give ${key} and ${list}.`);
  const place = placeOf(where, item);
  const called = `${where} (${markedName(place)})`;
  const points: unknown = item[list];
  if (!Array.isArray(points) || points.length !== names.length) {
    const found = Array.isArray(points) ? counted(points.length, list.slice(0, -1)) : `no ${list}`;
    throw new InputError(
      `${called} has ${found} for ${counted(names.length, 'name')}. Give one [x, y] for each, or null where it is hidden.`,
    );
  }
  const read = points.map((point: unknown, n): Point | null => {
    if (point === null) return null;
    if (isPlace(point)) return { x: point[0], y: point[1] };
    throw new InputError(
      `${called}: "${names[n]}" is neither [x, y] nor null, which is a hidden point. Repair it.`,
    );
  });
  const far = read.findIndex((point) => point !== null && Math.max(point.x, point.y) > greatestShare);
  if (!pixels && far >= 0) {
    throw new InputError(
      `${called}: "${names[far]}" is ${JSON.stringify(points[far])}, which looks like pixels, and points of annotations are shares of the picture's size. Divide x by its width and y by its height, or give "items" with "image" and "landmarks", which are pixels.`,
    );
  }
  return { ...place, points: read };
};

/** Pixels of which not one is beyond the first of the picture are shares. @throws InputError with the remedy */
const refuseShares = (path: string, marks: readonly Annotation[]): void => {
  const points = marks.flatMap((mark) => mark.points.flatMap((point) => (point === null ? [] : [point])));
  if (points.length < 3 || points.some(({ x, y }) => Math.max(x, y) > greatestShare)) return;
  throw new InputError(
    `${path}: the landmarks of its "items" are all between 0 and ${greatestShare}, which looks like shares, and those of items are pixels. Multiply x by the width of the picture and y by its height, or give "annotations" with "picture" and "points", which are shares.`,
  );
};

const parsePairs = (path: string, field: string, value: unknown, count: number): IndexPair[] => {
  if (Array.isArray(value) && value.every((pair) => isIndexPair(pair, count))) return value;
  throw new InputError(`${path}: ${field} are not pairs of indices below ${count}. Repair or remove them.`);
};

/**
 * Checks a file of marked points: `names` and either `annotations`, whose `points` are shares of the picture's size, or
 * `items`, whose `landmarks` are pixels. Each has `picture` (or `image`), a file name, or `video` and `frame`, counted
 * from 0. `null` is a hidden point. A landmark set is such a file, and so is a data set of 68 points in iBUG order,
 * which needs no names.
 * @param value what JSON.parse gave
 * @param path how errors call the file
 * @throws InputError that names the file, the entry, what is wrong with it and the remedy
 */
export const checkPointsFile = (value: unknown, path: string): PointsFile => {
  if (!isRecord(value))
    throw new InputError(`${path} is not a JSON object. Give a file with annotated points.`);
  const pixels = Array.isArray(value.items);
  const entries: unknown = pixels ? value.items : value.annotations;
  const list = pixels ? 'items' : 'annotations';
  if (!Array.isArray(entries)) {
    throw new InputError(
      `${path} has neither "annotations" (a landmark set's) nor "items" (a data set's). Annotate pictures first.`,
    );
  }
  const isIbug = pixels && value.names === undefined;
  const names = isIbug ? ibug68.names : checkNames(path, value.names);
  const count = names.length;
  const { colors, unit } = value;
  if (colors !== undefined && !(Array.isArray(colors) && colors.every((one) => typeof one === 'string'))) {
    throw new InputError(`${path}: "colors" is no list of texts. Repair or remove it.`);
  }
  if (colors !== undefined && colors.length !== count) {
    throw new InputError(
      `${path} has ${counted(colors.length, 'color')} for ${counted(count, 'name')}. Give one for each.`,
    );
  }
  if (unit !== undefined && !isIndexPair(unit, count)) {
    throw new InputError(`${path}: unit is no pair of indices below ${count}. Repair or remove it.`);
  }
  const marks = entries.map((item: unknown, index) =>
    readMark(`${path}: ${list}[${index}]`, item, names, pixels),
  );
  if (pixels) refuseShares(path, marks);
  if (isIbug) return { ...ibug68, pixels, marks };
  return {
    names,
    ...(colors === undefined ? {} : { colors: colors }),
    connections: parsePairs(path, 'connections', value.connections ?? [], count),
    mirrorPairs: parsePairs(path, 'mirrorPairs', value.mirrorPairs ?? [], count),
    ...(unit === undefined ? {} : { unit }),
    pixels,
    marks,
  };
};

/** A marked point in pixels. @param size of the picture, pixels */
export const pixelsOf = (
  { pixels }: Pick<PointsFile, 'pixels'>,
  { points }: Annotation,
  { width, height }: Size,
): (Point | null)[] =>
  points.map((point) => (point === null || pixels ? point : { x: point.x * width, y: point.y * height }));

/** Ten-thousandths of a share are finer than a pixel of any picture that is marked by hand. */
const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

/** The text of a file of points, one picture or frame a line; `parsePointsFile` reads it. */
export const serializePointsFile = (file: PointsFile): string => {
  const { names, colors, connections, mirrorPairs, unit, pixels, marks } = file;
  const [list, key, entries] = pixels
    ? ['items', 'image', 'landmarks']
    : ['annotations', 'picture', 'points'];
  const rows = marks.map(({ picture, video, frame, points }) =>
    JSON.stringify({
      ...(picture === undefined ? {} : { [key]: picture }),
      ...(video === undefined ? {} : { video }),
      ...(frame === undefined ? {} : { frame }),
      [entries]: points.map((point) =>
        point === null ? null : [point.x, point.y].map((part) => rounded(part, pixels ? 3 : 5)),
      ),
    }),
  );
  const head = {
    names,
    ...(colors === undefined ? {} : { colors }),
    ...(connections.length === 0 ? {} : { connections }),
    ...(mirrorPairs.length === 0 ? {} : { mirrorPairs }),
    ...(unit === undefined ? {} : { unit }),
  };
  const fields = Object.entries(head).map(([name, value]) => `  "${name}": ${JSON.stringify(value)}`);
  return `{\n${fields.join(',\n')},\n  "${list}": [\n    ${rows.join(',\n    ')}\n  ]\n}\n`;
};

/**
 * Reads a file of marked points: `points.json` of the labelling page, a landmark set, a data set's `landmarks.json`. It
 * has `names` and either `annotations`, whose `points` are shares of the picture's size, or `items`, whose `landmarks` are
 * pixels; each with `picture` (or `image`), or `video` and `frame`. `null` is a hidden point.
 * @param source the file's name for error messages
 * @throws InputError that names the file, the entry, what is wrong with it and the remedy
 */
export const parsePointsFile = (text: string, source = 'points.json'): PointsFile => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${source} is not JSON. Give a file with annotated points.`, { cause: error });
  }
  return checkPointsFile(value, source);
};
