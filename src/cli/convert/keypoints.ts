/** Points of pictures and frames, between the layouts of different programs. */
import type { IndexPair } from '../../landmarks/landmark-set.ts';
import type { Point, Size } from '../../geometry/coordinates.ts';
import type { PointsFile } from '../../landmarks/points-file.ts';

/** Points of one picture or frame. */
export type KeypointRow = {
  /** File name of a picture. */ picture?: string;
  /** File name of a video, where it is known. */ video?: string;
  /** Frame of a video, counted from 0. */ frame?: number;
  /** (N) pixels; null is a hidden one. */ points: readonly (Point | null)[];
  /** (N) 0–1, where points were found and not labelled. */ confidences?: readonly number[];
  /** Of the picture, pixels, where it is known. */ size?: Size;
};

/** What every layout holds. */
export type Keypoints = {
  /** N names. */ names: readonly string[];
  connections: readonly IndexPair[];
  rows: readonly KeypointRow[];
};

export type ConvertOptions = {
  /** The video that frames are of, where the file does not say it. */ video: string | undefined;
  /** Found points below this confidence are taken for hidden. */ least: number;
  /** Told, in one line, of what is left out. */ onNote: (message: string) => void;
};

/** The last part of a path, whichever way it is written. */
export const lastPart = (path: string): string => path.split(/[\\/]/).at(-1) ?? path;

/** As a file of points, in pixels: their pictures need not be there. */
export const toPointsFile = ({ names, connections, rows }: Keypoints): PointsFile => ({
  ...{ names, connections, mirrorPairs: [], pixels: true },
  marks: rows.map(({ picture, video, frame, points }) => ({
    ...(video === undefined && picture !== undefined ? { picture } : {}),
    ...(video === undefined ? {} : { video }),
    ...(frame === undefined ? {} : { frame }),
    points,
  })),
});
