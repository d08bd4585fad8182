import { InputError, ModelError } from '../errors.ts';
import { readText } from '../files-node/read-text.ts';
import { checkLandmarkSet, parseLandmarkSet, type LandmarkSet } from '../landmarks/landmark-set.ts';
import { ownSetOf } from '../landmarks/own-set.ts';
import { readModelDirectory } from '../model/model-directory-node.ts';
import type { Model } from '../model/model.ts';
import { withModel, type ModelValues } from './model-options.ts';

/** The model's own set; undefined where it has none. */
export const readOwnSet = async (model: string): Promise<LandmarkSet | undefined> =>
  ownSetOf(await readModelDirectory(model));

/** The set that was asked for, or the model's own. */
export const readLandmarkSet = async (file: string | undefined, model: string): Promise<LandmarkSet> => {
  if (file !== undefined) {
    try {
      return parseLandmarkSet(await readText(file), file);
    } catch (error) {
      if (error instanceof ModelError) throw error;
      throw new InputError(`${file} cannot be read. Give a landmark set that "dve landmarks" made.`, {
        cause: error,
      });
    }
  }
  const own = await readOwnSet(model);
  if (own === undefined) {
    throw new ModelError(
      `${model} has no landmark set of its own. Make one with "dve landmarks", or give --landmarks.`,
    );
  }
  return own;
};

/**
 * Loads the model that the options name, makes sure that the landmark set is made for it, and closes it when `use` is
 * through.
 * @throws InputError where they do not belong together
 */
export const withModelAndSet = <Result>(
  values: ModelValues & { /** Where the set was read from. */ landmarks: string | undefined },
  landmarkSet: LandmarkSet,
  use: (session: Model) => Promise<Result>,
): Promise<Result> =>
  withModel(values, (session) => {
    const { landmarks = 'landmarks.json', model } = values;
    checkLandmarkSet(landmarkSet, session.manifest, { landmarks, model });
    return use(session);
  });

/**
 * No stream waits here, so that the object may be found in the frame in which it appears: enough for all near squares
 * and what they lead to, and little enough for long videos in which nothing is to be found.
 */
export const offlineSearchBudget = 120;

/** The same for more objects, while some are tracked: they may never come, and all frames would pay for it. */
export const offlineBudgetBeside = 12;
