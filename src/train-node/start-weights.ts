/** Weights that a new training starts from: another one's checkpoint, or what it exported. */
import { readFile } from 'node:fs/promises';
import { InputError } from '../errors.ts';
import type { TrainingConfig } from '../train/settings/config.ts';
import type { SharedPool } from '../train/batch/sources.ts';
import type { TrainedWeights } from '../train/network/inference-network.ts';
import type { PictureSet } from '../train/views/pictures.ts';
import { calibrationCrops } from '../train/model-files.ts';
import { importWeights } from '../train/network/import-weights.ts';
import type { ParameterLayout } from '../train/network/training-network.ts';
import type { Runtime } from '../model/model.ts';
import { weightsOf } from '../train/trainer.ts';
import { checkStateLengths } from '../train/checkpoint-format.ts';
import { readCheckpoint } from './checkpoint.ts';

/** Whether weights are taken from an exported network rather than from a checkpoint. */
export const isExported = (path: string): boolean => path.endsWith('.onnx');

const ofCheckpoint = async (path: string, config: TrainingConfig, layout: ParameterLayout) => {
  const source = await readCheckpoint(path);
  const { network } = source.config;
  if (JSON.stringify(network) !== JSON.stringify(config.network)) {
    throw new InputError(
      `${path} holds a network ${JSON.stringify(network)} but the config asks for ${JSON.stringify(config.network)}. Start from a checkpoint of the same network.`,
    );
  }
  checkStateLengths(path, source.state, layout);
  return weightsOf(source.config, source.state);
};

const readExported = async (path: string): Promise<Uint8Array> => {
  try {
    return await readFile(path);
  } catch (error) {
    throw new InputError(`${path} cannot be read. Give a checkpoint, or a model directory.`, {
      cause: error,
    });
  }
};

/** What batch norm of an exported network is put back over. */
export type StartData = {
  runtime: Runtime;
  set: PictureSet | undefined;
  /** Pairs made from the pictures. */ pools: readonly SharedPool[];
};

/**
 * The weights that another training ended with.
 * @param path a checkpoint, whose averaged weights are taken, or a `model.onnx`
 * @param data pictures over whose crops the batch norm of a `model.onnx` is put back
 * @throws InputError where it cannot be read, a checkpoint holds another network, or a `model.onnx` comes without
 *   pictures; ModelError where a file is damaged or does not fit the config
 */
export const startWeights = async (
  path: string,
  config: TrainingConfig,
  layout: ParameterLayout,
  { runtime, set, pools }: StartData,
): Promise<TrainedWeights> => {
  if (!isExported(path)) return ofCheckpoint(path, config, layout);
  if (set === undefined) {
    throw new InputError(
      `${path} is an exported network, which needs pictures to start from, and there are none. Give --images, too, or a checkpoint.`,
    );
  }
  return importWeights(await readExported(path), layout, {
    ...{ runtime, network: config.network, inputSize: config.batch.inputSize },
    crops: calibrationCrops({ set, pools }, config),
  });
};
