import { readFile } from 'node:fs/promises';

/**
 * Reads a text file (UTF-8). A byte order mark, with which some editors begin a file, is left out.
 * @throws whatever the file system does
 */
export const readText = async (path: string): Promise<string> =>
  // Unlike readFile's own decoding, this one knows byte order marks.
  new TextDecoder().decode(await readFile(path));
