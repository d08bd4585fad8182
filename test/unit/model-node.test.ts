import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClosedError, InputError, ModelError } from '../../src/errors.ts';
import { writeModelDirectory } from '../../src/model/model-directory-node.ts';
import { openNodeModel } from '../../src/model/model-node.ts';
import { createRandom } from '../../src/augment/random.ts';
import {
  embedGradient,
  gradientManifest,
  gradientNetwork,
  writeGradientModel,
  type NetworkFault,
} from '../fixtures/gradient-faces.ts';

const { inputSize, embeddingSize } = gradientManifest;
const cells = inputSize / gradientManifest.stride;
const devices = ['cpu', 'wasm'] as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dve-session-'));
  await writeGradientModel(join(folder, 'good'));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const random = createRandom(1);
const image = Float32Array.from({ length: 3 * inputSize * inputSize }, () => random.uniform());
const reference = Float32Array.of(0, 0.6, 0.8);

describe.each(devices)('a session on %s', (device) => {
  test('tells where it runs and embeds as the network says', async () => {
    const session = await openNodeModel(join(folder, 'good'), { device });
    expect(session.device).toBe(device);
    expect(session.precision).toBe('fp32');
    const embedding = await session.embed(image);
    const expected = await embedGradient(image);
    expect(embedding).toHaveLength(embeddingSize * cells * cells);
    for (let i = 0; i < expected.length; i += 97) expect(embedding[i]).toBeCloseTo(expected[i], 4);
    await session.close();
  });

  test('takes batches and any number of references', async () => {
    const session = await openNodeModel(join(folder, 'good'), { device });
    const two = Float32Array.from([...image, ...image]);
    const references = Float32Array.from([...reference, 1, 0, 0, 0, 1, 0]);
    const matches = await session.match(two, references);
    expect(matches).toHaveLength(2 * 3 * 3);
    expect([...matches.subarray(0, 9)]).toEqual([...matches.subarray(9)]);
    await session.close();
  });

  test('one failed run does not fail the next', async () => {
    const session = await openNodeModel(join(folder, 'good'), { device });
    const calls = await Promise.allSettled([
      session.match(image, reference),
      session.match(image.subarray(1), reference),
      session.match(image, Float32Array.of(1, 2)),
      session.match(image, reference),
    ]);
    expect(calls.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    await expect(session.match(image.subarray(1), reference)).rejects.toBeInstanceOf(InputError);
    await expect(session.match(image, Float32Array.of(1, 2))).rejects.toThrow(/2 values are no \(N, 3\)/);
    await session.close();
  });

  test('closing rejects what waits and whatever comes later', async () => {
    const session = await openNodeModel(join(folder, 'good'), { device });
    const running = session.embed(image);
    const waiting = session.embed(image);
    const outcome = Promise.allSettled([running, waiting]);
    await session.close();
    await session.close();
    const [, second] = await outcome;
    expect(second).toMatchObject({ status: 'rejected' });
    await expect(session.embed(image)).rejects.toBeInstanceOf(ClosedError);
  });
});

describe.each(devices)('a network whose weights are damaged, with hashes that are right, on %s', (device) => {
  test.each([
    [
      'no numbers',
      { weight: NaN },
      /model\.onnx gives (embeddings that are no unit|values that are no finite)/,
    ],
    ['zeros', { weight: 0, constant: 0 }, /model\.onnx gives .* its weights are damaged\. Export the model/],
  ])('to %s is refused when it is opened', async (name, fault, message) => {
    const path = join(folder, name);
    await writeGradientModel(path, fault);
    const opening = openNodeModel(path, { device });
    await expect(opening).rejects.toBeInstanceOf(ModelError);
    await expect(opening).rejects.toThrow(message);
  });

  test('and a number of threads that no machine has is not blamed on it', async () => {
    const opening = openNodeModel(join(folder, 'good'), { device, threads: 1e9 });
    await expect(opening).rejects.toBeInstanceOf(InputError);
    await expect(opening).rejects.toThrow(/^threads is 1000000000\. Pass a whole number from 1 to 256/);
  });
});

describe('a network that its manifest does not describe', () => {
  const open = async (name: string, fault: NetworkFault) => {
    await writeModelDirectory(join(folder, name), gradientManifest, { model: gradientNetwork(fault) });
    return openNodeModel(join(folder, name));
  };

  test('is refused for another embedding size, both named', async () => {
    const opening = open('channels', { channels: 4 });
    await expect(opening).rejects.toBeInstanceOf(ModelError);
    await expect(opening).rejects.toThrow(/"references" has shape \(N, 4\) but manifest.json says \(N, 3\)/);
  });

  test('is refused for another grid, both named', async () => {
    await expect(open('grid', { grid: 2 })).rejects.toThrow(
      /"embedding" has shape \(B, 3, 12, 12\) but manifest.json says \(B, 3, 24, 24\)/,
    );
  });

  test('is refused for a missing output, both named', async () => {
    await expect(open('names', { rename: true })).rejects.toThrow(
      /no output "matches" .*\(it has "embedding", "positions"\)/,
    );
  });

  test('is refused when it is no network at all', async () => {
    const path = join(folder, 'garbage');
    await writeModelDirectory(path, gradientManifest, { model: Uint8Array.of(1, 2, 3) });
    const opening = openNodeModel(path);
    await expect(opening).rejects.toBeInstanceOf(ModelError);
    await expect(opening).rejects.toThrow(/cannot be loaded by ONNX Runtime/);
  });

  test('is refused when it is not the file that the manifest lists', async () => {
    const path = join(folder, 'swapped');
    await writeGradientModel(path);
    await writeFile(join(path, 'model.onnx'), gradientNetwork({ channels: 4 }));
    await expect(openNodeModel(path)).rejects.toThrow(/of another export/);
  });

  test('is refused in int8 where there is none', async () => {
    await expect(openNodeModel(join(folder, 'good'), { precision: 'int8' })).rejects.toThrow(
      /has no int8 network, only fp32/,
    );
  });
});
