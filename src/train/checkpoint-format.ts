/** The bytes of a checkpoint, in Node and in browsers. */
import { ModelError } from '../errors.ts';
import type { TrainingConfig } from './settings/config.ts';
import type { TrainingState } from './step/training-step.ts';
import { stateNames } from './step/training-step.ts';

/** Everything that a training needs to go on as if it had never stopped. */
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

const magic = 'DVECKPT1';

/** The state vectors (float32 LE) one after the other: what the checksum of a checkpoint is over. */
export const stateBytes = (state: TrainingState): Uint8Array<ArrayBuffer> => {
  const vectors = stateNames.map((name) => state[name]);
  const bytes = new Uint8Array(vectors.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let offset = 0;
  for (const { buffer, byteOffset, byteLength } of vectors) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), offset);
    offset += byteLength;
  }
  return bytes;
};

/**
 * Layout: magic, header length (uint32 LE), header (JSON), then {@link stateBytes}.
 * @param body the state's bytes @param sha256 of them, lower-case hex
 */
export const packCheckpoint = (
  { step, config, data, state }: Checkpoint,
  body: Uint8Array,
  sha256: string,
): Uint8Array<ArrayBuffer> => {
  const lengths = Object.fromEntries(stateNames.map((name) => [name, state[name].length]));
  const header: Header = { step, config, data, lengths, sha256 };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(magic.length + 4 + text.length + body.length);
  bytes.set(new TextEncoder().encode(magic));
  new DataView(bytes.buffer).setUint32(magic.length, text.length, true);
  bytes.set(text, magic.length + 4);
  bytes.set(body, magic.length + 4 + text.length);
  return bytes;
};

const damaged = (path: string, why: string): ModelError =>
  new ModelError(
    `${path} is not a complete checkpoint (${why}). Delete it and train again without --resume.`,
  );

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Whether a parsed header has everything; `config` is checked by whoever uses it. */
const isHeader = (value: unknown): value is Header => {
  if (!isObject(value)) return false;
  const { step, config, data, lengths, sha256 } = value as Partial<Header>;
  const isCount = (entry: unknown): boolean => Number.isInteger(entry) && Number(entry) >= 0;
  return (
    isCount(step) &&
    isObject(config) &&
    typeof data === 'string' &&
    typeof sha256 === 'string' &&
    isObject(lengths) &&
    stateNames.every((name) => isCount(lengths[name]))
  );
};

/** What {@link unpackCheckpoint} found, still unchecked. */
export type UnpackedCheckpoint = {
  /** The state's bytes. */ body: Uint8Array;
  /** What their SHA-256 should be. */ sha256: string;
  /** The checkpoint. @throws ModelError where the checksum of the body is another */
  open: (found: string) => Checkpoint;
};

/** @throws ModelError for a file that is truncated or of another kind */
export const unpackCheckpoint = (path: string, file: Uint8Array): UnpackedCheckpoint => {
  const text = (from: number, to: number): string => new TextDecoder().decode(file.subarray(from, to));
  if (text(0, magic.length) !== magic) throw damaged(path, 'it starts otherwise');
  const textStart = magic.length + 4;
  if (file.length < textStart) throw damaged(path, 'it is truncated');
  const bodyStart =
    textStart + new DataView(file.buffer, file.byteOffset, file.byteLength).getUint32(magic.length, true);
  if (file.length < bodyStart) throw damaged(path, 'it is truncated');
  let header: unknown;
  try {
    header = JSON.parse(text(textStart, bodyStart));
  } catch {
    throw damaged(path, 'its header is unreadable');
  }
  if (!isHeader(header)) throw damaged(path, 'its header is incomplete');
  const { step, config, data, lengths, sha256 } = header;
  const body = file.subarray(bodyStart);
  const expected = stateNames.reduce((sum, name) => sum + lengths[name] * 4, 0);
  if (body.length !== expected) throw damaged(path, `${body.length} bytes of state, expected ${expected}`);
  const open = (found: string): Checkpoint => {
    if (found !== sha256) throw damaged(path, 'its checksum differs');
    const state: Partial<TrainingState> = {};
    let offset = 0;
    for (const name of stateNames) {
      const end = offset + lengths[name] * 4;
      // A copy: the body need not start at a multiple of four.
      state[name] = new Float32Array(Uint8Array.from(body.subarray(offset, end)).buffer);
      offset = end;
    }
    return { step, config, data, state: state as TrainingState };
  };
  return { body, sha256, open };
};
