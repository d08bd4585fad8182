/** Files of marked points, for commands. */
import { readJson } from '../files-node/read-json.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import { checkPointsFile, markedName, pixelsOf, type PointsFile } from '../landmarks/points-file.ts';
import { InputError } from '../errors.ts';

/** The points of one picture, or of one frame of a video. */
export type PicturePoints = {
  /** File name inside the folder of pictures: of the picture, or of the video. */ picture: string;
  /** Of a video: which frame, counted from 0. */ frame?: number;
  /** (N) points in pixels of the picture, given its size; null is a hidden one. */
  points: (size: Size) => (Point | null)[];
};

/** What a landmark set says that does not depend on the network. */
export type ReadPoints = Omit<PointsFile, 'marks' | 'pixels'> & { pictures: PicturePoints[] };

/** As {@link checkPointsFile}. @throws InputError that names the file and what is wrong with it */
export const loadPointsFile = async (path: string): Promise<PointsFile> =>
  checkPointsFile(await readJson(path, 'Give a file with annotated points.'), path);

/**
 * Reads points that were marked in pictures or frames of videos; see {@link checkPointsFile} for what stands in the file.
 * @throws InputError that names the file and what is wrong with it
 */
export const readPointsFile = async (path: string): Promise<ReadPoints> => {
  const file = await loadPointsFile(path);
  const { marks, pixels, ...rest } = file;
  return {
    ...rest,
    pictures: marks.map((mark): PicturePoints => {
      const { picture, video, frame } = mark;
      const name = video ?? picture;
      if (name === undefined) {
        throw new InputError(
          `${path} has points of ${markedName(mark)} but does not say of which video. Add "video", its file name.`,
        );
      }
      return {
        picture: name,
        ...(video === undefined || frame === undefined ? {} : { frame }),
        points: (size) => pixelsOf({ pixels }, mark, size),
      };
    }),
  };
};

/** For what can use no frames of videos. @throws InputError that names the file and the first frame of a video in it */
export const stillPictures = (path: string, pictures: readonly PicturePoints[]): PicturePoints[] => {
  const moving = pictures.find(({ frame }) => frame !== undefined);
  if (moving === undefined) return [...pictures];
  throw new InputError(
    `${path} has points of ${moving.picture}, frame ${moving.frame}, and only pictures can be used here. Save the frame as a picture, or take the entry out.`,
  );
};

/** A picture all of whose points are seen. */
export type CompletePoints = { picture: string; points: (size: Size) => Point[] };

/**
 * Those that are pictures (no frames of videos) with all points, for what can use no others.
 * @throws InputError that names the file and says what else is in it
 */
export const completePictures = (path: string, pictures: readonly PicturePoints[]): CompletePoints[] =>
  stillPictures(path, pictures).map(({ picture, points }) => ({
    picture,
    points: (size) =>
      points(size).map((point) => {
        if (point !== null) return point;
        throw new InputError(
          `${path}: ${picture} has hidden points (null), and only pictures that show all can be used here. Take it out.`,
        );
      }),
  }));
