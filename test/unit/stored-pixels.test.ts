import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resizeResult, storedSize } from '../../src/cli/stored-pixels.ts';
import type { TrackResult } from '../../src/pipeline/result.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stored-'));
});
afterAll(() => rm(folder, { recursive: true }));

const hasFfmpeg = ((): boolean => {
  try {
    execFileSync('ffprobe', ['-version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe('storedSize', () => {
  it.skipIf(!hasFfmpeg)('is that of the file where pixels are not square', async () => {
    const path = join(folder, 'wide.mp4');
    execFileSync('ffmpeg', [
      ...['-v', 'error', '-f', 'lavfi', '-i', 'color=gray:s=64x48:d=0.2,setsar=15/16'],
      ...['-pix_fmt', 'yuv420p', path],
    ]);
    expect(await storedSize(path, { width: 60, height: 48 })).toEqual({ width: 64, height: 48 });
  });

  it('is the shown size of what is no video', async () => {
    expect(await storedSize(folder, { width: 60, height: 48 })).toEqual({ width: 60, height: 48 });
  });
});

describe('resizeResult', () => {
  const result: TrackResult = {
    status: 'tracking',
    timestamp: 1,
    width: 100,
    height: 50,
    roi: { center: { x: 50, y: 20 }, size: 10, rotation: 0.5 },
    landmarks: [
      {
        name: 'tip',
        x: 40,
        y: 30,
        normalized: { x: 0.4, y: 0.6 },
        confidence: 0.9,
        visible: true,
        raw: { x: 41, y: 31 },
      },
    ],
  };

  it('scales points each way and leaves what is relative', () => {
    const resized = resizeResult(result, { width: 400, height: 50 });
    expect(resized).toMatchObject({
      width: 400,
      height: 50,
      roi: { center: { x: 200, y: 20 }, size: 20, rotation: 0.5 },
      landmarks: [{ x: 160, y: 30, normalized: { x: 0.4, y: 0.6 }, raw: { x: 164, y: 31 } }],
    });
  });

  it('gives back a result that has the size already', () => {
    expect(resizeResult(result, { width: 100, height: 50 })).toBe(result);
  });
});
