import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError, ModelError } from '../../src/errors.ts';
import { readModelDirectory } from '../../src/model/model-directory-node.ts';
import { loadNodeRuntime } from '../../src/model/runtime-node.ts';
import { decodeCheckpoint, encodeCheckpoint, readCheckpoint } from '../../src/train-node/checkpoint.ts';
import { parseConfig } from '../../src/train/settings/config.ts';
import { runTraining } from '../../src/train-node/run.ts';
import type { StepReport } from '../../src/train/trainer.ts';
import { stateNames } from '../../src/train/step/training-step.ts';
import { readMetrics, smallSettings, writePictures } from '../fixtures/small-training.ts';

let root: string;
let images: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dve-resume-'));
  images = join(root, 'pictures');
  await writePictures(images);
});
afterAll(() => rm(root, { recursive: true, force: true }));

type Options = {
  resume?: boolean;
  stopAt?: number;
  settings?: Record<string, unknown>;
  from?: string;
  init?: string;
};

const train = async (
  out: string,
  { resume = false, stopAt, settings = {}, from = images, init }: Options,
) => {
  const abort = new AbortController();
  const steps: StepReport[] = [];
  await runTraining({
    // Checkpoints at the ends alone, and where a test asks for more.
    config: parseConfig({ ...smallSettings, checkpointEvery: 100, ...settings }),
    ...{ images: from, out: join(root, out), resume, signal: abort.signal },
    ...(init !== undefined && { init }),
    runtime: await loadNodeRuntime({ threads: 1 }),
    onStep: (report) => {
      steps.push(report);
      if (report.step === stopAt) abort.abort();
    },
  });
  return steps.map(({ step, loss }) => [step, loss]);
};

const checkpointOf = (out: string) => readCheckpoint(join(root, out, 'checkpoint.bin'));

/** Every file of a folder with its content. */
const contents = async (folder: string): Promise<Map<string, string>> =>
  new Map(
    await Promise.all(
      (await readdir(folder))
        .sort()
        .map(async (name) => [name, await readFile(join(folder, name), 'base64')] as const),
    ),
  );

describe('a training that is resumed', () => {
  test('has the same losses, weights, averages and statistics as one that never stopped', async () => {
    const whole = await train('whole', {});
    const first = await train('halves', { stopAt: 6 });
    const second = await train('halves', { resume: true });
    expect(first.at(-1)?.[0]).toBe(6);
    expect([...first, ...second]).toEqual(whole);
    const [expected, found] = [await checkpointOf('whole'), await checkpointOf('halves')];
    for (const name of stateNames) expect(found.state[name], name).toEqual(expected.state[name]);
    // What is compared did change: averages and statistics are those of twelve steps, not the first ones.
    expect(found.state.average).not.toEqual(found.state.parameters);
    expect(Math.max(...found.state.statistics)).not.toBe(1);
    const lines = (metrics: Record<string, number>[]) => metrics.map(({ step, loss }) => [step, loss]);
    expect(lines(await readMetrics(join(root, 'halves')))).toEqual(
      lines(await readMetrics(join(root, 'whole'))),
    );
  });

  test('writes the model, where it was killed between its last checkpoint and the model', async () => {
    await train('end', { settings: { steps: 3 } });
    const expected = await readModelDirectory(join(root, 'end'));
    for (const name of ['model.onnx', 'manifest.json', 'report.html']) await rm(join(root, 'end', name));
    expect(await train('end', { settings: { steps: 3 }, resume: true })).toEqual([]);
    expect(await readModelDirectory(join(root, 'end'))).toEqual(expected);
    expect(await readdir(join(root, 'end'))).toContain('report.html');
  });

  test('may be given more steps', async () => {
    await train('more', { settings: { steps: 3 } });
    const steps = await train('more', { settings: { steps: 6 }, resume: true });
    expect(steps.map(([step]) => step)).toEqual([4, 5, 6]);
  });

  test('removes what a killed writer left, and nothing else', async () => {
    await train('left', { settings: { steps: 2 } });
    const before = (await readdir(join(root, 'left'))).sort();
    for (const name of ['.model.onnx.0123456789ab.tmp', '.notes.tmp', 'x.0123456789ab.tmp']) {
      writeFileSync(join(root, 'left', name), 'half');
    }
    await train('left', { settings: { steps: 3 }, resume: true });
    expect((await readdir(join(root, 'left'))).sort()).toEqual(
      [...before, '.notes.tmp', 'x.0123456789ab.tmp'].sort(),
    );
  });

  test('is refused with other settings or pictures, and nothing is overwritten', async () => {
    await train('other', { settings: { steps: 3 } });
    const before = await contents(join(root, 'other'));
    const fewer = join(root, 'fewer pictures');
    await writePictures(fewer, 5);
    const cases: [Options, RegExp][] = [
      [{ settings: { seed: 2 } }, /checkpoint\.bin was trained with another config\. .*--config.*--resume/],
      [{ settings: { network: { ...smallSettings.network, embeddingSize: 12 } } }, /another config/],
      [{ from: fewer }, /checkpoint\.bin was trained on other pictures, videos or regions/],
    ];
    for (const [options, message] of cases) {
      const attempt = train('other', { ...options, resume: true });
      await expect(attempt).rejects.toBeInstanceOf(InputError);
      await expect(attempt).rejects.toThrow(message);
    }
    expect(await contents(join(root, 'other'))).toEqual(before);
  });

  test('needs a checkpoint', async () => {
    const attempt = train('nothing', { resume: true });
    await expect(attempt).rejects.toBeInstanceOf(InputError);
    await expect(attempt).rejects.toThrow(/no checkpoint at .*checkpoint\.bin.*without --resume/);
    await expect(readdir(join(root, 'nothing'))).rejects.toThrow(/ENOENT/);
  });
});

