import { basename } from 'node:path';
import { InputError, firstLine } from '../errors.ts';
import { requireRegularFile } from '../files-node/regular-file.ts';
import type { RawPicture } from '../media/raw-picture.ts';
import { loadSharp } from './sharp.ts';

/**
 * Decodes one picture at its own size, upright as its EXIF tag says, on grey where it is transparent.
 * @param picture path of a file, or what stands in one
 * @param name how errors call it; default: the path
 * @throws InputError that names the picture, or sharp where that is not installed
 */
export const decodePicture = async (
  picture: string | Uint8Array,
  name = typeof picture === 'string' ? picture : 'the picture',
): Promise<RawPicture> => {
  const sharp = await loadSharp('Decoding pictures');
  if (typeof picture === 'string') await requireRegularFile(picture);
  try {
    const { data, info } = await sharp(picture)
      .autoOrient()
      .flatten({ background: '#808080' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { file: basename(name), width: info.width, height: info.height, rgb: data };
  } catch (error) {
    throw new InputError(`${name} cannot be decoded (${firstLine(error)}). Replace or remove it.`, {
      cause: error,
    });
  }
};
