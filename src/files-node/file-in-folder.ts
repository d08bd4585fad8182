import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A name by which two spellings of the same letters meet: é is one character on most systems, two on macOS. */
const comparableName = (name: string): string => name.normalize('NFC');

/** Where a name stands in a list of names, by the same rule; −1 where it is not in it. */
export const indexOfName = (names: readonly string[], name: string): number => {
  const exact = names.indexOf(name);
  if (exact >= 0) return exact;
  const wanted = comparableName(name);
  return names.findIndex((other) => comparableName(other) === wanted);
};

/**
 * The path of a file whose name stands in another file, whichever way either of them spells its accents.
 * @returns the folder's own spelling; where it has no such file, the name as it was given
 */
export const fileInFolder = async (folder: string, name: string): Promise<string> => {
  const names = await readdir(folder).catch((): string[] => []);
  const index = indexOfName(names, name);
  return join(folder, index < 0 ? name : names[index]);
};
