import { InputError, firstLine } from '../errors.ts';
import { readText } from './read-text.ts';

/**
 * Reads a JSON file. A byte order mark, with which some editors begin a file, is left out.
 * @param remedy what to do about a file that is none, as a sentence
 * @throws InputError that names the file and the reason
 */
export const readJson = async (path: string, remedy: string): Promise<unknown> => {
  try {
    return JSON.parse(await readText(path));
  } catch (error) {
    throw new InputError(`${path} cannot be read as JSON (${firstLine(error)}). ${remedy}`, { cause: error });
  }
};
