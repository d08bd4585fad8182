import { InputError } from '../errors.ts';
import type { LabelledFrame } from '../evaluation/evaluate-points.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import { readJson } from '../files-node/read-json.ts';
import { checkNames } from './read-points.ts';

/** Points that somebody labelled in frames of a video. */
export type Labels = { names: readonly string[]; frames: LabelledFrame[] };

export type LabelContext = {
  /** Of the frames, pixels. */ size: Size;
  /** Index of the frame that a picture is, where frames are pictures of a folder. */
  frameOf?: (picture: string) => number | undefined;
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isPair = (value: unknown): value is [number, number] =>
  Array.isArray(value) &&
  value.length === 2 &&
  value.every((part) => typeof part === 'number' && Number.isFinite(part));

/** Reads JSON, as an object. @throws InputError that names the file */
export const readJsonObject = async (path: string, remedy: string): Promise<Record<string, unknown>> => {
  const value = await readJson(path, remedy);
  if (!isRecord(value)) throw new InputError(`${path} is not a JSON object. ${remedy}`);
  return value;
};

const frameIndex = (
  item: Record<string, unknown>,
  where: string,
  frameOf: LabelContext['frameOf'],
): number => {
  const { frame, picture = item.image } = item;
  if (typeof frame === 'number' && Number.isInteger(frame) && frame >= 0) return frame;
  if (typeof picture !== 'string') {
    throw new InputError(
      `${where} says neither its "frame", counted from 0, nor its picture. Add one of them.`,
    );
  }
  const index = frameOf?.(picture);
  if (index !== undefined) return index;
  throw new InputError(
    frameOf === undefined
      ? `${where} names the picture "${picture}", and which frame that is tells only the folder that was tracked. Give it as --video.`
      : `${where} names the picture "${picture}", which is not in the folder that --video names. Give the folder that was tracked.`,
  );
};

/**
 * Reads labels: `names` and either `items`, whose `landmarks` are pixels, or `annotations`, whose `points` are shares of
 * the frame's size; each with `frame` (counted from 0) or the name of a picture. `null` is a point that is hidden.
 * @throws InputError that names the file, the entry and what is wrong with it
 */
export const readLabels = async (path: string, { size, frameOf }: LabelContext): Promise<Labels> => {
  const file = await readJsonObject(path, 'Give a file of labelled points.');
  const { names } = file;
  if (!Array.isArray(names) || names.length === 0 || !names.every((name) => typeof name === 'string')) {
    throw new InputError(`${path} has no "names", a list of texts. Name the points that are labelled.`);
  }
  checkNames(path, names);
  const inPixels = Array.isArray(file.items);
  const entries: unknown = inPixels ? file.items : file.annotations;
  const list = inPixels ? 'items' : 'annotations';
  if (!Array.isArray(entries) || entries.length === 0) {
    throw new InputError(
      `${path} has neither "items" (pixels) nor "annotations" (shares). Label some frames.`,
    );
  }
  const scale = inPixels ? { width: 1, height: 1 } : size;
  const frames = entries.map((item: unknown, index): LabelledFrame => {
    const where = `${path}: ${list}[${index}]`;
    if (!isRecord(item)) throw new InputError(`${where} is not an object. Give a frame and its points.`);
    const points: unknown = inPixels ? item.landmarks : item.points;
    if (!Array.isArray(points) || points.length !== names.length) {
      const found = Array.isArray(points) ? points.length : 'no';
      throw new InputError(
        `${where} has ${found} points but there are ${names.length} names. Give one for each, or null.`,
      );
    }
    return {
      frame: frameIndex(item, where, frameOf),
      points: points.map((point: unknown, n): Point | undefined => {
        if (point === null) return undefined;
        if (!isPair(point)) {
          throw new InputError(
            `${where}: "${names[n]}" is neither [x, y] nor null, which is a hidden point. Repair it.`,
          );
        }
        if (!inPixels && Math.max(...point) > 2) {
          throw new InputError(
            `${where}: "${names[n]}" is [${point.join(', ')}], which looks like pixels, and points of annotations are shares of the frame's size. Divide them by ${size.width} and ${size.height}, or give "items" with "landmarks".`,
          );
        }
        return { x: point[0] * scale.width, y: point[1] * scale.height };
      }),
    };
  });
  return { names, frames };
};
