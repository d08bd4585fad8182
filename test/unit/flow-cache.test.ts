import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createFlowCache } from '../../src/train-node/flow-cache.ts';
import { disMethod, type FlowMethod } from '../../src/flow/optical-flow.ts';
import { decodeFlow, encodeFlow } from '../../src/train-node/flow-codec.ts';
import { roundFlow } from '../../src/flow/rounding.ts';
import { defaultDisSettings, type FlowField, type GrayImage } from '../../src/flow/optical-flow.ts';
import { createRandom } from '../../src/augment/random.ts';

const root = mkdtempSync(join(tmpdir(), 'dve-flow-cache-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

const randomPlane = (count: number, seed: number, sd: number): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal(0, sd));
};
const randomFlow = (width: number, height: number, seed: number): FlowField => ({
  width,
  height,
  x: randomPlane(width * height, seed, 30),
  y: randomPlane(width * height, seed + 1, 30),
});
const picture = (seed: number): GrayImage => ({ width: 12, height: 9, data: randomPlane(108, seed, 50) });

/** A method that counts its calls. */
const createMethod = (name = 'random'): FlowMethod & { calls: () => number } => {
  let calls = 0;
  return {
    name,
    calls: () => calls,
    flow: (a) => {
      calls++;
      return randomFlow(a.width, a.height, 7);
    },
  };
};

const filesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe('stored flows', () => {
  test('come back within 1/128 px, exactly as rounding alone gives them', () => {
    const flow = randomFlow(31, 17, 3);
    const read = decodeFlow(encodeFlow(flow));
    expect(read).toEqual(roundFlow(flow));
    flow.x.forEach((value, i) => {
      expect(Math.abs((read?.x[i] ?? NaN) - value)).toBeLessThanOrEqual(1 / 128 + 1e-6);
    });
  });

  test('beyond 512 px are cut off, and what is not a number becomes 0', () => {
    const x = Float32Array.of(600, -600, 511.5, NaN, Infinity, -511.5);
    const flow: FlowField = { width: 3, height: 2, x, y: new Float32Array(6) };
    const expected = [32767 / 64, -32767 / 64, 511.5, 0, 32767 / 64, -511.5];
    expect([...(decodeFlow(encodeFlow(flow))?.x ?? [])]).toEqual(expected);
  });

  test('a smooth flow takes less than two bytes a pixel and direction', () => {
    const count = 128 * 128;
    const x = Float32Array.from({ length: count }, (_, i) => 3 * Math.sin(i / 4000) + (i % 128) / 40);
    const flow: FlowField = { width: 128, height: 128, x, y: x };
    expect(encodeFlow(flow).length).toBeLessThan(2 * count);
  });

  test('bytes with any fault are refused', () => {
    const bytes = encodeFlow(randomFlow(8, 8, 1));
    expect(decodeFlow(new Uint8Array(0))).toBeUndefined();
    expect(decodeFlow(bytes.subarray(0, bytes.length - 1))).toBeUndefined();
    for (const place of [0, 4, 8, 17, 30, bytes.length - 1]) {
      const damaged = Uint8Array.from(bytes);
      damaged[place] ^= 0x40;
      expect(decodeFlow(damaged)).toBeUndefined();
    }
  });
});

describe('createFlowCache', () => {
  test('a pair is computed once, also by the next cache on the folder, and is the same from disk', async () => {
    const folder = join(root, 'once');
    const method = createMethod();
    const cache = createFlowCache(folder, method);
    const computed = await cache.flow(picture(1), picture(2));
    const fromDisk = await createFlowCache(folder, method).flow(picture(1), picture(2));
    expect(fromDisk).toEqual(computed);
    expect(method.calls()).toBe(1);
    expect(cache.stats()).toEqual({ hits: 0, misses: 1 });
  });

  test('other pictures, the other direction and other methods are kept apart', async () => {
    const folder = join(root, 'apart');
    const method = createMethod();
    const cache = createFlowCache(folder, method);
    await cache.flow(picture(1), picture(2));
    await cache.flow(picture(2), picture(1));
    await cache.flow(picture(1), picture(3));
    expect(method.calls()).toBe(3);
    const other = createMethod('random, with other settings');
    await createFlowCache(folder, other).flow(picture(1), picture(2));
    expect(other.calls()).toBe(1);
    expect(disMethod().name).not.toBe(disMethod({ ...defaultDisSettings, patchSize: 6 }).name);
  });

  test('a damaged file is computed again and put right', async () => {
    const folder = join(root, 'damaged');
    const method = createMethod();
    const computed = await createFlowCache(folder, method).flow(picture(1), picture(2));
    const [file] = await filesIn(folder);
    const bytes = await readFile(file);
    for (const damage of [bytes.subarray(0, 40), Buffer.alloc(0), Buffer.from(bytes).fill(9, 60, 80)]) {
      await writeFile(file, damage);
      expect(await createFlowCache(folder, method).flow(picture(1), picture(2))).toEqual(computed);
      expect(await readFile(file)).toEqual(bytes);
    }
    expect(method.calls()).toBe(4);
    expect(await filesIn(folder)).toEqual([file]);
  });

  test('where nothing can be written, flows are computed and a warning is given once', async () => {
    const file = join(root, 'a-file');
    await writeFile(file, '');
    const warnings: string[] = [];
    const method = createMethod();
    const cache = createFlowCache(join(file, 'below'), method, (message) => warnings.push(message));
    await cache.flow(picture(1), picture(2));
    expect((await cache.flow(picture(1), picture(2))).width).toBe(12);
    expect(method.calls()).toBe(2);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('Flows are not kept');
  });

  test('many at once in one folder leave no half files', async () => {
    const folder = join(root, 'many');
    const flows = await Promise.all(
      Array.from({ length: 20 }, async (_, i) =>
        createFlowCache(folder, createMethod()).flow(picture(i % 4), picture(9)),
      ),
    );
    expect(flows).toHaveLength(20);
    const files = await filesIn(folder);
    expect(files).toHaveLength(4);
    for (const file of files) expect(decodeFlow(await readFile(file))?.width).toBe(12);
  });
});
