import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultConfig, parseConfig } from '../../src/train/settings/config.ts';
import { parseJsonc } from '../../src/train/settings/jsonc.ts';
import { singleObjectConfig } from '../../src/train/settings/single-object.ts';
import { dve } from '../fixtures/run-dve.ts';

let root: string;
const clip = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true });
  for (const name of ['0.png', '1.png']) {
    await sharp({ create: { width: 48, height: 48, channels: 3, background: '#888' } }).toFile(
      join(folder, name),
    );
  }
};
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dve-defaults-'));
  await clip(join(root, 'few', 'a'));
  for (let i = 0; i < 13; i++) await clip(join(root, 'many', `clip${i}`));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** What `dve train --print-config` says. */
const settingsWith = async (...options: string[]): Promise<unknown> => {
  const { code, stdout, stderr } = await dve('train', ...options, '--print-config');
  expect(code, stderr).toBe(0);
  return parseConfig(parseJsonc(stdout));
};

describe('the defaults of dve train', () => {
  it('are those of one single object for a few videos alone', async () => {
    expect(await settingsWith('--videos', join(root, 'few'))).toEqual(singleObjectConfig);
  });

  it('are those of many instances for pictures, for many videos, and where somebody says so', async () => {
    const few = ['--videos', join(root, 'few')];
    expect(await settingsWith('--images', join(root, 'few', 'a'))).toEqual(defaultConfig);
    expect(await settingsWith('--images', join(root, 'few', 'a'), ...few)).toEqual(defaultConfig);
    expect(await settingsWith('--videos', join(root, 'many'))).toEqual(defaultConfig);
    expect(await settingsWith(...few, '--instances', 'many')).toEqual(defaultConfig);
    expect(await settingsWith('--images', root, '--instances', 'one')).toEqual(singleObjectConfig);
  });
});
