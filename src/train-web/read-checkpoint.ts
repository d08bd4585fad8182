/** What a training in a page goes on from. */
import { InputError } from '../errors.ts';
import { sha256Hex } from '../model/sha256.ts';
import { unpackCheckpoint } from '../train/checkpoint-format.ts';
import type { TrainingConfig } from '../train/settings/config.ts';
import type { TrainingState } from '../train/step/training-step.ts';

/** Steps that are done, and the state that they left. */
export type ResumedState = { step: number; state: TrainingState };

const where = 'the checkpoint';
/** Characters of the checksum at the end of the file. */
const sealLength = 64;

/**
 * Reads `checkpoint.bin`, as `files()` gives it and `dve train` writes it.
 * @param config of the training that goes on: its network has to be the same, pictures and videos may be others
 * @throws ModelError for a file that is damaged or another kind; InputError for one of another network, one that has done
 * all steps already, and in pages that are not secure
 */
export const readCheckpoint = async (
  file: Uint8Array<ArrayBuffer>,
  config: TrainingConfig,
): Promise<ResumedState> => {
  const sha256 = await sha256Hex(file.slice(0, Math.max(0, file.length - sealLength)));
  if (sha256 === undefined) {
    throw new InputError(
      'This page is not secure, so that no checksums can be made. Use https or localhost.',
    );
  }
  const checkpoint = unpackCheckpoint(where, file, () => sha256);
  const networkOf = ({ network, batch }: TrainingConfig): string =>
    JSON.stringify([network, batch.inputSize]);
  if (networkOf(checkpoint.config) !== networkOf(config)) {
    throw new InputError(
      `${where} is of another network than config.network and config.batch.inputSize say. Give its config, or train anew without it.`,
    );
  }
  if (checkpoint.step >= config.steps) {
    throw new InputError(
      `${where} has done ${checkpoint.step} steps already, and config.steps is ${config.steps}. Give more steps.`,
    );
  }
  return { step: checkpoint.step, state: checkpoint.state };
};
