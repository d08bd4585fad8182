/** Annotated pictures and frames of videos, decoded. */
import { InputError } from '../errors.ts';
import { fileInFolder } from '../files-node/file-in-folder.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import { decodePicture } from '../media-node/decode-picture.ts';
import { openVideo } from '../media-node/open-video.ts';
import type { PixelImage } from '../pipeline/crop.ts';
import type { PicturePoints } from './read-points.ts';
import type { SkipLog } from './skipped.ts';

/** A picture that could be read, with its points in pixels; null is a hidden one. */
export type AnnotatedImage = {
  image: PixelImage;
  /** File name of the picture, or of the video. */ name: string;
  /** Of a video: which frame. */ frame?: number;
  points: (Point | null)[];
};

export type ReadOptions = Pick<SkipLog, 'onSkip'> & {
  /** Throws an InputError for a picture that is to be left out, though it can be read. */
  check?: (picture: AnnotatedImage) => void;
};

const toImage = (rgb: Uint8Array, { width, height }: Size): PixelImage => ({
  ...{ width, height, data: rgb, channels: 3 },
});

/**
 * Decodes some frames of a video, which is walked once from its beginning.
 * @param frames told by their index; those that the video has not are left out
 */
const readFrames = async (
  path: string,
  frames: ReadonlySet<number>,
  onWarning: (message: string) => void,
): Promise<Map<number, PixelImage>> => {
  const found = new Map<number, PixelImage>();
  const last = Math.max(...frames);
  const video = await openVideo(path, { onWarning });
  try {
    for await (const { index, rgb } of video.frames) {
      if (frames.has(index)) found.set(index, toImage(rgb, video));
      if (index >= last) break;
    }
  } finally {
    await video.close();
  }
  return found;
};

/** What decodes entries: pictures one by one, frames of a video all at once, the first time that one is asked for. */
const createDecoder = (
  folder: string,
  entries: readonly PicturePoints[],
  onWarning: (message: string) => void,
) => {
  const videos = new Map<string, Promise<Map<number, PixelImage>>>();
  return async ({ picture, frame }: PicturePoints): Promise<PixelImage> => {
    const path = await fileInFolder(folder, picture);
    if (frame === undefined) {
      const { rgb, width, height } = await decodePicture(path);
      return toImage(rgb, { width, height });
    }
    const wanted = entries.flatMap((entry) =>
      entry.picture === picture && entry.frame !== undefined ? [entry.frame] : [],
    );
    const reading = videos.get(picture) ?? readFrames(path, new Set(wanted), onWarning);
    videos.set(picture, reading);
    const image = (await reading).get(frame);
    if (image !== undefined) return image;
    throw new InputError(
      `${path} has no frame ${frame}, counted from 0. Give the video that was labelled, or take the entry out.`,
    );
  };
};

/**
 * Decodes annotated pictures and frames of videos, and tells which are left out.
 * @param folder of the pictures and videos
 * @throws InputError where fewer than `least` of them can be used
 */
export const readAnnotatedPictures = async (
  folder: string,
  pictures: readonly PicturePoints[],
  { onSkip, check }: ReadOptions,
  least = 1,
): Promise<AnnotatedImage[]> => {
  const decode = createDecoder(folder, pictures, onSkip);
  const read: AnnotatedImage[] = [];
  for (const entry of pictures) {
    try {
      const image = await decode(entry);
      const { picture, frame, points } = entry;
      const one: AnnotatedImage = {
        ...{ image, name: picture, points: points(image) },
        ...(frame === undefined ? {} : { frame }),
      };
      check?.(one);
      read.push(one);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      onSkip(error.message);
    }
  }
  if (read.length < least) {
    throw new InputError(
      `${read.length} of the ${pictures.length} annotated pictures in ${folder} can be used, but at least ${least} must be. Check the folder and the names of its pictures.`,
    );
  }
  return read;
};
