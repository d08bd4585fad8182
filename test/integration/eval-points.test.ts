import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLabels } from '../../src/cli/read-labels.ts';
import { dve } from '../fixtures/run-dve.ts';

describe('dve eval points', () => {
  let folder: string;
  const write = (name: string, value: unknown): Promise<void> =>
    writeFile(join(folder, name), JSON.stringify(value));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dve-points-'));
    for (const name of ['frame1.png', 'frame2.png', 'frame10.png']) {
      await sharp({ create: { width: 64, height: 48, channels: 3, background: '#456' } })
        .png()
        .toFile(join(folder, name));
    }
    const points = [
      [10, 10, 0.9],
      [40, 30, 0.9],
    ];
    const frames = Array.from({ length: 3 }, () => ({ points }));
    await write('tracks.json', { fps: 25, width: 64, height: 48, landmarks: ['a', 'b'], frames });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('finds a frame by its picture, points by their names, and draws the worst', async () => {
    const items = [
      { image: 'frame10.png', landmarks: [[40, 30], null] },
      {
        frame: 0,
        landmarks: [
          [40, 30],
          [10, 22],
        ],
      },
    ];
    await write('labels.json', { names: ['b', 'a'], items });
    const { stdout, stderr } = await dve(
      ...['eval', 'points', '--tracks', join(folder, 'tracks.json'), '--points', join(folder, 'labels.json')],
      ...['--video', folder, '--worst', join(folder, 'worst'), '--json'],
    );
    const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
    expect(result).toMatchObject({ frames: 2, points: 3, pck10: 66.67, worst_frames: [0, 2] });
    expect(result.per_point).toMatchObject({
      b: { pck10: 100 },
      a: { points: 1, pck10: 0, median_pixels: 12 },
    });
    expect(stderr).toContain('labels green');
    expect(await readdir(join(folder, 'worst'))).toEqual(['01-frame-0.png', '02-frame-2.png']);
  });

  it('reads shares as shares and refuses pixels in their place', async () => {
    const size = { width: 64, height: 48 };
    await write('shares.json', { names: ['a'], annotations: [{ frame: 1, points: [[0.5, 0.25]] }] });
    const { frames } = await readLabels(join(folder, 'shares.json'), { size });
    expect(frames).toEqual([{ frame: 1, points: [{ x: 32, y: 12 }] }]);
    await write('pixels.json', { names: ['a'], annotations: [{ frame: 1, points: [[32, 12]] }] });
    await expect(readLabels(join(folder, 'pixels.json'), { size })).rejects.toThrow(
      /looks like pixels.*Divide x by its width/,
    );
  });

  it('takes the frames of the video that was tracked from labels of several', async () => {
    const points = [[0.5, 0.25]];
    await write('clips.json', {
      names: ['a'],
      annotations: [
        { video: 'one.mp4', frame: 1, points },
        { video: 'two.mp4', frame: 2, points: [null] },
      ],
    });
    const size = { width: 64, height: 48 };
    const path = join(folder, 'clips.json');
    const { frames } = await readLabels(path, { size, video: 'clips/two.mp4' });
    expect(frames).toEqual([{ frame: 2, points: [undefined] }]);
    await expect(readLabels(path, { size })).rejects.toThrow(/2 videos \(one\.mp4, two\.mp4\)/);
    await expect(readLabels(path, { size, video: 'three.mp4' })).rejects.toThrow(/--video is three\.mp4/);
  });

  it.each([
    [
      'a name that was not tracked',
      { names: ['c'], items: [{ frame: 0, landmarks: [[1, 2]] }] },
      /labels "c" but the tracks have a, b/,
    ],
    [
      'a frame beyond the tracks',
      { names: ['a'], items: [{ frame: 7, landmarks: [[1, 2]] }] },
      /labels frame 7 but the tracks have 3/,
    ],
    [
      'too few points',
      { names: ['a', 'b'], items: [{ frame: 0, landmarks: [[1, 2]] }] },
      /has 1 landmark for 2 names/,
    ],
    [
      'no frame',
      { names: ['a'], items: [{ landmarks: [[1, 2]] }] },
      /says neither its picture nor its video and frame/,
    ],
    [
      'a picture without its folder',
      { names: ['a'], items: [{ image: 'x.png', landmarks: [[1, 2]] }] },
      /Give it as --video/,
    ],
  ])('refuses %s in one line', async (_what, labels, message) => {
    await write('bad.json', labels);
    const { code, stderr } = await dve(
      'eval',
      'points',
      '--tracks',
      join(folder, 'tracks.json'),
      '--points',
      join(folder, 'bad.json'),
    );
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(message);
  });
});
