import { InputError } from '../errors.ts';
import { fileInFolder } from '../files-node/file-in-folder.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import type { PixelImage } from '../pipeline/crop.ts';
import { decodePicture } from '../media-node/decode-picture.ts';
import type { PicturePoints } from './read-points.ts';
import type { SkipLog } from './skipped.ts';

/** A picture that could be read, with its points in pixels. */
export type AnnotatedImage = { image: PixelImage; name: string; points: Point[] };

export type ReadOptions = Pick<SkipLog, 'onSkip'> & {
  /** Throws an InputError for a picture that is to be left out, though it can be read. */
  check?: (picture: AnnotatedImage) => void;
};

/**
 * Decodes annotated pictures, and tells which are left out.
 * @throws InputError where fewer than `least` of them can be used
 */
export const readAnnotatedPictures = async (
  folder: string,
  pictures: readonly PicturePoints[],
  { onSkip, check }: ReadOptions,
  least = 1,
): Promise<AnnotatedImage[]> => {
  const read: AnnotatedImage[] = [];
  for (const { picture, points } of pictures) {
    try {
      const { rgb, width, height } = await decodePicture(await fileInFolder(folder, picture));
      const size: Size = { width, height };
      const one: AnnotatedImage = {
        ...{ image: { ...size, data: rgb, channels: 3 }, name: picture, points: points(size) },
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
