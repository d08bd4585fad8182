/** What a training starts from: nothing, another training's weights, or its own checkpoint. */
import { InputError } from '../errors.ts';
import { checkStateLengths } from '../train/checkpoint-format.ts';
import type { ParameterLayout } from '../train/network/training-network.ts';
import type { TrainingConfig } from '../train/settings/config.ts';
import { parseConfig } from '../train/settings/config.ts';
import type { TrainingState } from '../train/step/training-step.ts';
import { freshState } from '../train/trainer.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { StartData } from './start-weights.ts';
import { startWeights } from './start-weights.ts';

/**
 * Everything but the number of steps must stay what it was: the batches and the state depend on it.
 * @param layout of the config's network
 * @param data digest of the data that is given now
 * @param path of the checkpoint, for messages
 */
export const checkResumable = (
  checkpoint: Checkpoint,
  { config, layout, data }: { config: TrainingConfig; layout: ParameterLayout; data: string },
  path: string,
): void => {
  // A short training has a shorter warm-up: it goes with the number of steps.
  const comparable = ({ optimizer, ...settings }: TrainingConfig): string =>
    JSON.stringify({
      ...{ ...settings, steps: 0, checkpointEvery: 0, evaluateEvery: 0 },
      optimizer: { ...optimizer, warmup: 0 },
    });
  // A checkpoint of before a setting was made has its default.
  if (comparable(parseConfig(checkpoint.config, `config in ${path}`)) !== comparable(config)) {
    throw new InputError(
      `${path} was trained with another config. Resume with the same --config, or train without --resume.`,
    );
  }
  if (checkpoint.data !== data) {
    throw new InputError(
      `${path} was trained on other pictures, videos or regions, or other meshes, than are given now. Resume with the same ones, and with --init if it was begun with one, or train without --resume.`,
    );
  }
  checkStateLengths(path, checkpoint.state, layout);
};

/** A new training's state, with the weights that another one ended with where there is one; see {@link startWeights}. */
export const startState = async (
  init: string | undefined,
  config: TrainingConfig,
  layout: ParameterLayout,
  data: StartData,
): Promise<TrainingState> => {
  const fresh = freshState(config, layout);
  if (init === undefined) return fresh;
  const { parameters, statistics } = await startWeights(init, config, layout, data);
  return { ...fresh, parameters, average: parameters.slice(), statistics };
};
