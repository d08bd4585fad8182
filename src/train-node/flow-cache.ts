import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { writeFileAtomic } from '../files-node/atomic-file.ts';
import { decodeFlow, encodeFlow } from './flow-codec.ts';
import { roundFlow } from '../flow/rounding.ts';
import type { FlowMethod, GrayImage, OpticalFlow } from '../flow/optical-flow.ts';

export type FlowCache = FlowMethod & {
  /** Flows that were on disk, and flows that were computed. */ stats(): { hits: number; misses: number };
};

const keyOf = (name: string, a: GrayImage, b: GrayImage): string => {
  const hash = createHash('sha256').update(`${name}\n`);
  for (const { width, height, data } of [a, b]) {
    hash.update(`${width}×${height}\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
};

/**
 * Keeps the flows of a method on disk, under a hash of the method's name and both pictures. A file that is missing,
 * damaged or of another size is computed again; a flow is rounded to 1/64 px, whether it was on disk or not. Several
 * threads and processes may share the folder.
 *
 * @param folder made when the first flow is kept
 * @param onWarning told once when flows cannot be kept (a full disk); they are computed every time then
 */
export const createFlowCache = (
  folder: string,
  method: FlowMethod,
  onWarning?: (message: string) => void,
): FlowCache => {
  let hits = 0;
  let misses = 0;
  let writable = true;

  const keep = async (path: string, bytes: Uint8Array): Promise<void> => {
    if (!writable) return;
    try {
      await writeFileAtomic(path, bytes);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      writable = false;
      onWarning?.(`Flows are not kept: ${error.message}`);
    }
  };

  const flow: OpticalFlow = async (a, b) => {
    const key = keyOf(method.name, a, b);
    // No folder holds more than a few thousand files, whatever their number.
    const path = join(folder, key.slice(0, 2), `${key.slice(2)}.flow`);
    const bytes = await readFile(path).catch(() => undefined);
    const kept = bytes === undefined ? undefined : decodeFlow(bytes);
    if (kept?.width === a.width && kept.height === a.height) {
      hits++;
      return kept;
    }
    misses++;
    const computed = await method.flow(a, b);
    await keep(path, encodeFlow(computed));
    return roundFlow(computed);
  };
  return { name: method.name, flow, stats: () => ({ hits, misses }) };
};
