import { InputError } from '../errors.ts';
import { readText } from '../files-node/read-text.ts';
import { parseBoxes, type VideoRegions } from '../train/pairs/regions.ts';

/**
 * Reads a file of boxes; see {@link parseBoxes} for what stands in it.
 * @throws InputError that names the file, the video and what is wrong
 */
export const readBoxes = async (path: string, margin: number): Promise<Map<string, VideoRegions>> => {
  let text: string;
  try {
    text = await readText(path);
  } catch (error) {
    throw new InputError(`The boxes ${path} cannot be read. Give an existing JSON file.`, { cause: error });
  }
  return parseBoxes(text, path, margin);
};
