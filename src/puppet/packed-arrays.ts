/**
 * Arrays of numbers in one file, as the puppet's face and its weights are kept. Little endian: the letters `DVEP`, the
 * length of the header (u32), the header (JSON, padded with spaces so that arrays start at a multiple of 4), the arrays one
 * after the other, each padded to a multiple of 4.
 */
import { ModelError } from '../errors.ts';

/** How an array is stored. */
export type PackedKind = 'int8' | 'int16' | 'uint16' | 'float32';

/** What the header says of one array. */
type Entry = {
  kind: PackedKind;
  shape: readonly number[];
  /** What a stored number of each row (along the first axis) is multiplied by; none for numbers kept as they are. */
  scales?: readonly number[];
};

/** An array with its shape. */
export type PackedArray = { shape: readonly number[]; data: Float32Array };

/** What a file holds: arrays by name, and whatever else its header says. */
export type PackedFile = {
  arrays: ReadonlyMap<string, PackedArray>;
  about: Readonly<Record<string, unknown>>;
};

/** An array to be stored. */
export type ArrayToPack = PackedArray & { name: string; kind: PackedKind };

const magic = 0x50455644;
const bytesOf: Record<PackedKind, number> = { int8: 1, int16: 2, uint16: 2, float32: 4 };
const greatest: Partial<Record<PackedKind, number>> = { int8: 127, int16: 32767 };

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);
const padded = (bytes: number): number => Math.ceil(bytes / 4) * 4;

const viewOf = (kind: PackedKind, buffer: ArrayBuffer, offset: number, size: number) => {
  if (kind === 'int8') return new Int8Array(buffer, offset, size);
  if (kind === 'int16') return new Int16Array(buffer, offset, size);
  if (kind === 'uint16') return new Uint16Array(buffer, offset, size);
  return new Float32Array(buffer, offset, size);
};

/** Whole numbers that stand for those of one row, and their scale. */
const scaleOf = (row: Float32Array, most: number): number => {
  let largest = 0;
  for (const value of row) largest = Math.max(largest, Math.abs(value));
  return largest === 0 ? 1 : largest / most;
};

/** Puts arrays into one file. @param about what else its header shall say */
export const packArrays = (arrays: readonly ArrayToPack[], about: Record<string, unknown>): Uint8Array => {
  const entries: Record<string, Entry> = {};
  const parts = arrays.map(({ name, kind, shape, data }) => {
    const most = greatest[kind];
    const stored = viewOf(kind, new ArrayBuffer(padded(data.length * bytesOf[kind])), 0, data.length);
    if (most === undefined) {
      stored.set(data);
      entries[name] = { kind, shape };
      return stored;
    }
    const length = sizeOf(shape.slice(1));
    const scales = Array.from({ length: shape[0] }, (_, row) => {
      const values = data.subarray(row * length, (row + 1) * length);
      const scale = Number(scaleOf(values, most).toPrecision(7));
      for (let i = 0; i < length; i++) {
        stored[row * length + i] = Math.max(-most, Math.min(most, Math.round(values[i] / scale)));
      }
      return scale;
    });
    entries[name] = { kind, shape, scales };
    return stored;
  });
  const text = new TextEncoder().encode(JSON.stringify({ ...about, arrays: entries }));
  const header = new Uint8Array(padded(text.length)).fill(32);
  header.set(text);
  const total = 8 + header.length + parts.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  const file = new Uint8Array(total);
  new DataView(file.buffer).setUint32(0, magic, true);
  new DataView(file.buffer).setUint32(4, header.length, true);
  file.set(header, 8);
  let at = 8 + header.length;
  for (const { buffer } of parts) {
    file.set(new Uint8Array(buffer), at);
    at += buffer.byteLength;
  }
  return file;
};

const isEntry = (value: unknown): value is Entry => {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, shape, scales } = value as Partial<Entry>;
  const isShape = Array.isArray(shape) && shape.every((side) => Number.isInteger(side) && side >= 0);
  if (!isShape || kind === undefined || !Object.hasOwn(bytesOf, kind)) return false;
  return greatest[kind] === undefined || (Array.isArray(scales) && scales.length === shape[0]);
};

const parseHeader = (bytes: Uint8Array, where: string): Record<string, unknown> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isPacked = bytes.byteLength >= 8 && view.getUint32(0, true) === magic;
  const length = isPacked ? view.getUint32(4, true) : 0;
  try {
    if (isPacked && 8 + length <= bytes.byteLength) {
      const value: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    }
  } catch {
    // Told below: what breaks JSON is told no better by its parser.
  }
  throw new ModelError(
    `${where} is no file of packed arrays (${bytes.byteLength} bytes). Serve the file as it came with the package.`,
  );
};

/**
 * Takes a file apart.
 * @param where how it is called in errors
 * @throws ModelError for a file that is none, or breaks off
 */
export const unpackArrays = (file: ArrayBuffer | Uint8Array, where: string): PackedFile => {
  const bytes = file instanceof Uint8Array ? file : new Uint8Array(file);
  const { arrays: entries, ...about } = parseHeader(bytes, where);
  const arrays = new Map<string, PackedArray>();
  let at = 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  for (const [name, entry] of Object.entries(entries ?? {})) {
    const size = isEntry(entry) ? sizeOf(entry.shape) : NaN;
    const length = isEntry(entry) ? size * bytesOf[entry.kind] : NaN;
    if (!isEntry(entry) || !(at + length <= bytes.byteLength)) {
      throw new ModelError(
        `${where} breaks off at "${name}" (${bytes.byteLength} bytes). Fetch the whole file again.`,
      );
    }
    const { kind, shape, scales } = entry;
    // A copy, so that it is aligned; Node's own slice() is none.
    const stored = viewOf(kind, Uint8Array.from(bytes.subarray(at, at + length)).buffer, 0, size);
    const row = scales === undefined ? size : sizeOf(shape.slice(1));
    const data = Float32Array.from(stored, (value, i) => value * (scales?.[Math.floor(i / row)] ?? 1));
    arrays.set(name, { shape, data });
    at += padded(length);
  }
  return { arrays, about };
};

/**
 * One array of a file.
 * @param shape what it has to be; NaN stands for any length
 * @throws ModelError where it is missing or of another shape
 */
export const arrayOf = (
  file: PackedFile,
  name: string,
  shape: readonly number[],
  where: string,
): Float32Array => {
  const found = file.arrays.get(name);
  const fits =
    found?.shape.length === shape.length &&
    shape.every((side, axis) => Number.isNaN(side) || side === found.shape[axis]);
  if (!fits) {
    const wanted = shape.map((side) => (Number.isNaN(side) ? 'any' : side)).join(' × ');
    throw new ModelError(
      `${where} has "${name}" of ${found?.shape.join(' × ') ?? 'no'} numbers but ${wanted} are needed. Use the files of one version of the package.`,
    );
  }
  return found.data;
};
