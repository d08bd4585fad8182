import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { InputError, firstLine } from '../errors.ts';
import { requireRegularFile } from '../files-node/regular-file.ts';
import type { Size } from '../geometry/coordinates.ts';
import { createPictureSet } from '../train/views/pictures.ts';
import { pictureLimits } from '../media/raw-picture.ts';
import type { PictureSet } from '../train/views/pictures.ts';
import type { RawPicture } from '../media/raw-picture.ts';
import { loadSharp } from './sharp.ts';

const extensions = new Set(['.jpg', '.jpeg', '.jfif', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff']);

/** Pictures that nothing here decodes: they are told, not passed over. */
const foreignExtensions = new Set(
  '.bmp .heic .heif .jxl .jp2 .psd .tga .exr .ico .ppm .raw .dng .cr2 .cr3 .nef .arw'.split(' '),
);

export type LoadOptions = {
  /** Longer side at most, pixels: larger pictures are scaled down. Default 320. */ maxSide?: number;
  /** Shorter side at least, pixels: smaller pictures are skipped. Default 32. */ minSide?: number;
  /**
   * Told once per picture that is skipped; `message` is one line that names the file and the reason. Files whose format
   * cannot be read are told all at once, as `count` of them, and `file` is their folder.
   */
  onSkip?: (file: string, message: string, count?: number) => void;
};

export type LoadedPictures = {
  set: PictureSet;
  /** Of each picture of the set: upright as in its file, pixels. */ originals: Size[];
  /** Pictures taken from each folder, in the order of the folders. */ counts: number[];
  /** How many files were skipped. */ skipped: number;
};

/**
 * Files of a folder (not of its subfolders) that look like pictures, sorted by name.
 * @param onForeign told, in one line, how many there are whose format cannot be read
 */
export const listPictures = async (
  folder: string,
  onForeign?: (message: string, count: number) => void,
): Promise<string[]> => {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    throw new InputError(
      `The picture folder ${folder} cannot be read (${firstLine(error)}). Pass an existing folder.`,
    );
  }
  // Plain code-unit order: the same on every machine, whatever its locale.
  names.sort();
  tellForeign(folder, names, onForeign);
  return names.filter((name) => extensions.has(path.extname(name).toLowerCase()));
};

const tellForeign = (
  folder: string,
  names: readonly string[],
  tell?: (message: string, count: number) => void,
): void => {
  const counts = new Map<string, number>();
  for (const name of names) {
    const ending = path.extname(name).toLowerCase();
    if (foreignExtensions.has(ending)) counts.set(ending, (counts.get(ending) ?? 0) + 1);
  }
  if (counts.size === 0) return;
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const list = [...counts].map(([ending, count]) => `${count} ${ending}`).join(', ');
  tell?.(
    `${total} file${total === 1 ? '' : 's'} in ${folder} (${list}) cannot be read: convert to .png or .jpg; skipped.`,
    total,
  );
};

type LoadedPicture = RawPicture & { /** Before it was scaled down, pixels. */ original: Size };

/** A decoded picture, or why there is none. */
type Decoded = LoadedPicture | string;

const decodeFolder = async (folder: string, options: LoadOptions): Promise<LoadedPicture[]> => {
  const { maxSide, minSide, onSkip } = { ...pictureLimits, ...options };
  const names = await listPictures(folder, (message, count) => onSkip?.(folder, message, count));
  if (names.length === 0) {
    throw new InputError(
      `The folder ${folder} holds no pictures (looked for ${[...extensions].join(' ')}). Pass a folder with pictures in it.`,
    );
  }
  const sharp = await loadSharp('Decoding pictures');

  const decode = async (name: string): Promise<Decoded> => {
    try {
      await requireRegularFile(path.join(folder, name));
      const image = sharp(path.join(folder, name)).autoOrient();
      const { autoOrient: size } = await image.metadata();
      if (Math.min(size.width, size.height) < minSide) {
        return `is ${size.width}×${size.height} pixels, and the shorter side has to be at least ${minSide}`;
      }
      const { data, info } = await image
        .resize({ width: maxSide, height: maxSide, fit: 'inside', withoutEnlargement: true })
        .flatten({ background: '#808080' })
        .toColourspace('srgb')
        .raw({ depth: 'uchar' })
        .toBuffer({ resolveWithObject: true });
      if (info.channels !== 3) return `decodes to ${info.channels} channels instead of 3`;
      if (Math.min(info.width, info.height) < minSide / 2) {
        return `is too narrow: scaled down it is ${info.width}×${info.height} pixels`;
      }
      const original = { width: size.width, height: size.height };
      return { file: name, width: info.width, height: info.height, rgb: data, original };
    } catch (error) {
      return `cannot be decoded (${firstLine(error)})`;
    }
  };

  // Four at a time keep the cores busy and bound the memory; results keep the order of the names.
  const results: Decoded[] = [];
  let next = 0;
  const decodeRest = async (): Promise<void> => {
    while (next < names.length) {
      const index = next++;
      results[index] = await decode(names[index]);
    }
  };
  await Promise.all(Array.from({ length: 4 }, decodeRest));

  const usable: LoadedPicture[] = [];
  results.forEach((result, index) => {
    if (typeof result === 'string') onSkip?.(names[index], `${names[index]} ${result}; skipped.`);
    else usable.push(result);
  });
  if (usable.length === 0) {
    throw new InputError(
      `None of the ${names.length} pictures in ${folder} is usable. Pass readable pictures of at least ${minSide}×${minSide} pixels.`,
    );
  }
  return usable;
};

/**
 * Decodes every picture of one or several folders into shared memory, folder after folder, each sorted by name.
 * A corrupt or tiny picture is reported, skipped and counted.
 * @throws InputError for a folder that cannot be read, is empty, or holds no usable picture
 */
export const loadPictures = async (
  folders: string | readonly string[],
  options: LoadOptions = {},
): Promise<LoadedPictures> => {
  const raw: LoadedPicture[] = [];
  const counts: number[] = [];
  let skipped = 0;
  const onSkip = (file: string, message: string, count = 1): void => {
    skipped += count;
    options.onSkip?.(file, message, count);
  };
  for (const folder of typeof folders === 'string' ? [folders] : folders) {
    const pictures = await decodeFolder(folder, { ...options, onSkip });
    counts.push(pictures.length);
    raw.push(...pictures);
  }
  return { set: createPictureSet(raw), originals: raw.map(({ original }) => original), counts, skipped };
};
