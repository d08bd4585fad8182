/** A refiner as `landmarks.json` has it: one string of 16-bit numbers beside what it belongs to. */
import { shownValue } from '../errors.ts';
import type { Refiner } from './refiner.ts';

/** Of the `refiner` field. Files without one, from before there were refiners, stay readable. */
const formatVersion = 1;
const largest = 32767;

/** What the arrays of a refiner are, in the order of the file, and how long. */
const layoutOf = (
  landmarks: number,
  channels: number,
  { components, dimensions, ranks }: { components: number; dimensions: number; ranks: readonly number[] },
): number[] => {
  const size = 2 * landmarks;
  const [first, second] = ranks;
  return [
    ...[components * size, components, dimensions * channels],
    ...[first * size, size * first, size],
    ...[second * (landmarks * dimensions + size), size * second, size],
  ];
};

const arraysOf = ({ shape, projection, fromCoordinates, fromEmbeddings }: Refiner): Float32Array[] => [
  ...[shape.components, shape.variances, projection],
  ...[fromCoordinates.down, fromCoordinates.up, fromCoordinates.offset],
  ...[fromEmbeddings.down, fromEmbeddings.up, fromEmbeddings.offset],
];

/** Rounds an array to what the file keeps: whole multiples of its greatest magnitude over 32767. In place. */
export const roundToFile = (values: Float32Array): Float32Array => {
  const step = Math.fround(greatest(values) / largest);
  if (step > 0) values.forEach((value, i) => (values[i] = Math.round(value / step) * step));
  return values;
};

const greatest = (values: Float32Array): number =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** A short number that changes with every landmark, reference and mean place (FNV-1a, 32 bits). */
export const fingerprintOf = (parts: unknown): string => {
  let hash = 0x811c9dc5;
  for (const character of JSON.stringify(parts)) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(8, '0');
};

/**
 * @param channels C of the embeddings
 * @param fingerprint of the names, references and mean shape that the refiner was fitted to
 */
export const encodeRefiner = (
  refiner: Refiner,
  { channels, fingerprint }: { channels: number; fingerprint: string },
): Record<string, unknown> => {
  const arrays = arraysOf(refiner);
  const view = new DataView(new ArrayBuffer(arrays.reduce((sum, { length }) => sum + 4 + 2 * length, 0)));
  let at = 0;
  for (const values of arrays) {
    const step = Math.fround(greatest(values) / largest);
    view.setFloat32(at, step, true);
    at += 4;
    for (const value of values) {
      view.setInt16(at, step > 0 ? Math.round(value / step) : 0, true);
      at += 2;
    }
  }
  let text = '';
  for (const byte of new Uint8Array(view.buffer)) text += String.fromCharCode(byte);
  const size = refiner.fromCoordinates.offset.length;
  return {
    formatVersion,
    fingerprint,
    components: refiner.shape.variances.length,
    dimensions: refiner.projection.length / channels,
    ranks: [refiner.fromCoordinates.up.length / size, refiner.fromEmbeddings.up.length / size],
    data: btoa(text),
  };
};

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 4096;

const bytesOf = (data: string): Uint8Array | undefined => {
  try {
    return Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
};

/**
 * @param fingerprint of the set that the field stands in
 * @param fail told what is wrong
 */
export const decodeRefiner = (
  value: Record<string, unknown>,
  { landmarks, channels, fingerprint }: { landmarks: number; channels: number; fingerprint: string },
  fail: (problem: string) => never,
): Refiner => {
  const { components, dimensions, ranks, data } = value;
  if (value.formatVersion !== formatVersion) {
    return fail(
      `has a refiner of format version ${shownValue(value.formatVersion)} but this version of dve-sdk reads ${formatVersion}`,
    );
  }
  if (!isCount(components) || !isCount(dimensions) || !Array.isArray(ranks) || ranks.length !== 2)
    return fail('has a refiner without components, dimensions and two ranks, whole numbers');
  const [first, second] = ranks as unknown[];
  if (!isCount(first) || !isCount(second) || typeof data !== 'string')
    return fail('has a refiner without ranks, whole numbers, and data, a string');
  if (value.fingerprint !== fingerprint) {
    return fail(
      `has a refiner for other names, references or mean shape (fingerprint ${shownValue(value.fingerprint)}) than its own (${fingerprint})`,
    );
  }
  const lengths = layoutOf(landmarks, channels, { components, dimensions, ranks: [first, second] });
  const wanted = lengths.reduce((sum, length) => sum + 4 + 2 * length, 0);
  const bytes = bytesOf(data);
  if (bytes?.length !== wanted) {
    return fail(`has a refiner of ${bytes?.length ?? 'unreadable'} bytes but ${wanted} are to be there`);
  }
  const view = new DataView(bytes.buffer);
  let at = 0;
  const [rows, variances, projection, ...maps] = lengths.map((length) => {
    const step = view.getFloat32(at, true);
    const start = at + 4;
    at = start + 2 * length;
    return Float32Array.from({ length }, (_, i) => view.getInt16(start + 2 * i, true) * step);
  });
  if ([rows, variances, projection, ...maps].some((values) => !values.every(Number.isFinite)))
    return fail('has a refiner with numbers that are not finite');
  const [down, up, offset, downOfSecond, upOfSecond, offsetOfSecond] = maps;
  return {
    shape: { components: rows, variances },
    projection,
    fromCoordinates: { down, up, offset },
    fromEmbeddings: { down: downOfSecond, up: upOfSecond, offset: offsetOfSecond },
  };
};
