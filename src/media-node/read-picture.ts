import { fileURLToPath } from 'node:url';
import { InputError, shownValue } from '../errors.ts';
import type { PixelImage } from '../pipeline/crop.ts';
import { decodePicture } from './decode-picture.ts';

/** A picture in Node: path or `file:` URL of a picture file, what stands in such a file, or pixels. */
export type NodePicture = string | URL | Uint8Array | PixelImage;

/** @throws InputError for pixels that are fewer or more than their size says */
const checkPixels = ({ data, width, height, channels }: Partial<PixelImage>, where: string): PixelImage => {
  const whole = [width, height].every((side) => Number.isInteger(side) && (side ?? 0) > 0);
  const isArray = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  if (!isArray || !whole || (channels !== 3 && channels !== 4)) {
    throw new InputError(
      `${where} is neither a path nor { data, width, height, channels }, with bytes as data and 3 or 4 channels. Give one of them.`,
    );
  }
  const [columns, rows] = [width ?? 0, height ?? 0];
  if (data.length !== columns * rows * channels) {
    throw new InputError(
      `${where} has ${data.length} bytes but ${columns}×${rows} pixels of ${channels} channels are ${columns * rows * channels}. Give all of its pixels.`,
    );
  }
  return { data, width: columns, height: rows, channels };
};

/**
 * The pixels of a picture.
 * @param where how errors call it
 * @throws InputError for what is no picture, and where a file cannot be read
 */
export const readPicture = async (picture: NodePicture, where: string): Promise<PixelImage> => {
  // From callers without types.
  if ((picture as unknown) === null || !['string', 'object'].includes(typeof picture)) {
    throw new InputError(`${where} is ${shownValue(picture)}. Give the path of a picture, or its pixels.`);
  }
  if (picture instanceof URL && picture.protocol !== 'file:') {
    throw new InputError(
      `${where} is at ${picture.href}. Give a file: URL, a path, or the bytes of the file.`,
    );
  }
  const isPixels = typeof picture === 'object' && 'channels' in picture;
  if (isPixels || !(typeof picture === 'string' || picture instanceof URL || picture instanceof Uint8Array)) {
    return checkPixels(picture, where);
  }
  const decoded =
    picture instanceof Uint8Array
      ? await decodePicture(picture, where)
      : await decodePicture(typeof picture === 'string' ? picture : fileURLToPath(picture));
  const { rgb, width, height } = decoded;
  return { data: rgb, width, height, channels: 3 };
};
