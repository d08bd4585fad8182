import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ModelError } from '../../src/errors.ts';
import { parseManifest } from '../../src/model/manifest.ts';
import {
  readModelDirectory,
  writeModelDirectory,
  writeModelFile,
} from '../../src/model/model-directory-node.ts';
import { gradientManifest } from '../fixtures/gradient-faces.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dve-model-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const network = Uint8Array.of(1, 2, 3);
const readManifest = async (): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Record<string, unknown>;
const changeManifest = async (change: Record<string, unknown>): Promise<void> => {
  await writeFile(join(folder, 'manifest.json'), JSON.stringify({ ...(await readManifest()), ...change }));
};

describe('a manifest', () => {
  const file = { name: 'model.onnx', bytes: 3, sha256: 'a'.repeat(64) };
  const manifest = { ...gradientManifest, files: { model: file } };
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];

  test.each([
    [
      'a format version that is no text or number',
      { formatVersion: { toString: 1 } },
      /format version an object/,
    ],
    ['a format version nested deeply', { formatVersion: deep }, /format version a list but/],
    [
      'an embedding that no machine has room for',
      { embeddingSize: 2 ** 30 },
      /embeddingSize should be at most 4096/,
    ],
    [
      'an input that no machine has room for',
      { inputSize: 2 ** 20, stride: 4 },
      /inputSize should be at most 2048/,
    ],
    ['a size nested deeply', { stride: deep }, /stride should be a positive .* but is a list/],
  ])('with %s is refused', (_, fields, message) => {
    expect(parseManifest(manifest).category).toBe(gradientManifest.category);
    const parse = () => parseManifest({ ...manifest, ...fields });
    expect(parse).toThrow(ModelError);
    expect(parse).toThrow(message);
  });
});

describe('a model directory', () => {
  test('reads back what was written', async () => {
    const manifest = await writeModelDirectory(folder, gradientManifest, { model: network });
    const directory = await readModelDirectory(folder);
    expect(directory.manifest).toEqual(manifest);
    expect([...directory.contents.model]).toEqual([...network]);
    expect(directory.contents.int8).toBeUndefined();
    expect((await readdir(folder)).sort()).toEqual(['manifest.json', 'model.onnx']);
  });

  test('takes a landmark set later', async () => {
    await writeModelDirectory(folder, gradientManifest, { model: network });
    await writeModelFile(folder, 'landmarks', Uint8Array.of(9, 9));
    const { contents, manifest } = await readModelDirectory(folder);
    expect([...(contents.landmarks ?? [])]).toEqual([9, 9]);
    expect(manifest.files.landmarks).toMatchObject({ name: 'landmarks.json', bytes: 2 });
  });

  test('that misses its manifest is refused with the remedy', async () => {
    await expect(readModelDirectory(folder)).rejects.toThrow(/is not a model directory.*dve train/);
  });

  test('with a network of another size is refused, both sizes named', async () => {
    await writeModelDirectory(folder, gradientManifest, { model: network });
    await writeFile(join(folder, 'model.onnx'), Uint8Array.of(1, 2));
    await expect(readModelDirectory(folder)).rejects.toThrow(/has 2 bytes but manifest.json says 3/);
  });

  test('with a network of other content is refused', async () => {
    await writeModelDirectory(folder, gradientManifest, { model: network });
    await writeFile(join(folder, 'model.onnx'), Uint8Array.of(1, 2, 4));
    const reading = readModelDirectory(folder);
    await expect(reading).rejects.toBeInstanceOf(ModelError);
    await expect(reading).rejects.toThrow(/SHA-256/);
  });

  test('with a file that is gone is refused', async () => {
    await writeModelDirectory(folder, gradientManifest, { model: network });
    await rm(join(folder, 'model.onnx'));
    await expect(readModelDirectory(folder)).rejects.toThrow(/lists model.onnx but it cannot be read/);
  });

  test('with a truncated manifest is refused', async () => {
    await writeFile(join(folder, 'manifest.json'), '{"formatVersion": 1,');
    await expect(readModelDirectory(folder)).rejects.toThrow(
      /is not a model directory: .*cannot be read as JSON/,
    );
  });

  test('of a newer format version is refused, both versions named', async () => {
    await writeModelDirectory(folder, gradientManifest, { model: network });
    await changeManifest({ formatVersion: 2, novelty: true });
    await expect(readModelDirectory(folder)).rejects.toThrow(
      /format version 2 but this dve-sdk reads version 1/,
    );
  });
});

describe('a manifest', () => {
  const sound = {
    ...gradientManifest,
    files: { model: { name: 'model.onnx', bytes: 3, sha256: 'a'.repeat(64) } },
  };

  test('that is sound comes back as it is', () => {
    expect(parseManifest(sound)).toEqual(sound);
  });

  test.each([
    ['an unknown key', { ...sound, extra: 1 }, 'unknown key "extra"'],
    ['a text for a number', { ...sound, stride: '2' }, 'stride should be a positive whole number but is "2"'],
    ['a missing key', { ...sound, category: undefined }, 'category should be a name but is missing'],
    ['a negative margin', { ...sound, cropMargin: -1 }, 'cropMargin should be a positive number but is -1'],
    [
      'a stride that does not fit',
      { ...sound, stride: 5 },
      'stride should be a divisor of inputSize (48) but is 5',
    ],
    [
      'a file outside of its directory',
      { ...sound, files: { model: { ...sound.files.model, name: '../model.onnx' } } },
      'files.model.name should be a plain file name',
    ],
    [
      'a short hash',
      { ...sound, files: { model: { ...sound.files.model, sha256: 'abc' } } },
      'files.model.sha256 should be 64 lower-case hex digits',
    ],
    ['no files', { ...sound, files: {} }, 'files.model should be an object but is missing'],
    ['a list', [], 'the manifest should be an object'],
  ])('with %s is refused by name', (_, value, message) => {
    expect(() => parseManifest(value, 'm.json')).toThrow(ModelError);
    expect(() => parseManifest(value, 'm.json')).toThrow(message);
    expect(() => parseManifest(value, 'm.json')).toThrow(/^m\.json/);
  });
});
