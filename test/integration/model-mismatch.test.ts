import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeModelDirectory } from '../../src/model/model-directory-node.ts';
import { gradientManifest, gradientNetwork, writeGradientFaces } from '../fixtures/gradient-faces.ts';
import { dve } from '../fixtures/run-dve.ts';

let root: string;
let faces: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dve-mismatch-'));
  faces = join(root, 'faces');
  await writeGradientFaces(faces, 2);
});
afterAll(() => rm(root, { recursive: true, force: true }));

type Case = [
  name: string,
  /** What the manifest says other than the network. */ fields: Partial<typeof gradientManifest>,
  /** Damage done to the network afterwards. */ damage: ((bytes: Buffer) => Buffer) | undefined,
  message: RegExp,
];

const cases: Case[] = [
  [
    'another embedding size',
    { embeddingSize: 5 as 3 },
    undefined,
    /model\.onnx: input "references" has shape \(.*3\) but manifest\.json says \(N, 5\) \(embeddingSize 5\)\. .*export the model again/,
  ],
  [
    'another input size',
    { inputSize: 96 as 48 },
    undefined,
    /model\.onnx: input "image" has shape \(.*3, 48, 48\) but manifest\.json says \(B, 3, 96, 96\) \(inputSize 96\)/,
  ],
  [
    'another stride',
    { stride: 4 as 2 },
    undefined,
    /model\.onnx: output "embedding" has shape \(.*3, 24, 24\) but manifest\.json says \(B, 3, 12, 12\)/,
  ],
  [
    'a truncated network',
    {},
    (bytes) => bytes.subarray(0, 100),
    /model\.onnx has 100 bytes but manifest\.json says \d{3,}: .*Copy the whole model directory, or export/,
  ],
  [
    'a network of other content',
    {},
    (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.of(0xff)]),
    /model\.onnx has SHA-256 [0-9a-f]{12}… but manifest\.json says [0-9a-f]{12}…/,
  ],
];

describe.each(cases)('a model directory with %s', (name, fields, damage, message) => {
  let model: string;
  beforeAll(async () => {
    model = join(root, name);
    await writeModelDirectory(model, { ...gradientManifest, ...fields }, { model: gradientNetwork() });
    const path = join(model, 'model.onnx');
    if (damage) await writeFile(path, damage(await readFile(path)));
  });

  test('is refused by dve eval and dve landmarks in one line that names both sides', async () => {
    const out = join(root, `${name}.json`);
    const outcomes = await Promise.all([
      dve('eval', 'match', '--model', model, '--images', faces, '--pairs', '2', '--json'),
      dve(
        'landmarks',
        '--model',
        model,
        '--images',
        faces,
        '--points',
        join(faces, 'landmarks.json'),
        '--out',
        out,
      ),
    ]);
    for (const { code, stderr } of outcomes) {
      expect(stderr).toMatch(/^dve: [^\n]+\n$/);
      expect(stderr).toMatch(message);
      expect(code).toBe(1);
    }
    const [asJson, asText] = outcomes.map(({ stdout }) => stdout);
    expect(asText).toBe('');
    // With --json the reason is on stdout as well, one object on one line.
    expect(asJson).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(asJson)).toEqual({
      error: { name: 'ModelError', message: expect.stringMatching(message) as string },
    });
    await expect(readFile(out)).rejects.toThrow(/ENOENT/);
  });
});
