/** Labels of a video's frames, to hold tracks against. */
import { basename } from 'node:path';
import { InputError } from '../errors.ts';
import type { LabelledFrame } from '../evaluation/evaluate-points.ts';
import { readJson } from '../files-node/read-json.ts';
import type { Size } from '../geometry/coordinates.ts';
import type { Annotation } from '../landmarks/landmark-set.ts';
import { pixelsOf } from '../landmarks/points-file.ts';
import { loadPointsFile } from './read-points.ts';

/** Points that somebody labelled in frames of a video. */
export type Labels = { names: readonly string[]; frames: LabelledFrame[] };

export type LabelContext = {
  /** Of the frames, pixels. */ size: Size;
  /** Index of the frame that a picture is, where frames are pictures of a folder. */
  frameOf?: (picture: string) => number | undefined;
  /** The video that was tracked, where that is known: labels of others are left out. */ video?: string;
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads JSON, as an object. @throws InputError that names the file */
export const readJsonObject = async (path: string, remedy: string): Promise<Record<string, unknown>> => {
  const value = await readJson(path, remedy);
  if (!isRecord(value)) throw new InputError(`${path} is not a JSON object. ${remedy}`);
  return value;
};

/** @param where how errors call the entry */
const frameIndex = (
  { frame, picture }: Annotation,
  where: string,
  frameOf: LabelContext['frameOf'],
): number => {
  if (frame !== undefined) return frame;
  const index = frameOf?.(picture ?? '');
  if (index !== undefined) return index;
  throw new InputError(
    frameOf === undefined
      ? `${where} names the picture "${picture}", and which frame that is tells only the folder that was tracked. Give it as --video.`
      : `${where} names the picture "${picture}", which is not in the folder that --video names. Give the folder that was tracked.`,
  );
};

/** The labels of the video that was tracked, of labels that may be of several. @throws InputError where there are none */
const ofVideo = (
  path: string,
  marks: readonly Annotation[],
  video: string | undefined,
): readonly Annotation[] => {
  const videos = [...new Set(marks.flatMap((mark) => (mark.video === undefined ? [] : [mark.video])))];
  if (videos.length === 0) return marks;
  if (video === undefined) {
    if (videos.length === 1) return marks;
    throw new InputError(
      `${path} labels frames of ${videos.length} videos (${videos.join(', ')}). Say by --video which of them was tracked.`,
    );
  }
  const name = basename(video).normalize('NFC');
  const own = marks.filter((mark) => mark.video === undefined || mark.video.normalize('NFC') === name);
  if (own.length > 0) return own;
  throw new InputError(
    `${path} labels frames of ${videos.join(', ')} but --video is ${basename(video)}. Give the video that was labelled, and its tracks.`,
  );
};

/**
 * Reads labels: see {@link checkPointsFile} for what stands in the file. Each entry has `frame` (counted from 0) or the
 * name of a picture; of several videos those of `video` are taken.
 * @throws InputError that names the file, the entry and what is wrong with it
 */
export const readLabels = async (path: string, context: LabelContext): Promise<Labels> => {
  const file = await loadPointsFile(path);
  if (file.marks.length === 0) {
    throw new InputError(
      `${path} has neither "items" (pixels) nor "annotations" (shares). Label some frames.`,
    );
  }
  const frames = ofVideo(path, file.marks, context.video).map((mark): LabelledFrame => {
    const where = `${path}: entry ${file.marks.indexOf(mark)}`;
    return {
      frame: frameIndex(mark, where, context.frameOf),
      points: pixelsOf(file, mark, context.size).map((point) => point ?? undefined),
    };
  });
  return { names: file.names, frames };
};
