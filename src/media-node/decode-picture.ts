import { basename } from 'node:path';
import { InputError, firstLine } from '../errors.ts';
import { requireRegularFile } from '../files-node/regular-file.ts';
import type { RawPicture } from '../media/raw-picture.ts';
import { loadSharp } from './sharp.ts';

/**
 * Decodes one picture at its own size, upright as its EXIF tag says, on grey where it is transparent.
 * @throws InputError that names the file, or sharp where that is not installed
 */
export const decodePicture = async (path: string): Promise<RawPicture> => {
  const sharp = await loadSharp('Decoding pictures');
  await requireRegularFile(path);
  try {
    const { data, info } = await sharp(path)
      .autoOrient()
      .flatten({ background: '#808080' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { file: basename(path), width: info.width, height: info.height, rgb: data };
  } catch (error) {
    throw new InputError(`${path} cannot be decoded (${firstLine(error)}). Replace or remove it.`, {
      cause: error,
    });
  }
};