describe('a checkpoint', () => {
  let good: Uint8Array;
  beforeAll(async () => {
    await train('source', { settings: { steps: 1 } });
    good = readFileSync(join(root, 'source', 'checkpoint.bin'));
  }, 60_000);

  test('reads back bit for bit', () => {
    const checkpoint = decodeCheckpoint('a', good);
    expect(checkpoint.step).toBe(1);
    expect(decodeCheckpoint('b', encodeCheckpoint(checkpoint))).toEqual(checkpoint);
  });

  test('cut off anywhere is refused in one line with the remedy', () => {
    const lengths = [0, 1, 7, 8, 11, 12, 13, 200, good.length - 4, good.length - 1];
    for (let i = 1; i < 40; i++) lengths.push(Math.floor((good.length * i) / 40));
    for (const length of lengths) {
      const cut = () => decodeCheckpoint('out/checkpoint.bin', good.subarray(0, length));
      expect(cut, `${length} bytes`).toThrow(ModelError);
      expect(cut).toThrow(
        /^out\/checkpoint\.bin is not a complete checkpoint \(.+\)\. Delete it and [^\n]+$/,
      );
    }
  });

  test.each([
    ['text', Buffer.from('this is no checkpoint, however long it may be')],
    ['zeros', Buffer.alloc(5000)],
    ['a header that is no object', 'null'],
    ['a header without lengths', '{"step":1,"config":{},"data":"","sha256":""}'],
    [
      'lengths that are no numbers',
      '{"step":1,"config":{},"data":"","sha256":"","lengths":{"parameters":"9"}}',
    ],
  ])('of %s is refused, too', (_, content) => {
    const header = typeof content === 'string' ? Buffer.from(content) : undefined;
    const size = Buffer.alloc(4);
    if (header) size.writeUInt32LE(header.length);
    const file = header ? Buffer.concat([good.subarray(0, 8), size, header]) : Buffer.from(content);
    expect(() => decodeCheckpoint('c', file)).toThrow(ModelError);
    expect(() => decodeCheckpoint('c', file)).toThrow(/not a complete checkpoint/);
  });

  test('with one byte of its state or header changed is refused', () => {
    const text = Buffer.from(good).toString('latin1');
    // A step, a setting and a digit of the seal: none of them breaks the JSON.
    const places = [
      text.indexOf('"step":1') + 7,
      text.indexOf('"seed":') + 7,
      good.length - 1000,
      good.length - 1,
    ];
    for (const place of places) {
      const changed = Uint8Array.from(good);
      changed[place] ^= 1;
      expect(() => decodeCheckpoint('c', changed), `byte ${place}`).toThrow(/its checksum differs/);
    }
  });

  test('of before checkpoints had a seal is still read', () => {
    const checkpoint = decodeCheckpoint('a', good);
    const state = Buffer.concat(stateNames.map((name) => new Uint8Array(checkpoint.state[name].buffer)));
    const lengths = Object.fromEntries(stateNames.map((name) => [name, checkpoint.state[name].length]));
    const { step, config, data } = checkpoint;
    const sha256 = createHash('sha256').update(state).digest('hex');
    const header = Buffer.from(JSON.stringify({ step, config, data, lengths, sha256 }));
    const size = Buffer.alloc(4);
    size.writeUInt32LE(header.length);
    const file = Buffer.concat([Buffer.from('DVECKPT1'), size, header, state]);
    expect(decodeCheckpoint('old', file)).toEqual(checkpoint);
    file[file.length - 9] ^= 1;
    expect(() => decodeCheckpoint('old', file)).toThrow(/its checksum differs/);
  });

  test('whose vectors have changed lengths is refused, though its seal is right', async () => {
    const out = join(root, 'swapped');
    await train('swapped', { settings: { steps: 1 } });
    const checkpoint = decodeCheckpoint('a', good);
    const { parameters, statistics } = checkpoint.state;
    const state = { ...checkpoint.state, parameters: statistics, statistics: parameters };
    writeFileSync(join(out, 'checkpoint.bin'), encodeCheckpoint({ ...checkpoint, state }));
    const message = new RegExp(
      `checkpoint.bin: "parameters" has ${statistics.length} numbers but the network .* has ${parameters.length}\\.`,
    );
    for (const begin of [
      () => train('swapped', { settings: { steps: 2 }, resume: true }),
      () => train('started', { settings: { steps: 1 }, init: join(out, 'checkpoint.bin') }),
    ]) {
      // One after the other: a rejection that nobody waits for yet is an error of the whole run.
      const attempt = begin();
      await expect(attempt).rejects.toBeInstanceOf(ModelError);
      await expect(attempt).rejects.toThrow(message);
    }
  });
});
