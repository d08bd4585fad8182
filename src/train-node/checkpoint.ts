/** Checkpoints: one file with everything that a training needs to go on as if it had never stopped. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { InputError } from '../errors.ts';
import { writeFileAtomic } from '../files-node/atomic-file.ts';
import type { Checkpoint } from '../train/checkpoint-format.ts';
import { packCheckpoint, sealCheckpoint, unpackCheckpoint } from '../train/checkpoint-format.ts';

export type { Checkpoint } from '../train/checkpoint-format.ts';

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export const encodeCheckpoint = (checkpoint: Checkpoint): Uint8Array => {
  const content = packCheckpoint(checkpoint);
  return sealCheckpoint(content, digest(content));
};

/** @throws ModelError for a file that is truncated, damaged or of another kind */
export const decodeCheckpoint = (path: string, bytes: Uint8Array): Checkpoint =>
  unpackCheckpoint(path, bytes, digest);

/** Atomic: killed at any moment, the file holds the previous checkpoint or this one. */
export const writeCheckpoint = (path: string, checkpoint: Checkpoint): Promise<void> =>
  writeFileAtomic(path, encodeCheckpoint(checkpoint));

/** @throws InputError when there is none; ModelError when it is damaged */
export const readCheckpoint = async (path: string): Promise<Checkpoint> => {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch {
    throw new InputError(
      `There is no checkpoint at ${path} that can be read. Train without --resume first, or give the folder of a training.`,
    );
  }
  return decodeCheckpoint(path, bytes);
};
