import { readFile } from 'node:fs/promises';
import { InputError } from '../errors.ts';
import type { Point } from '../geometry/coordinates.ts';
import type { TrackResult } from '../pipeline/result.ts';

/** What is written of a whole video besides its frames. */
export type TrackHeader = {
  /** Frames per second, on average. */ fps: number;
  /** Pixels. */ width: number;
  height: number;
  /** Names of the landmarks, in the order of `points`. */ landmarks: readonly string[];
};

/** Hundredths of a pixel: finer than any landmark is known. */
const pixels = (value: number): number => Number(value.toFixed(2));
const share = (value: number): number => Number(value.toFixed(4));

/** One frame of the JSON file: `points` and `raw` are empty and `roi` is null where the object was not recognised. */
const frameRecord = (result: TrackResult): Record<string, unknown> => {
  const timestamp = Number(result.timestamp.toFixed(6));
  if (result.status !== 'tracking') return { timestamp, status: 'searching', roi: null, points: [], raw: [] };
  const { roi, landmarks } = result;
  return {
    timestamp,
    status: result.status,
    roi: {
      center: { x: pixels(roi.center.x), y: pixels(roi.center.y) },
      size: pixels(roi.size),
      rotation: share(roi.rotation),
    },
    points: landmarks.map(({ x, y, confidence }) => [pixels(x), pixels(y), share(confidence)]),
    raw: landmarks.map(({ raw }) => [pixels(raw.x), pixels(raw.y)]),
  };
};

/** The JSON track file: one line a frame. */
export const tracksToJson = (header: TrackHeader, results: readonly TrackResult[]): string => {
  const { fps, width, height, landmarks } = header;
  const head = JSON.stringify({ fps: Number(fps.toFixed(4)), width, height, landmarks });
  const frames = results.map((result) => JSON.stringify(frameRecord(result)));
  return `${head.slice(0, -1)},"frames":[\n${frames.join(',\n')}\n]}\n`;
};

/** A CSV cell; quoted where it has to be. */
const cell = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * The layout of DeepLabCut's CSV: three header rows (scorer, bodyparts, coords), then a row a frame: its index, and
 * x, y (pixels), likelihood of each landmark. Cells are empty where it was not recognised.
 */
export const tracksToCsv = ({ landmarks }: TrackHeader, results: readonly TrackResult[]): string => {
  const threeTimes = (texts: readonly string[]): string =>
    texts.flatMap((text) => [cell(text), cell(text), cell(text)]).join(',');
  const rows = results.map((result, index) => {
    const values =
      result.status !== 'tracking'
        ? landmarks.flatMap(() => ['', '', ''])
        : result.landmarks.flatMap(({ x, y, confidence }) =>
            [pixels(x), pixels(y), share(confidence)].map(String),
          );
    return [String(index), ...values].join(',');
  });
  return `${[
    `scorer,${threeTimes(landmarks.map(() => 'dve-sdk'))}`,
    `bodyparts,${threeTimes(landmarks)}`,
    `coords,${landmarks.map(() => 'x,y,likelihood').join(',')}`,
    ...rows,
  ].join('\n')}\n`;
};

/** Average frames per second of ascending timestamps (seconds); 0 where there are fewer than two. */
export const framesPerSecond = (timestamps: readonly number[]): number => {
  const span = timestamps.length < 2 ? 0 : timestamps[timestamps.length - 1] - timestamps[0];
  return span > 0 ? (timestamps.length - 1) / span : 0;
};

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
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new InputError(
      `${path} cannot be read as JSON. Give a file that "dve track --out FILE.json" wrote.`,
      {
        cause: error,
      },
    );
  }
  if (!isRecord(value) || !Array.isArray(value.frames) || value.frames.length === 0) {
    throw new InputError(`${path} has no list "frames". Give a file that "dve track --out FILE.json" wrote.`);
  }
  return value.frames.map((frame: unknown, index) => {
    const where = `${path}: frames[${index}]`;
    if (!isRecord(frame)) throw new InputError(`${where} is not an object.`);
    return frame.found === false ? undefined : readPoints(frame.points, count, where);
  });
};
