import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ClosedError, InputError } from '../../src/errors.ts';
import {
  listVideos,
  openVideo,
  type OpenVideoOptions,
  type RgbFrame,
} from '../../src/media-node/open-video.ts';

const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
if (!hasFfmpeg) console.log('skipped: decoding of videos (no ffmpeg on the path)');
const isInstalled = (name: string): boolean => {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
};
const hasServer = isInstalled('@mediabunny/server');
if (!hasServer) console.log('skipped: decoding with mediabunny (no @mediabunny/server installed)');

const folder = mkdtempSync(join(tmpdir(), 'dve-video-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const at = (name: string): string => join(folder, name);

/** Frame n of every clip made here is grey with brightness 40 + 8 n, so that a frame tells its number. */
const greyLevel = (index: number): number => 40 + 8 * index;
const levels = "geq=lum='16+(40+8*N)*219/255':cb=128:cr=128";

const ffmpeg = (...args: string[]): void => {
  const { status, stderr } = spawnSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-y', ...args]);
  if (status !== 0) throw new Error(`ffmpeg ${args.join(' ')}: ${stderr.toString()}`);
};
/** One run of ffmpeg over one drawn source; each output is a file name after its codec. */
const makeClips = (frames: number, rate: number, filters: string, ...outputs: string[][]): void => {
  const source = `color=black:size=64x48:rate=${rate}:duration=${frames / rate},${filters}`;
  ffmpeg(
    ...['-f', 'lavfi', '-i', source],
    ...outputs.flatMap((output) => [
      '-fps_mode',
      'passthrough',
      ...output.slice(0, -1),
      at(output.at(-1) ?? ''),
    ]),
  );
};

const readAll = async (path: string, options?: OpenVideoOptions) => {
  const video = await openVideo(path, options);
  const frames: RgbFrame[] = [];
  for await (const frame of video.frames) frames.push(frame);
  await video.close();
  return { width: video.width, height: video.height, duration: video.duration, frames };
};

const middle = ({ rgb }: RgbFrame, width: number, height: number): number =>
  rgb[((height >> 1) * width + (width >> 1)) * 3];

/** Processes that have `text` in their command line. */
const processesWith = (text: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(text);
      } catch {
        return false;
      }
    });

/** Writes a rotation by 90° clockwise into the track header of an mp4 file. */
const turnClockwise = async (from: string, to: string): Promise<void> => {
  const bytes = await readFile(from);
  const identity = Buffer.from(
    '000100000000000000000000000000000001000000000000000000000000000040000000',
    'hex',
  );
  const quarter = Buffer.from(
    '000000000001000000000000ffff00000000000000000000000000000000000040000000',
    'hex',
  );
  quarter.copy(bytes, bytes.indexOf(identity, bytes.indexOf('tkhd')));
  await writeFile(to, bytes);
};

const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-crf', '10'];

