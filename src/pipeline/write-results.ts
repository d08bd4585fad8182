/** Results written into a file, piece by piece: what `createTrackWriter` loads when it is asked for. */
import { InputError } from '../errors.ts';
import type { TrackResult } from './result.ts';
import { csvFormat, jsonFormat, type TrackFormat } from './track-format.ts';

/** How a track file is written: JSON with everything, or CSV in the layout of DeepLabCut. */
export type TrackFileFormat = 'json' | 'csv';

/** A track file in the making, the same that `dve track` writes. */
export type TrackWriter = {
  /** Adds a frame. Frames come in order; one that is not tracked has an empty row. */
  add(result: TrackResult): void;
  /** The file as it is now; more may be added afterwards. */
  file(): Blob;
};

/** Rows that are put together into one part of the file: a browser may keep that elsewhere than in memory. */
const rowsOfPart = 1000;

/** @throws InputError for a format that does not exist */
export const writeResults = (
  format: TrackFileFormat,
  names: readonly string[],
  objects: number,
): TrackWriter => {
  const known: Readonly<Record<string, typeof csvFormat | undefined>> = { json: jsonFormat, csv: csvFormat };
  const createFormat = known[format];
  if (createFormat === undefined) {
    throw new InputError(`createTrackWriter(): there is no format "${format}". Pass 'json' or 'csv'.`);
  }
  let text: TrackFormat | undefined;
  const parts: Blob[] = [];
  let rows: string[] = [];
  let index = 0;
  const times = { first: 0, last: 0 };
  /** The size of frames is known with the first one. */
  const formatFor = (width: number, height: number): TrackFormat =>
    (text ??= createFormat({ width, height, landmarks: names, objects }));
  return {
    add: (result) => {
      const { row } = formatFor(result.width, result.height);
      if (index === 0) times.first = result.timestamp;
      times.last = result.timestamp;
      rows.push(row({ result, index: index++ }));
      if (rows.length < rowsOfPart) return;
      parts.push(new Blob(rows));
      rows = [];
    },
    file: () => {
      const { head, tail } = text ?? createFormat({ width: 0, height: 0, landmarks: names, objects });
      const seconds = times.last - times.first;
      const type = format === 'json' ? 'application/json' : 'text/csv';
      return new Blob([head, ...parts, ...rows, tail(seconds > 0 ? (index - 1) / seconds : 0)], { type });
    },
  };
};
