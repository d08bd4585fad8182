import { InputError } from '../errors.ts';
import type { Point } from '../geometry/coordinates.ts';
import type { TrackResult } from '../pipeline/result.ts';
import { readJson } from '../files-node/read-json.ts';

/** What is known of a video before its frames. */
export type TrackHeader = {
  /** Pixels. */ width: number;
  height: number;
  /** Names of the landmarks, in the order of `points`. */ landmarks: readonly string[];
};

/** Hundredths of a pixel: finer than any landmark is known. */
const pixels = (value: number): number => Number(value.toFixed(2));
const share = (value: number): number => Number(value.toFixed(4));

/** A picture of a folder that could not be tracked in: its row stays, so that no later one moves. */
export type UnreadableFrame = { status: 'unreadable'; timestamp: number };

/** What a row is made of. */
export type TrackedFrame = {
  result: TrackResult | UnreadableFrame;
  /** 0 for the first. */ index: number;
  /** Of a picture of a folder, its name. */ file?: string | undefined;
};

/** One frame of the JSON file: `points` and `raw` are empty and `roi` is null unless it is tracked. */
const frameRecord = ({ result, file }: TrackedFrame): Record<string, unknown> => {
  const start = {
    timestamp: Number(result.timestamp.toFixed(6)),
    ...(file !== undefined && { file }),
    status: result.status === 'tracking' || result.status === 'unreadable' ? result.status : 'searching',
  };
  if (result.status !== 'tracking') return { ...start, roi: null, points: [], raw: [] };
  const { roi, landmarks } = result;
  return {
    ...start,
    roi: {
      center: { x: pixels(roi.center.x), y: pixels(roi.center.y) },
      size: pixels(roi.size),
      rotation: share(roi.rotation),
    },
    points: landmarks.map(({ x, y, confidence }) => [pixels(x), pixels(y), share(confidence)]),
    raw: landmarks.map(({ raw }) => [pixels(raw.x), pixels(raw.y)]),
  };
};

/** A track file, written row by row: hours of video are no text that would fit into memory. */
export type TrackFormat = {
  head: string;
  /** The text of one frame; they come in order, starting at 0. */ row: (frame: TrackedFrame) => string;
  /** @param fps frames per second, on average; 0 where they are too few */
  tail: (fps: number) => string;
};

/** The JSON track file: one line a frame. */
export const jsonFormat = ({ width, height, landmarks }: TrackHeader): TrackFormat => ({
  head: `${JSON.stringify({ width, height, landmarks }).slice(0, -1)},"frames":[\n`,
  row: (frame) => `${frame.index === 0 ? '' : ',\n'}${JSON.stringify(frameRecord(frame))}`,
  tail: (fps) => `\n],"fps":${Number(fps.toFixed(4))}}\n`,
});

/** A CSV cell; quoted where it has to be. */
const cell = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * The layout of DeepLabCut's CSV: three header rows (scorer, bodyparts, coords), then a row a frame: its index (of a
 * folder of pictures the file's name), and x, y (pixels), likelihood of each landmark. Cells are empty unless tracked.
 */
export const csvFormat = ({ landmarks }: TrackHeader): TrackFormat => {
  const threeTimes = (texts: readonly string[]): string =>
    texts.flatMap((text) => [cell(text), cell(text), cell(text)]).join(',');
  return {
    head: `${[
      `scorer,${threeTimes(landmarks.map(() => 'dve-sdk'))}`,
      `bodyparts,${threeTimes(landmarks)}`,
      `coords,${landmarks.map(() => 'x,y,likelihood').join(',')}`,
    ].join('\n')}\n`,
    row: ({ result, index, file }) => {
      const values =
        result.status === 'tracking'
          ? result.landmarks.flatMap(({ x, y, confidence }) =>
              [pixels(x), pixels(y), share(confidence)].map(String),
            )
          : landmarks.flatMap(() => ['', '', '']);
      return `${[file === undefined ? String(index) : cell(file), ...values].join(',')}\n`;
    },
    tail: () => '',
  };
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
