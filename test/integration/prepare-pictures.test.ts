import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writePictures } from '../fixtures/small-training.ts';

describe('prepare-pictures on pictures without the object', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dve-prepare-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('says in one line how many were left out and why, and fails', { timeout: 120_000 }, async () => {
    await writePictures(join(folder, 'in'), 3);
    const project = fileURLToPath(new URL('../..', import.meta.url));
    const [images, out] = [join(folder, 'in'), join(folder, 'out')];
    const argv = ['--import', 'tsx', 'tools/prepare-pictures/main.ts', '--model', 'models/face'];
    argv.push('--images', images, '--out', out, '--runs', '12', '--threads', '1');
    const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
      execFile(process.execPath, argv, { cwd: project }, (error, _stdout, stderr) => {
        resolve({ code: error?.code, stderr });
      });
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^prepare-pictures: .* none of the 3 pictures .*\(3 not found, .*\)\. Give pictures of it\.\n$/,
    );
    expect(await readdir(out)).toEqual([]);
  });
});
