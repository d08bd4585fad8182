import { readFile } from 'node:fs/promises';
import { InputError, ModelError } from '../errors.ts';
import { parseLandmarkSet, type LandmarkSet } from '../landmarks/landmark-set.ts';
import { readModelDirectory } from '../model/model-directory.ts';

/** The set that was asked for, or the model's own. */
export const readLandmarkSet = async (file: string | undefined, model: string): Promise<LandmarkSet> => {
  if (file !== undefined) {
    try {
      return parseLandmarkSet(await readFile(file, 'utf8'), file);
    } catch (error) {
      if (error instanceof ModelError) throw error;
      throw new InputError(`${file} cannot be read. Give a landmark set that "dve landmarks" made.`, {
        cause: error,
      });
    }
  }
  const { contents, manifest } = await readModelDirectory(model);
  if (contents.landmarks === undefined) {
    throw new ModelError(
      `${model} has no landmark set of its own. Make one with "dve landmarks", or give --landmarks.`,
    );
  }
  return parseLandmarkSet(new TextDecoder().decode(contents.landmarks), manifest.files.landmarks?.name);
};

/**
 * No stream waits here, so that the object may be found in the frame in which it appears: enough for all near squares
 * and what they lead to, and little enough for long videos in which nothing is to be found.
 */
export const offlineSearchBudget = 120;
