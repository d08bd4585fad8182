import { InputError } from '../../src/errors.ts';
import type { Checkpoint } from '../../src/train/checkpoint-format.ts';
import { stateNames, type TrainingState } from '../../src/train/training-step.ts';

/**
 * The mean of the weights of several trainings. Of networks that were trained on from the same start it is often better
 * than each: Wortsman et al., Model soups, ICML 2022.
 * @param trainings name (for messages) and checkpoint of each, two or more
 * @returns the first checkpoint with the mean of all states
 * @throws InputError for fewer than two, or for networks that differ
 */
export const averageCheckpoints = (trainings: readonly (readonly [string, Checkpoint])[]): Checkpoint => {
  if (trainings.length < 2) {
    throw new InputError(`${trainings.length} training was given and a mean needs two. Name two or more.`);
  }
  const [[firstName, first], ...others] = trainings;
  const network = JSON.stringify(first.config.network);
  for (const [name, { config }] of others) {
    const other = JSON.stringify(config.network);
    if (other === network) continue;
    throw new InputError(
      `${firstName} has the network ${network}, but ${name} ${other}. Average trainings of one network, from one start.`,
    );
  }
  const meanOf = (part: keyof TrainingState): Float32Array =>
    first.state[part].map((value, i) =>
      others.reduce(
        (sum, [, { state }]) => sum + state[part][i] / trainings.length,
        value / trainings.length,
      ),
    );
  const state = Object.fromEntries(stateNames.map((part) => [part, meanOf(part)])) as TrainingState;
  return { ...first, state };
};
