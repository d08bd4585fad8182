import { InputError } from '../../src/errors.ts';
import type { Checkpoint } from '../../src/train/checkpoint-format.ts';
import { stateNames, type TrainingState } from '../../src/train/step/training-step.ts';

/** One training that takes part in a mean. */
export type Training = {
  /** For messages. */ name: string;
  checkpoint: Checkpoint;
  /** How much it counts, above 0. */ share: number;
};

/**
 * The weighted mean of the weights of several trainings. Of networks that were trained on from one start it is often
 * better than each: Wortsman et al., Model soups, ICML 2022.
 * @param trainings two or more; their shares are scaled to a sum of 1
 * @returns the first checkpoint with the mean of all states
 * @throws InputError for fewer than two, for a share that is not above 0, or for networks that differ
 */
export const averageCheckpoints = (trainings: readonly Training[]): Checkpoint => {
  if (trainings.length < 2) {
    throw new InputError(`${trainings.length} training was given and a mean needs two. Name two or more.`);
  }
  const [first] = trainings;
  const network = JSON.stringify(first.checkpoint.config.network);
  for (const { name, checkpoint, share } of trainings) {
    if (!(share > 0 && Number.isFinite(share))) {
      throw new InputError(`The share of ${name} is ${share}. Give a number above 0.`);
    }
    const other = JSON.stringify(checkpoint.config.network);
    if (other === network) continue;
    throw new InputError(
      `${first.name} has the network ${network}, but ${name} ${other}. Average trainings of one network, from one start.`,
    );
  }
  const total = trainings.reduce((sum, { share }) => sum + share, 0);
  const meanOf = (part: keyof TrainingState): Float32Array =>
    first.checkpoint.state[part].map((_, i) =>
      trainings.reduce((sum, { checkpoint, share }) => sum + (share / total) * checkpoint.state[part][i], 0),
    );
  const state = Object.fromEntries(stateNames.map((part) => [part, meanOf(part)])) as TrainingState;
  return { ...first.checkpoint, state };
};
