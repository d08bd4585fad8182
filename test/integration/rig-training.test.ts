import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dve } from '../fixtures/run-dve.ts';
import { writePictures } from '../fixtures/small-training.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dve-rig-'));
  await writePictures(join(folder, 'pictures'), 2);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('dve train --rig without its points is a wrong command line, and says so in one line', async () => {
  const images = ['--images', join(folder, 'pictures'), '--out', join(folder, 'out')];
  const { code, stderr } = await dve('train', ...images, '--rig', folder);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^dve: Missing --rig-points: .*\n$/);
});
