import { readJson } from '../files-node/read-json.ts';
import { checkBoxes, type VideoRegions } from '../train/pairs/regions.ts';

/**
 * Reads a file of boxes; see {@link checkBoxes} for what stands in it.
 * @throws InputError that names the file, the video and what is wrong
 */
export const readBoxes = async (path: string, margin: number): Promise<Map<string, VideoRegions>> =>
  checkBoxes(await readJson(path, 'Give an existing file of boxes, or make it again.'), path, margin);
