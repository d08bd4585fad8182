import { getEventListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClosedError } from '../../src/errors.ts';
import { preparePairs, type PreparePairsOptions } from '../../src/train-node/prepare-pairs.ts';
import { parseVideoSettings } from '../fixtures/settings.ts';
import { drawFrame, movingSquare } from '../fixtures/drawn-clip.ts';

const folder = mkdtempSync(join(tmpdir(), 'dve-prepare-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const videos = ['a', 'b'].map((name) => ({ name, path: join(folder, name) }));

beforeAll(async () => {
  for (const [seed, { path }] of videos.entries()) {
    await mkdir(path);
    for (let frame = 0; frame < 4; frame++) {
      const { rgb, width, height } = drawFrame(movingSquare(seed + 1, 80, 64), frame);
      await sharp(rgb, { raw: { width, height, channels: 3 } })
        .png({ compressionLevel: 0 })
        .toFile(join(path, `${frame}.png`));
    }
  }
});

const prepare = (more: Partial<PreparePairsOptions>) =>
  preparePairs({
    ...{ videos, seed: 1, cropMargin: 1.6, cache: join(folder, 'flow-cache') },
    regionsOf: () => ({ kind: 'whole' }),
    settings: parseVideoSettings({
      poolPairs: 4,
      pairs: { side: 48, frameStep: 1, maxStep: 3, leastMotion: 0.5 },
    }),
    ...more,
  });

describe('preparing the pairs of videos', () => {
  test('what a hook throws is thrown by the preparation, and does not end the process', async () => {
    const attempt = prepare({
      onProgress: () => {
        throw new RangeError('no room on the screen');
      },
    });
    await expect(attempt).rejects.toThrow(new RangeError('no room on the screen'));
  });

  test('leaves no listener on its signal, whatever the number of workers and rounds', async () => {
    const { signal } = new AbortController();
    const during: number[] = [];
    for (let round = 0; round < 2; round++) {
      const { report } = await prepare({
        ...{ signal, workers: 2 },
        onProgress: () => during.push(getEventListeners(signal, 'abort').length),
      });
      expect(report.pairs).toBe(4);
    }
    expect(during).toEqual([1, 1, 1, 1]);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('ends when its signal aborts, before or during it', async () => {
    await expect(prepare({ signal: AbortSignal.abort() })).rejects.toThrow(ClosedError);
    const abort = new AbortController();
    const attempt = prepare({
      signal: abort.signal,
      onProgress: () => {
        abort.abort();
      },
    });
    await expect(attempt).rejects.toThrow(/Stopped while videos were prepared\. .*--resume/);
  });
});
