import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readModelDirectory } from '../../src/model/model-directory-node.ts';
import { readCheckpoint } from '../../src/train-node/checkpoint.ts';
import { defaultConfig, parseConfig } from '../../src/train/settings/config.ts';
import { parseJsonc } from '../../src/train/settings/jsonc.ts';
import { dve, dveWithFileLimit, lastLine, type Outcome } from '../fixtures/run-dve.ts';
import { smallSettings, writeConfig, writePictures } from '../fixtures/small-training.ts';

let root: string;
let images: string;
let config: string;
/** A short training that went well; tests that change it work on copies of their own. */
let model: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dve-bad-input-'));
  [images, model] = [join(root, 'pictures'), join(root, 'model')];
  await writePictures(images);
  await writeFile(join(images, 'corrupt.png'), 'this is no picture');
  await writeFile(join(images, 'empty.jpg'), '');
  await sharp({ create: { width: 20, height: 90, channels: 3, background: 'red' } }).toFile(
    join(images, 'tiny.png'),
  );
  await writeFile(join(images, 'notes.txt'), 'not looked at');
  config = await writeConfig(join(root, 'config.json'), { steps: 2 });
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

const train = (...more: string[]): Promise<Outcome> =>
  dve('train', '--images', images, '--out', model, '--config', config, '--threads', '1', '--json', ...more);

/** The command failed by a plan: one line, no stack, nothing on stdout but the error for machines. */
const expectRefused = ({ code, stdout, stderr }: Outcome, message: RegExp): void => {
  expect(stderr).toMatch(/^dve: [^\n]+\n$/);
  expect(stderr).toMatch(message);
  expect(code).toBe(1);
  if (stdout !== '') {
    expect(JSON.parse(stdout)).toMatchObject({ error: { message: stderr.replace(/^dve: |\n$/g, '') } });
  }
};