describe.skipIf(!hasFfmpeg)('openVideo', () => {
  beforeAll(async () => {
    makeClips(
      20,
      10,
      levels,
      [...h264, 'plain.mp4'],
      [...h264, 'plain.mov'],
      [...h264, 'plain.mkv'],
      ['-c:v', 'libvpx', '-b:v', '1M', 'plain.webm'],
      ['-pix_fmt', 'gray', 'plain.gif'],
      [...h264, '-frames:v', '2', '-vf', 'setsar=2', 'wide.mp4'],
    );
    // MPEG-1 knows a handful of frame rates only.
    makeClips(20, 25, levels, ['-c:v', 'mpeg1video', '-b:v', '2M', 'plain.mpg']);
    // Ten frames a second, then two.
    const pace = "setpts='round(if(lt(N,6),N/10,0.5+(N-5)/2)/TB)'";
    makeClips(12, 10, `${levels},${pace}`, [...h264, 'variable.mkv'], [...h264, 'variable.mp4']);
    makeClips(3, 10, "geq=lum='if(lt(X,32),60,200)':cb=128:cr=128", [...h264, 'lying.mp4']);
    await turnClockwise(at('lying.mp4'), at('turned.mp4'));
    const long = 'testsrc2=size=320x240:rate=30:duration=15';
    ffmpeg('-f', 'lavfi', '-i', long, ...h264, at('long.mp4'), ...h264, at('long.mkv'));
  }, 120_000);

  const decoders = [
    { decoder: 'ffmpeg' as const, installed: hasFfmpeg },
    { decoder: 'mediabunny' as const, installed: hasServer },
  ];
  describe.each(decoders)('with $decoder', ({ decoder, installed }) => {
    const files = ['plain.mp4', 'plain.mov', 'plain.mkv', 'plain.webm'];
    if (decoder === 'ffmpeg') files.push('plain.gif', 'plain.mpg');

    test.skipIf(!installed).each(files)(
      'every frame of %s comes once, in order, at its time',
      async (name) => {
        const { width, height, frames } = await readAll(at(name), { decoder });
        expect([width, height]).toEqual([64, 48]);
        expect(frames.map(({ index }) => index)).toEqual([...Array(20).keys()]);
        const interval = name.endsWith('mpg') ? 0.04 : 0.1;
        frames.forEach((frame, n) => {
          expect(frame.rgb.length).toBe(64 * 48 * 3);
          expect(Math.abs(middle(frame, 64, 48) - greyLevel(n))).toBeLessThanOrEqual(4);
          expect(frame.timestamp - frames[0].timestamp).toBeCloseTo(interval * n, 2);
        });
      },
    );

    test.skipIf(!installed).each(['variable.mkv', 'variable.mp4'])(
      'the variable frame rate of %s stays as it is',
      async (name) => {
        const { frames } = await readAll(at(name), { decoder });
        const expected = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 1, 1.5, 2, 2.5, 3, 3.5];
        expect(frames.map(({ timestamp }) => Number(timestamp.toFixed(2)))).toEqual(expected);
        frames.forEach((frame, n) => {
          expect(Math.abs(middle(frame, 64, 48) - greyLevel(n))).toBeLessThanOrEqual(4);
        });
      },
    );

    test.skipIf(!installed)('a picture that was filmed lying comes upright', async () => {
      const lying = await readAll(at('lying.mp4'), { decoder });
      expect([lying.width, lying.height]).toEqual([64, 48]);
      const { width, height, frames } = await readAll(at('turned.mp4'), { decoder });
      expect([width, height]).toEqual([48, 64]);
      expect(frames).toHaveLength(3);
      // Turned clockwise, the dark left side is on top.
      const red = (x: number, y: number): number => frames[0].rgb[(y * 48 + x) * 3];
      expect(red(5, 5)).toBeLessThan(90);
      expect(red(42, 5)).toBeLessThan(90);
      expect(red(5, 58)).toBeGreaterThan(180);
      expect(red(42, 58)).toBeGreaterThan(180);
    });

    test.skipIf(!installed)('frames are scaled down to maxSide and never up', async () => {
      const small = await readAll(at('plain.mp4'), { decoder, maxSide: 32 });
      expect([small.width, small.height]).toEqual([32, 24]);
      expect(small.frames).toHaveLength(20);
      expect(small.frames[0].rgb.length).toBe(32 * 24 * 3);
      expect(Math.abs(middle(small.frames[7], 32, 24) - greyLevel(7))).toBeLessThanOrEqual(4);
      expect((await openVideo(at('plain.mp4'), { decoder, maxSide: 1000 })).width).toBe(64);
    });

    test.skipIf(!installed)('pixels that are not square become square', async () => {
      const { width, height, frames } = await readAll(at('wide.mp4'), { decoder });
      expect([width, height]).toEqual([128, 48]);
      expect(frames[0].rgb.length).toBe(128 * 48 * 3);
    });

    test.skipIf(!installed)('the size as shown and as stored is told, upright', async () => {
      const sizesOf = async (name: string) => {
        await using video = await openVideo(at(name), { decoder, maxSide: 32 });
        return { original: video.original, stored: video.stored };
      };
      const square = { width: 64, height: 48 };
      const wide = { width: 128, height: 48 };
      const upright = { width: 48, height: 64 };
      expect(await sizesOf('plain.mp4')).toEqual({ original: square, stored: square });
      expect(await sizesOf('wide.mp4')).toEqual({ original: wide, stored: square });
      expect(await sizesOf('turned.mp4')).toEqual({ original: upright, stored: upright });
    });

    test.skipIf(!installed)('a video that is left early, or closed, ends at once', async () => {
      const video = await openVideo(at('long.mp4'), { decoder });
      for await (const { index } of video.frames) if (index === 2) break;
      const walk = video.frames[Symbol.asyncIterator]();
      expect((await walk.next()).done).toBe(false);
      await video.close();
      await expect(walk.next()).resolves.toEqual({ done: true, value: undefined });
      await expect(video.frames[Symbol.asyncIterator]().next()).rejects.toThrow(ClosedError);
      await video.close();
    });
  });

  test('each walk over the frames starts at the first one', async () => {
    await using video = await openVideo(at('plain.mp4'), { decoder: 'ffmpeg' });
    for (let walk = 0; walk < 2; walk++) {
      for await (const frame of video.frames) {
        expect(Math.abs(middle(frame, 64, 48) - greyLevel(0))).toBeLessThanOrEqual(4);
        break;
      }
    }
  });

  test('closing rejects a frame that is being waited for', async () => {
    const video = await openVideo(at('long.mp4'), { decoder: 'ffmpeg' });
    const first = video.frames[Symbol.asyncIterator]().next();
    const refused = expect(first).rejects.toThrow(ClosedError);
    await video.close();
    await refused;
  });

  test.skipIf(!existsSync('/proc/self/cmdline'))(
    'a slow reader halts ffmpeg, and no process is left after leaving, closing or reading to the end',
    async () => {
      await copyFile(at('long.mp4'), at('watched.mp4'));
      const video = await openVideo(at('watched.mp4'), { decoder: 'ffmpeg' });
      expect(processesWith(at('watched.mp4'))).toEqual([]);
      for await (const { index } of video.frames) {
        if (index < 3) continue;
        // All 450 frames take ffmpeg less than that, if nothing holds it.
        await wait(3000);
        expect(processesWith(at('watched.mp4'))).toHaveLength(1);
        break;
      }
      expect(processesWith(at('watched.mp4'))).toEqual([]);

      const walk = video.frames[Symbol.asyncIterator]();
      await walk.next();
      expect(processesWith(at('watched.mp4'))).toHaveLength(1);
      await video.close();
      expect(processesWith(at('watched.mp4'))).toEqual([]);

      await copyFile(at('plain.mp4'), at('watched-too.mp4'));
      expect((await readAll(at('watched-too.mp4'), { decoder: 'ffmpeg' })).frames).toHaveLength(20);
      expect(processesWith(at('watched-too.mp4'))).toEqual([]);
    },
  );

  test('a name that looks like an option, a pattern or a protocol is a name', async () => {
    for (const name of ['-i.mp4', 'a%03d.mp4', 'http:.mp4', 'ä b.mp4']) {
      await copyFile(at('plain.mp4'), at(name));
      expect((await readAll(at(name), { decoder: 'ffmpeg' })).frames).toHaveLength(20);
    }
  });

  test('a missing, empty or false video is refused by name', async () => {
    await writeFile(at('empty.mp4'), '');
    await writeFile(at('words.mp4'), 'this is no video\n'.repeat(100));
    await writeFile(at('half.mp4'), (await readFile(at('plain.mp4'))).subarray(0, 900));
    ffmpeg('-f', 'lavfi', '-i', 'sine=duration=1', at('sound.mkv'));
    for (const name of ['missing.mp4', 'empty.mp4', 'words.mp4', 'half.mp4', 'sound.mkv']) {
      const error: unknown = await openVideo(at(name)).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InputError);
      expect(String(error)).toContain(at(name));
      expect(String(error)).not.toContain('\n');
    }
  });

  test('a video that breaks off gives the frames before and then an error, or a warning, that names it', async () => {
    const bytes = await readFile(at('long.mkv'));
    await writeFile(at('cut.mkv'), bytes.subarray(0, bytes.length >> 1));
    const warnings: string[] = [];
    const video = await openVideo(at('cut.mkv'), {
      decoder: 'ffmpeg',
      onWarning: (message) => warnings.push(message),
    });
    let count = 0;
    try {
      for await (const { index } of video.frames) count = index + 1;
    } catch (error) {
      warnings.push(String(error));
    }
    expect(count).toBeGreaterThan(100);
    expect(count).toBeLessThan(450);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(at('cut.mkv'));
  });

  test('without ffmpeg the error says what to install', async () => {
    vi.stubEnv('PATH', '');
    try {
      await expect(openVideo(at('plain.mpg'))).rejects.toThrow('Install ffmpeg');
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('options out of bounds are refused', async () => {
    await expect(openVideo(at('plain.mp4'), { maxSide: 0 })).rejects.toThrow('maxSide is 0');
    await expect(openVideo(at('plain.mp4'), { framesPerSecond: -1 })).rejects.toThrow(
      'framesPerSecond is -1',
    );
  });

  test('a list of videos goes into subfolders, and names, skips and counts what is none', async () => {
    const root = at('list');
    await mkdir(join(root, 'b', 'frames'), { recursive: true });
    await copyFile(at('plain.mp4'), join(root, 'a.mp4'));
    await copyFile(at('plain.gif'), join(root, 'b', 'c.GIF'));
    await writeFile(join(root, 'b', 'broken.mov'), 'nothing');
    await writeFile(join(root, 'notes.txt'), 'nothing');
    for (const n of [1, 2]) await writePicture(join(root, 'b', 'frames', `${n}.png`), 16, 12, 50);
    const warnings: string[] = [];
    const { videos, skipped } = await listVideos(root, (message) => warnings.push(message));
    expect(videos).toEqual([join(root, 'a.mp4'), join(root, 'b', 'c.GIF'), join(root, 'b', 'frames')]);
    expect(skipped).toBe(1);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(join(root, 'b', 'broken.mov'));
    expect((await listVideos(at('plain.mp4'))).videos).toEqual([at('plain.mp4')]);
    await mkdir(at('none'));
    await expect(listVideos(at('none'))).rejects.toThrow('holds no videos');
    await expect(listVideos(at('nowhere'))).rejects.toThrow('nowhere cannot be read');
  });

  test('follows links to folders, but not in a circle', async () => {
    const root = at('linked');
    await mkdir(join(root, 'own'), { recursive: true });
    await copyFile(at('plain.mp4'), join(root, 'own', 'a.mp4'));
    await symlink(join(root, 'own'), join(root, 'link'));
    await symlink(root, join(root, 'own', 'back'));
    await symlink(at('nowhere'), join(root, 'gone'));
    const { videos } = await listVideos(root);
    expect(videos).toEqual([join(root, 'link', 'a.mp4'), join(root, 'own', 'a.mp4')]);
  });
});

const writePicture = (path: string, width: number, height: number, grey: number): Promise<unknown> =>
  sharp({ create: { width, height, channels: 3, background: { r: grey, g: grey, b: grey } } }).toFile(path);

describe('a folder of pictures', () => {
  test('is a video in the order of its numbers; a broken or odd picture is named and left out', async () => {
    const root = at('frames');
    await mkdir(root);
    for (const n of [1, 2, 9, 10, 11]) await writePicture(join(root, `frame${n}.png`), 40, 30, 10 * n);
    await writeFile(join(root, 'frame3.png'), 'broken');
    await writePicture(join(root, 'frame4.png'), 30, 40, 99);
    const warnings: string[] = [];
    const { width, height, frames } = await readAll(root, {
      framesPerSecond: 5,
      onWarning: (message) => warnings.push(message),
    });
    expect([width, height]).toEqual([40, 30]);
    expect(frames.map(({ rgb }) => rgb[0])).toEqual([10, 20, 90, 100, 110]);
    expect(frames.map(({ timestamp }) => timestamp)).toEqual([0, 0.2, 0.8, 1, 1.2]);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('frame3.png');
    expect(warnings[1]).toContain('frame4.png');
    const small = await readAll(root, { maxSide: 20 });
    expect([small.width, small.height, small.frames[0].rgb.length]).toEqual([20, 15, 900]);
  });

  test('without a picture in it is refused', async () => {
    await mkdir(at('bare'));
    await expect(openVideo(at('bare'))).rejects.toThrow('holds no pictures');
  });
});
