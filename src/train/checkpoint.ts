/** Checkpoints: one file with everything that a training needs to go on as if it had never stopped. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { InputError, ModelError } from '../errors.ts';
import { writeFileAtomic } from '../model/atomic-file.ts';
import type { TrainingConfig } from './config.ts';
import type { TrainingState } from './training-step.ts';
import { stateNames } from './training-step.ts';

const magic = 'DVECKPT1';

export type Checkpoint = {
  /** Steps done. */ step: number;
  config: TrainingConfig;
  /** SHA-256 over names and sizes of the training data: resuming with other data is another training. */
  data: string;
  state: TrainingState;
};

type Header = {
  step: number;
  config: TrainingConfig;
  data: string;
  lengths: Record<string, number>;
  sha256: string;
};

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Layout: magic, header length (uint32 LE), header (JSON), then the state vectors (float32 LE) in order. */
export const encodeCheckpoint = ({ step, config, data, state }: Checkpoint): Uint8Array => {
  const vectors = stateNames.map((name) => state[name]);
  const body = Buffer.concat(vectors.map((v) => Buffer.from(v.buffer, v.byteOffset, v.byteLength)));
  const lengths = Object.fromEntries(stateNames.map((name) => [name, state[name].length]));
  const header: Header = { step, config, data, lengths, sha256: digest(body) };
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(text.length);
  return Buffer.concat([Buffer.from(magic), size, text, body]);
};

const damaged = (path: string, why: string): ModelError =>
  new ModelError(
    `${path} is not a complete checkpoint (${why}). Delete it and train again without --resume.`,
  );

/** @throws ModelError for a file that is truncated, damaged or of another kind */
export const decodeCheckpoint = (path: string, bytes: Uint8Array): Checkpoint => {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.subarray(0, magic.length).toString() !== magic) throw damaged(path, 'it starts otherwise');
  if (file.length < magic.length + 4) throw damaged(path, 'it is truncated');
  const textStart = magic.length + 4;
  const bodyStart = textStart + file.readUInt32LE(magic.length);
  if (file.length < bodyStart) throw damaged(path, 'it is truncated');
  let header: Header;
  try {
    header = JSON.parse(file.subarray(textStart, bodyStart).toString()) as Header;
  } catch {
    throw damaged(path, 'its header is unreadable');
  }
  const body = file.subarray(bodyStart);
  const expected = stateNames.reduce((sum, name) => sum + header.lengths[name] * 4, 0);
  if (body.length !== expected) throw damaged(path, `${body.length} bytes of state, expected ${expected}`);
  if (digest(body) !== header.sha256) throw damaged(path, 'its checksum differs');
  const state: Partial<TrainingState> = {};
  let offset = 0;
  for (const name of stateNames) {
    const end = offset + header.lengths[name] * 4;
    // A copy: the body need not start at a multiple of four.
    state[name] = new Float32Array(Uint8Array.from(body.subarray(offset, end)).buffer);
    offset = end;
  }
  return { step: header.step, config: header.config, data: header.data, state: state as TrainingState };
};

/** Atomic: killed at any moment, the file holds the previous checkpoint or this one. */
export const writeCheckpoint = (path: string, checkpoint: Checkpoint): Promise<void> =>
  writeFileAtomic(path, encodeCheckpoint(checkpoint));

/** @throws InputError when there is none; ModelError when it is damaged */
export const readCheckpoint = async (path: string): Promise<Checkpoint> => {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch {
    throw new InputError(`There is no checkpoint at ${path} to resume from. Train without --resume first.`);
  }
  return decodeCheckpoint(path, bytes);
};
