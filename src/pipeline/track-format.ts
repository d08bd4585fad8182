/** Track files, which `dve track` and pages write alike. */
import type { Roi } from '../geometry/roi.ts';
import type { Landmark, TrackedObject, TrackResult } from './result.ts';
import { poseColumns, puppetCells, puppetRecord, type PuppetResults } from './puppet-rows.ts';

/** What is known of a video before its frames. */
export type TrackHeader = {
  /** Pixels. */ width: number;
  height: number;
  /** Names of the landmarks, in the order of `points`. */ landmarks: readonly string[];
  /** How many objects may be in a frame. Default 1. */ objects?: number;
  /**
   * Whether confidences are calibrated, by the landmark set: without it they are what the network gives, and 0.9 need not
   * be right nine times of ten. Not said where it is not known.
   */
  calibrated?: boolean;
  /** Where rows have the pose of the head and expressions, too. */
  puppet?: {
    /** Degrees, from the top to the bottom of the picture. */ fieldOfView: number;
    /** Names of the expressions. */ expressions: readonly string[];
    /** Of them, those that are always 0. */ unsupported: readonly string[];
  };
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
  /** What puppets know of its objects. */ puppets?: PuppetResults | undefined;
};

const roiRecord = ({ center, size, rotation }: Roi): Record<string, unknown> => ({
  center: { x: pixels(center.x), y: pixels(center.y) },
  size: pixels(size),
  rotation: share(rotation),
});

type Points = { points: number[][]; raw: number[][]; confidences: number[] };

const pointRecords = (landmarks: readonly Landmark[]): Points => ({
  points: landmarks.map(({ x, y }) => [pixels(x), pixels(y)]),
  raw: landmarks.map(({ raw }) => [pixels(raw.x), pixels(raw.y)]),
  confidences: landmarks.map(({ confidence }) => share(confidence)),
});

/** One frame of the JSON file with several objects: those that are tracked, none of which nothing was measured. */
const objectsRecord = ({ result, file, puppets }: TrackedFrame): Record<string, unknown> => ({
  timestamp: Number(result.timestamp.toFixed(6)),
  ...(file !== undefined && { file }),
  ...(result.status === 'unreadable' && { status: result.status }),
  objects: trackedIn(result).map(({ id, status, roi, landmarks }) => ({
    ...{ id, status, roi: roiRecord(roi) },
    ...pointRecords(landmarks),
    ...(puppets && puppetRecord(puppets.get(id))),
  })),
});

/** The objects of which something was measured. */
const trackedIn = (result: TrackedFrame['result']): TrackedObject[] =>
  result.status === 'unreadable' ? [] : result.objects.filter(({ status }) => status === 'tracking');

/** One frame of the JSON file: `points` and `raw` are empty and `roi` is null unless it is tracked. */
const frameRecord = ({ result, file, puppets }: TrackedFrame): Record<string, unknown> => {
  const start = {
    timestamp: Number(result.timestamp.toFixed(6)),
    ...(file !== undefined && { file }),
    status: result.status === 'tracking' || result.status === 'unreadable' ? result.status : 'searching',
  };
  if (result.status !== 'tracking') {
    return { ...start, roi: null, points: [], raw: [], ...(puppets && puppetRecord(undefined)) };
  }
  const { id, roi, landmarks } = result;
  return {
    ...start,
    roi: roiRecord(roi),
    points: landmarks.map(({ x, y, confidence }) => [pixels(x), pixels(y), share(confidence)]),
    raw: landmarks.map(({ raw }) => [pixels(raw.x), pixels(raw.y)]),
    ...(puppets && puppetRecord(puppets.get(id))),
  };
};

/** A track file, written row by row: hours of video are no text that would fit into memory. */
export type TrackFormat = {
  head: string;
  /** The text of one frame; they come in order, starting at 0. */ row: (frame: TrackedFrame) => string;
  /** @param fps frames per second, on average; 0 where they are too few */
  tail: (fps: number) => string;
};

/** The JSON track file: one line a frame. Where there may be several objects, frames hold a list `objects` of them. */
export const jsonFormat = ({ objects = 1, puppet, calibrated, ...size }: TrackHeader): TrackFormat => ({
  head: `${JSON.stringify({ ...size, ...(calibrated !== undefined && { calibrated }), ...(puppet && { puppet }) }).slice(0, -1)},"frames":[\n`,
  row: (frame) =>
    `${frame.index === 0 ? '' : ',\n'}${JSON.stringify(objects > 1 ? objectsRecord(frame) : frameRecord(frame))}`,
  tail: (fps) => `\n],"fps":${Number(fps.toFixed(4))}}\n`,
});

/** A CSV cell; quoted where it has to be. */
const cell = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * The layout of DeepLabCut's CSV: three header rows (scorer, bodyparts, coords), then a row a frame: its index (of a
 * folder of pictures the file's name), and x, y (pixels), likelihood of each landmark. Cells are empty unless tracked.
 * Where there may be several objects it is the layout of DeepLabCut for several animals: a fourth header row, individuals,
 * and the columns of one after those of another. The ids of objects, in the order in which they are found, are 1 to
 * `objects`; whoever comes after that has no column. With a puppet, `pose` and `expressions` follow as two more body parts.
 */
export const csvFormat = ({ landmarks, objects = 1, puppet }: TrackHeader): TrackFormat => {
  const individuals = Array.from({ length: objects }, (_, index) => index + 1);
  const names = puppet?.expressions ?? [];
  const bodyParts: readonly (readonly [string, readonly string[]])[] = [
    ...landmarks.map((landmark) => [landmark, ['x', 'y', 'likelihood']] as const),
    ...(puppet === undefined
      ? []
      : ([
          ['pose', poseColumns],
          ['expressions', names],
        ] as const)),
  ];
  const columns = (of: (part: string, coordinate: string, individual: number) => string): string =>
    individuals
      .flatMap((id) =>
        bodyParts.flatMap(([part, coordinates]) =>
          coordinates.map((coordinate) => cell(of(part, coordinate, id))),
        ),
      )
      .join(',');
  const head = [
    `scorer,${columns(() => 'dve-sdk')}`,
    ...(objects > 1 ? [`individuals,${columns((_, __, id) => `object ${id}`)}`] : []),
    `bodyparts,${columns((part) => part)}`,
    `coords,${columns((_, coordinate) => coordinate)}`,
  ];
  return {
    head: `${head.join('\n')}\n`,
    row: ({ result, index, file, puppets }) => {
      const tracked = trackedIn(result);
      const values = individuals.flatMap((id) => {
        // One object has a new id when it is found again, and its column all the same.
        const object = objects === 1 ? tracked.at(0) : tracked.find((one) => one.id === id);
        const points =
          object === undefined
            ? landmarks.flatMap(() => ['', '', ''])
            : object.landmarks.flatMap(({ x, y, confidence }) =>
                [pixels(x), pixels(y), share(confidence)].map(String),
              );
        const face = object && puppets?.get(object.id);
        return puppet === undefined ? points : [...points, ...puppetCells(face, names)];
      });
      return `${[file === undefined ? String(index) : cell(file), ...values].join(',')}\n`;
    },
    tail: () => '',
  };
};
