import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { checkAnnotations, type AnnotatedFolder } from '../evaluation/annotations.ts';
import { readJson } from '../files-node/read-json.ts';

/** The file of points that lies beside pictures. */
export const annotationsName = 'landmarks.json';

/**
 * Reads the `landmarks.json` of a folder of pictures; see {@link checkAnnotations} for what stands in it.
 * @throws InputError that names the file, the item and what is wrong with it
 */
export const readAnnotatedFolder = async (folder: string): Promise<AnnotatedFolder> => {
  const path = join(folder, annotationsName);
  const value = await readJson(path, `Give a folder of pictures with their ${annotationsName}.`);
  return { path: await realpath(folder), ...checkAnnotations(value, path) };
};
