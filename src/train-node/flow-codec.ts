import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { FlowField } from '../flow/plane.ts';
import { STEPS, toSteps } from '../flow/rounding.ts';

const MAGIC = 'DVEF';
const VERSION = 1;
/** Magic, version, width, height, checksum. */
const HEADER_BYTES = 24;
const CHECKSUM_BYTES = 8;

const checksum = (bytes: Uint8Array): Uint8Array =>
  createHash('sha256').update(bytes).digest().subarray(0, CHECKSUM_BYTES);

/** Whole steps, each less the one before it: a smooth plane becomes mostly zeros. */
const toDifferences = (plane: Float32Array, out: Int16Array, offset: number): void => {
  let before = 0;
  for (let i = 0; i < plane.length; i++) {
    const steps = toSteps(plane[i]);
    // A difference that does not fit wraps around, and back again when it is added up.
    out[offset + i] = steps - before;
    before = steps;
  }
};

const fromDifferences = (differences: Int16Array, offset: number, plane: Float32Array): void => {
  let steps = 0;
  for (let i = 0; i < plane.length; i++) {
    steps = ((steps + differences[offset + i]) << 16) >> 16;
    plane[i] = steps / STEPS;
  }
};

/** A flow in a few bytes a pixel, with a checksum. Rounded to 1/64 px; little-endian machines only, as all are. */
export const encodeFlow = (flow: FlowField): Uint8Array => {
  const { width, height } = flow;
  const count = width * height;
  const differences = new Int16Array(2 * count);
  toDifferences(flow.x, differences, 0);
  toDifferences(flow.y, differences, count);
  const body = deflateRawSync(new Uint8Array(differences.buffer), { level: 4 });
  const bytes = Buffer.alloc(HEADER_BYTES + body.length);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt32LE(VERSION, 4);
  bytes.writeUInt32LE(width, 8);
  bytes.writeUInt32LE(height, 12);
  bytes.set(checksum(body), 16);
  bytes.set(body, HEADER_BYTES);
  return bytes;
};

/**
 * Reads what {@link encodeFlow} wrote.
 * @returns undefined for bytes that are damaged, cut off, or something else
 */
export const decodeFlow = (bytes: Uint8Array): FlowField | undefined => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < HEADER_BYTES || buffer.toString('latin1', 0, 4) !== MAGIC) return undefined;
  if (buffer.readUInt32LE(4) !== VERSION) return undefined;
  const body = buffer.subarray(HEADER_BYTES);
  if (!buffer.subarray(16, HEADER_BYTES).equals(checksum(body))) return undefined;
  const [width, height] = [buffer.readUInt32LE(8), buffer.readUInt32LE(12)];
  const count = width * height;
  const inflated = inflateRawSync(body);
  if (inflated.length !== 4 * count) return undefined;
  // A copy, as the bytes of a Buffer may start anywhere and 16-bit numbers may not.
  const differences = new Int16Array(new Uint8Array(inflated).buffer);
  const flow: FlowField = { width, height, x: new Float32Array(count), y: new Float32Array(count) };
  fromDifferences(differences, 0, flow.x);
  fromDifferences(differences, count, flow.y);
  return flow;
};
