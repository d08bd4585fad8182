import { watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readModelDirectory } from '../../src/model/model-directory-node.ts';
import { readCheckpoint } from '../../src/train-node/checkpoint.ts';
import { createRandom } from '../../src/augment/random.ts';
import { bundleDve } from '../fixtures/run-dve.ts';
import { readMetrics, writeConfig, writePictures } from '../fixtures/small-training.ts';

/** Kills, and steps: a checkpoint after each step, so that most kills come while files are written. */
const kills = 10;
const steps = 18;
/** Changes in the model directory that a kill waits for, at most; a checkpoint with all it exports makes about 20. */
const mostChanges = 30;

let root: string;
let bundle: string;
let start: (argv: readonly string[]) => ChildProcess;
let argv: string[];
beforeAll(async () => {
  const cache = fileURLToPath(new URL('../../.cache', import.meta.url));
  await mkdir(cache, { recursive: true });
  bundle = await mkdtemp(join(cache, 'killed-'));
  start = await bundleDve(bundle);
  root = await mkdtemp(join(tmpdir(), 'dve-killed-'));
  await writePictures(join(root, 'pictures'));
  const config = await writeConfig(join(root, 'config.json'), { steps, checkpointEvery: 1 });
  argv = ['train', '--images', join(root, 'pictures'), '--config', config, '--threads', '1'];
});
afterAll(async () => {
  for (const folder of [root, bundle]) await rm(folder, { recursive: true, force: true });
});

/** Steps of the checkpoint in a folder; undefined where there is none yet. A damaged one fails the test. */
const stepOf = async (out: string): Promise<number | undefined> =>
  (await readdir(out)).includes('checkpoint.bin')
    ? (await readCheckpoint(join(out, 'checkpoint.bin'))).step
    : undefined;

/** How a training ended, and what it printed. */
type End = { code: number | null; signal: string | null; stderr: string };

const endOf = (child: ChildProcess): Promise<End> =>
  new Promise((resolve) => {
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('close', (code, signal) => {
      resolve({ code, signal, stderr });
    });
  });

/** Starts a training and kills it when the folder has changed so often and some milliseconds have passed. */
const trainAndKill = async (out: string, resume: boolean, changes: number, delay: number): Promise<End> => {
  const watcher = watch(out);
  const child = start([...argv, '--out', out, ...(resume ? ['--resume'] : [])]);
  let left = changes;
  watcher.on('change', () => {
    left -= 1;
    if (left === 0) void setTimeout(delay).then(() => child.kill('SIGKILL'));
  });
  try {
    return await endOf(child);
  } finally {
    watcher.close();
  }
};

describe('a training that is killed', { timeout: 300_000 }, () => {
  test(`${kills} times at random moments ends as if it never was, and loses no more than the last steps`, async () => {
    const random = createRandom(5);
    const out = join(root, 'killed');
    await mkdir(out);
    let last: number | undefined;
    for (let kill = 0; kill < kills; kill++) {
      const changes = 1 + random.int(mostChanges);
      const { signal, stderr } = await trainAndKill(out, last !== undefined, changes, random.int(40));
      expect(signal, stderr).toBe('SIGKILL');
      // It went on where the last checkpoint ends: nothing but the steps since then was lost.
      if (stderr !== '') expect(stderr).toContain(`from step ${last ?? 0}\n`);
      const found = await stepOf(out);
      if (last !== undefined) expect(found).toBeGreaterThanOrEqual(last);
      last = found;
    }
    expect(last).toBeGreaterThan(0);
    expect(last).toBeLessThan(steps);
    const [end, whole] = await Promise.all([
      endOf(start([...argv, '--out', out, '--resume'])),
      endOf(start([...argv, '--out', join(root, 'whole')])),
    ]);
    expect([end.code, whole.code], end.stderr + whole.stderr).toEqual([0, 0]);
    expect(end.stderr).toContain(`from step ${last}\n`);

    const [killed, expected] = await Promise.all(
      [out, join(root, 'whole')].map((folder) => readCheckpoint(join(folder, 'checkpoint.bin'))),
    );
    expect(killed.state).toEqual(expected.state);
    const metrics = await readMetrics(out);
    expect(metrics.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
    expect(metrics.map(({ loss }) => loss)).toEqual(
      (await readMetrics(join(root, 'whole'))).map(({ loss }) => loss),
    );
    // The model is whole, and nothing is left of files that were being written.
    expect((await readModelDirectory(out)).manifest).toEqual(
      (await readModelDirectory(join(root, 'whole'))).manifest,
    );
    expect((await readdir(out)).sort()).toEqual((await readdir(join(root, 'whole'))).sort());
    expect(await readFile(join(out, 'report.html'), 'utf8')).toMatch(/<\/html>\s*$/);
  });
});