describe('dve train', { timeout: 300_000 }, () => {
  test('names, skips and counts corrupt and tiny pictures among good ones', async () => {
    const { code, stdout, stderr } = await train();
    expect(code, stderr).toBe(0);
    expect(lastLine(stdout)).toMatchObject({ step: 2, pictures: 6, videos: 0, skipped: 3 });
    expect(stderr).toMatch(/^skipped: corrupt\.png cannot be decoded/m);
    expect(stderr).toMatch(/^skipped: empty\.jpg cannot be decoded/m);
    expect(stderr).toMatch(/^skipped: tiny\.png is 20×90 pixels, .* at least 32/m);
    expect(stderr).toMatch(/^6 pictures, 0 videos \(3 files skipped\)/m);
    expect(stderr).toMatch(/^3 pictures skipped$/m);
    expect((await readModelDirectory(model)).manifest.inputSize).toBe(32);
  });

  test('refuses folders without usable pictures', async () => {
    const [empty, broken] = [join(root, 'empty'), join(root, 'broken')];
    for (const folder of [empty, broken]) await mkdir(folder);
    await writeFile(join(broken, 'a.png'), 'no picture');
    const out = join(root, 'never');
    const at = (folder: string) =>
      dve('train', '--images', folder, '--out', join(out, basename(folder)), '--config', config);
    const [missing, bare, corrupt] = await Promise.all([at(join(root, 'missing')), at(empty), at(broken)]);
    expectRefused(missing, /folder .*missing cannot be read .* Pass an existing folder\./);
    expectRefused(bare, /folder .*empty holds no pictures .* Pass a folder with pictures in it\./);
    expect(corrupt.code).toBe(1);
    expect(corrupt.stderr).toMatch(
      /^skipped: a\.png cannot be decoded.*\ndve: None of the 1 pictures in .*broken is usable\. Pass readable .*\n$/,
    );
    for (const name of ['missing', 'empty', 'broken']) {
      await expect(readdir(join(out, name))).rejects.toThrow(/ENOENT/);
    }
  });

  test.each([
    ['an unknown key', '{"stesp": 3}', /config has the unknown key "stesp"\. Known keys: .*steps/],
    ['a wrong type', '{"steps": "3"}', /config\.steps is "3" but has to be a whole number/],
    ['no JSON', '{\n "steps": 3\n "seed": 1}', /is not JSON \(line 3: expected "," or "}" but found/],
    ['a list', '[1]', /has to be one JSON object\. "dve train --print-config" prints a valid one/],
  ])('refuses a config that has %s', async (name, text, message) => {
    const file = join(root, `${name}.json`);
    await writeFile(file, text);
    expectRefused(await train('--config', file, '--out', join(root, 'never')), message);
  });

  test('refuses a config that is not there', async () => {
    expectRefused(await train('--config', join(root, 'none.json')), /config .*none\.json cannot be read/);
  });

  test('prints its settings with comments; with --config those that it would train with', async () => {
    const [plain, completed] = await Promise.all([
      dve('train', '--print-config'),
      dve('train', '--print-config', '--config', config, '--steps', '7'),
    ]);
    expect([plain.code, plain.stderr, completed.code, completed.stderr]).toEqual([0, '', 0, '']);
    expect(plain.stdout).toMatch(/^\/\/ /);
    expect(parseConfig(parseJsonc(plain.stdout))).toEqual(defaultConfig);
    expect(parseConfig(parseJsonc(completed.stdout))).toEqual(parseConfig({ ...smallSettings, steps: 7 }));
  });

  test('refuses to resume with another config, or from what is no checkpoint, and leaves everything', async () => {
    const out = join(root, 'damaged');
    await mkdir(out);
    const bytes = await readFile(join(model, 'checkpoint.bin'));
    await writeFile(join(out, 'checkpoint.bin'), bytes.subarray(0, 20_000));
    const other = await writeConfig(join(root, 'other.json'), { seed: 9 });
    const [truncated, changed, missing] = await Promise.all([
      train('--out', out, '--resume'),
      train('--config', other, '--resume'),
      train('--out', join(root, 'never'), '--resume'),
    ]);
    expectRefused(truncated, /damaged.checkpoint\.bin is not a complete checkpoint \(.*\)\. Delete it/);
    expect(changed.code).toBe(1);
    expect(changed.stderr).toMatch(/\ndve: .*checkpoint\.bin was trained with another config\. .*\n$/);
    expectRefused(
      missing,
      /no checkpoint at .*never.checkpoint\.bin that can be read\. Train without --resume/,
    );
    expect(await readFile(join(model, 'checkpoint.bin'))).toEqual(bytes);
    expect(await readdir(out)).toEqual(['checkpoint.bin']);
  });

  // The shell's limit is what a full disk is to the program: a write that ends half way.
  test.skipIf(process.platform === 'win32')(
    'whose files cannot be written whole keeps the earlier ones and leaves no halves',
    async () => {
      const files = (await readdir(model)).sort();
      const before = await Promise.all(files.map((name) => readFile(join(model, name))));
      const { code, stdout, stderr } = await dveWithFileLimit(
        128,
        ...['train', '--images', images, '--out', model, '--config', config, '--threads', '1'],
        ...['--steps', '4', '--resume', '--json'],
      );
      expect(code, stderr).toBe(1);
      expect(lastLine(stdout)).toMatchObject({ error: { name: 'InputError' } });
      expect(stderr).toMatch(/\ndve: cannot write .*checkpoint\.bin \(EFBIG\)\. .* try again\.\n$/);
      expect(stderr).not.toMatch(/\n +at /);
      expect((await readdir(model)).sort()).toEqual(files);
      for (const [index, name] of files.entries()) {
        if (name === 'metrics.jsonl') continue;
        expect((await readFile(join(model, name))).equals(before[index]), name).toBe(true);
      }
      // With room again it goes on.
      expect((await readCheckpoint(join(model, 'checkpoint.bin'))).step).toBe(2);
      const again = await train('--steps', '4', '--resume');
      expect(lastLine(again.stdout)).toMatchObject({ step: 4 });
    },
  );
});
