import { InputError } from '../errors.ts';
import { readJson } from '../files-node/read-json.ts';
import type { Point } from '../geometry/coordinates.ts';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'number' && Number.isFinite(entry));

/** Points as [x, y, …] each, or as one flat list x, y, x, y, …; undefined for none. */
const readPoints = (value: unknown, count: number, where: string): Point[] | undefined => {
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return undefined;
  if (isNumbers(value) && value.length === 2 * count) {
    return Array.from({ length: count }, (_, i) => ({ x: value[2 * i], y: value[2 * i + 1] }));
  }
  if (Array.isArray(value) && value.length === count && value.every(isNumbers)) {
    return value.map(([x, y]) => ({ x, y }));
  }
  throw new InputError(`${where} has not ${count} points. Give tracks of ${count} points in iBUG order.`);
};

/**
 * Reads the points per frame of a file that "dve track" wrote, or of another source in the same layout (`frames[]` of
 * `points`; `found: false` or no points mean that there is no face).
 * @param count points of a frame
 * @throws InputError that names the file and the frame
 */
export const readTracks = async (path: string, count: number): Promise<(Point[] | undefined)[]> => {
  const value = await readJson(path, 'Give a file that "dve track --out FILE.json" wrote.');
  if (!isRecord(value) || !Array.isArray(value.frames) || value.frames.length === 0) {
    throw new InputError(`${path} has no list "frames". Give a file that "dve track --out FILE.json" wrote.`);
  }
  return value.frames.map((frame: unknown, index) => {
    const where = `${path}: frames[${index}]`;
    if (!isRecord(frame)) throw new InputError(`${where} is not an object.`);
    return frame.found === false ? undefined : readPoints(frame.points, count, where);
  });
};
