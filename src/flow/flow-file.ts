import { InputError } from '../errors.ts';
import type { FlowField } from './plane.ts';

/** A flow read from a file, and where it is known. */
export type TrueFlow = {
  flow: FlowField;
  /** (H, W): 1 where the file knows the flow, else 0 (and the flow there is 0). */ known: Uint8Array;
};

/** First four bytes, "PIEH" as a little-endian float. */
const MAGIC = 202021.25;
const HEADER_BYTES = 12;
/** Greater displacements stand for "unknown", by the format's own definition. */
const UNKNOWN_ABOVE = 1e9;
const LONGEST_SIDE = 99_999;

/**
 * Reads a Middlebury flow file (.flo): magic number, width and height as 32-bit integers, then u and v of each
 * pixel as 32-bit floats, row by row, all little-endian. Baker et al., IJCV 2011.
 *
 * @param name how messages call the file
 * @throws InputError for bytes that are no such file, or not all of it
 */
export const readFlowFile = (bytes: Uint8Array, name: string): TrueFlow => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || view.getFloat32(0, true) !== MAGIC) {
    throw new InputError(`${name} is not a Middlebury flow file. Pass one that starts with "PIEH" (.flo).`);
  }
  const width = view.getInt32(4, true);
  const height = view.getInt32(8, true);
  if (width < 1 || height < 1 || width > LONGEST_SIDE || height > LONGEST_SIDE) {
    throw new InputError(`${name} claims a flow of ${width}×${height} pixels. Write the file again.`);
  }
  const count = width * height;
  const expected = HEADER_BYTES + 8 * count;
  if (bytes.length !== expected) {
    throw new InputError(
      `${name} has ${bytes.length} bytes but a flow of ${width}×${height} pixels takes ${expected}. Write the file again.`,
    );
  }
  const flow: FlowField = { width, height, x: new Float32Array(count), y: new Float32Array(count) };
  const known = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const u = view.getFloat32(HEADER_BYTES + 8 * i, true);
    const v = view.getFloat32(HEADER_BYTES + 8 * i + 4, true);
    // Written so that NaN counts as unknown too.
    if (!(Math.abs(u) <= UNKNOWN_ABOVE && Math.abs(v) <= UNKNOWN_ABOVE)) continue;
    known[i] = 1;
    flow.x[i] = u;
    flow.y[i] = v;
  }
  return { flow, known };
};
