import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { parseAnnotations, type AnnotatedFolder } from '../evaluation/annotations.ts';
import { readText } from '../files-node/read-text.ts';

const fileName = 'landmarks.json';

/**
 * Reads the `landmarks.json` of a folder of pictures; see {@link parseAnnotations} for what stands in it.
 * @throws InputError that names the file, the item and what is wrong with it
 */
export const readAnnotatedFolder = async (folder: string): Promise<AnnotatedFolder> => {
  const path = join(folder, fileName);
  let text: string;
  try {
    text = await readText(path);
  } catch (error) {
    throw new InputError(
      `${folder} has no ${fileName} that can be read. Give a folder of pictures with their ${fileName}.`,
      { cause: error },
    );
  }
  return { path: await realpath(folder), ...parseAnnotations(text, path) };
};
