import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { decodePicture } from './decode-picture.ts';
import { listPictures } from './load-pictures.ts';
import { createReader, fitSize, type RgbFrame, type VideoReader } from '../media/video-reader.ts';
import { loadSharp } from './sharp.ts';

/** Pictures of a folder, so that "frame 2" comes before "frame 10". */
export const listFramePictures = async (
  folder: string,
  onForeign?: (message: string) => void,
): Promise<string[]> => {
  // A fixed language: the order must not depend on the machine.
  const order = new Intl.Collator('en', { numeric: true });
  const names = await listPictures(folder, onForeign);
  return names.filter((name) => !name.toLowerCase().endsWith('.gif')).sort(order.compare);
};

/**
 * Opens a folder of pictures as a video: sorted by name, as large as the first that can be decoded.
 * A picture that cannot be decoded, or has another shape than the first, is named and left out: its index is not used.
 *
 * @param framesPerSecond what the timestamps are made of
 * @throws InputError for a folder that cannot be read or without a picture that can be decoded
 */
export const openPictureFolder = async (
  folder: string,
  framesPerSecond: number,
  maxSide?: number,
  onWarning?: (message: string) => void,
): Promise<VideoReader> => {
  const names = await listFramePictures(folder, onWarning);
  const files = names.map((name) => join(folder, name));
  const first = await firstPicture(folder, files);
  const { width, height } = fitSize(first.width, first.height, maxSide);

  async function* decode(signal: AbortSignal): AsyncGenerator<RgbFrame, void> {
    for (const [index, file] of files.entries()) {
      if (signal.aborted) return;
      let picture;
      try {
        picture = await decodePicture(file);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        onWarning?.(`${error.message} Skipped.`);
        continue;
      }
      if (picture.width !== first.width || picture.height !== first.height) {
        onWarning?.(
          `${file} has ${picture.width}×${picture.height} pixels, the first frame ${first.width}×${first.height}. Skipped.`,
        );
        continue;
      }
      let { rgb } = picture;
      if (width !== picture.width) {
        const sharp = await loadSharp('Scaling frames');
        rgb = await sharp(rgb, { raw: { width: picture.width, height: picture.height, channels: 3 } })
          .resize(width, height, { fit: 'fill' })
          .raw()
          .toBuffer();
      }
      yield { index, timestamp: index / framesPerSecond, rgb };
    }
  }
  const size = {
    width,
    height,
    ...{ original: first, stored: first },
    duration: files.length / framesPerSecond,
    frameCount: files.length,
    files: names,
  };
  return createReader(folder, size, decode);
};

const firstPicture = async (
  folder: string,
  files: readonly string[],
): Promise<{ width: number; height: number }> => {
  let reason: string | undefined;
  for (const file of files) {
    try {
      const { width, height } = await decodePicture(file);
      return { width, height };
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      reason ??= error.message;
    }
  }
  throw new InputError(
    reason === undefined
      ? `The folder ${folder} holds no pictures. Pass a video, or a folder with its frames as pictures.`
      : `None of the ${files.length} pictures in ${folder} can be decoded. The first: ${reason}`,
  );
};
