/** The bytes of a checkpoint, in Node and in browsers. */
import { ModelError } from '../errors.ts';
import type { TrainingConfig } from './settings/config.ts';
import type { StateName, TrainingState } from './step/training-step.ts';
import { stateNames } from './step/training-step.ts';

/** Everything that a training needs to go on as if it had never stopped. */
export type Checkpoint = {
  /** Steps done. */ step: number;
  config: TrainingConfig;
  /** SHA-256 over names and sizes of the training data: resuming with other data is another training. */
  data: string;
  state: TrainingState;
};

/** How many numbers each state vector has. */
type Lengths = Record<StateName, number>;

type Header = {
  step: number;
  config: TrainingConfig;
  data: string;
  lengths: Lengths;
  /** Of the state alone, in files of before the seal. */ sha256?: string;
};

const magic = 'DVECKPT2';
/** Its checksum stands in the header and leaves that out. */
const unsealedMagic = 'DVECKPT1';

/** Bytes at the end: SHA-256 of everything before them, lower-case hex. */
const sealLength = 64;

/**
 * A checkpoint but for its seal: magic, header length (uint32 LE), header (JSON), then the state vectors (float32 LE)
 * one after the other.
 */
export const packCheckpoint = ({ step, config, data, state }: Checkpoint): Uint8Array<ArrayBuffer> => {
  const vectors = stateNames.map((name) => state[name]);
  const lengths = Object.fromEntries(stateNames.map((name) => [name, state[name].length])) as Lengths;
  const header: Header = { step, config, data, lengths };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const stateLength = vectors.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const bytes = new Uint8Array(magic.length + 4 + text.length + stateLength);
  bytes.set(new TextEncoder().encode(magic));
  new DataView(bytes.buffer).setUint32(magic.length, text.length, true);
  let offset = magic.length + 4;
  for (const part of [text, ...vectors]) {
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), offset);
    offset += part.byteLength;
  }
  return bytes;
};

/** @param content what {@link packCheckpoint} gave @param sha256 of it, lower-case hex @returns the file */
export const sealCheckpoint = (content: Uint8Array, sha256: string): Uint8Array<ArrayBuffer> => {
  const file = new Uint8Array(content.length + sealLength);
  file.set(content);
  file.set(new TextEncoder().encode(sha256), content.length);
  return file;
};

const damaged = (path: string, why: string): ModelError =>
  new ModelError(
    `${path} is not a complete checkpoint (${why}). Delete it and train again without --resume.`,
  );

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Whether a parsed header has everything; `config` is checked by whoever uses it. */
const isHeader = (value: unknown): value is Header => {
  if (!isObject(value)) return false;
  const { step, config, data, lengths } = value as Partial<Header>;
  const isCount = (entry: unknown): boolean => Number.isInteger(entry) && Number(entry) >= 0;
  return (
    isCount(step) &&
    isObject(config) &&
    typeof data === 'string' &&
    isObject(lengths) &&
    stateNames.every((name) => isCount(lengths[name]))
  );
};

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** The header, and the bytes behind it. */
const readHeader = (path: string, content: Uint8Array): { header: Header; body: Uint8Array } => {
  const textStart = magic.length + 4;
  if (content.length < textStart) throw damaged(path, 'it is truncated');
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const bodyStart = textStart + view.getUint32(magic.length, true);
  if (content.length < bodyStart) throw damaged(path, 'it is truncated');
  let header: unknown;
  try {
    header = JSON.parse(textOf(content.subarray(textStart, bodyStart)));
  } catch {
    throw damaged(path, 'its header is unreadable');
  }
  if (!isHeader(header)) throw damaged(path, 'its header is incomplete');
  const body = content.subarray(bodyStart);
  const expected = stateNames.reduce((sum, name) => sum + header.lengths[name] * 4, 0);
  if (body.length !== expected) throw damaged(path, `${body.length} bytes of state, expected ${expected}`);
  return { header, body };
};

const readState = (body: Uint8Array, lengths: Lengths): TrainingState => {
  let offset = 0;
  const entries = stateNames.map((name) => {
    const end = offset + lengths[name] * 4;
    // A copy: the body need not start at a multiple of four.
    const vector = new Float32Array(Uint8Array.from(body.subarray(offset, end)).buffer);
    offset = end;
    return [name, vector] as const;
  });
  return Object.fromEntries(entries) as TrainingState;
};

/**
 * @param digest SHA-256, lower-case hex
 * @throws ModelError for a file that is truncated, damaged or of another kind
 */
export const unpackCheckpoint = (
  path: string,
  file: Uint8Array,
  digest: (bytes: Uint8Array) => string,
): Checkpoint => {
  const start = textOf(file.subarray(0, magic.length));
  if (start !== magic && start !== unsealedMagic) throw damaged(path, 'it starts otherwise');
  const isSealed = start === magic;
  if (isSealed && file.length < magic.length + sealLength) throw damaged(path, 'it is truncated');
  const content = isSealed ? file.subarray(0, -sealLength) : file;
  const { header, body } = readHeader(path, content);
  const { step, config, data, lengths, sha256 } = header;
  const isWhole = isSealed ? digest(content) === textOf(file.subarray(-sealLength)) : digest(body) === sha256;
  if (!isWhole) throw damaged(path, 'its checksum differs');
  return { step, config, data, state: readState(body, lengths) };
};

/**
 * Refuses a state that is not one of a network: its checksum may be right for all that.
 * @throws ModelError that names the vector
 */
export const checkStateLengths = (
  path: string,
  state: TrainingState,
  { parameterCount, statisticCount }: { parameterCount: number; statisticCount: number },
): void => {
  for (const name of stateNames) {
    const expected = name === 'statistics' ? statisticCount : parameterCount;
    const found = state[name].length;
    if (found === expected) continue;
    throw new ModelError(
      `${path}: "${name}" has ${found} numbers but the network of its config has ${expected}. Delete it and train again without --resume.`,
    );
  }
};
