import { execFile, spawn, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lockFolder } from '../../src/files-node/folder-lock.ts';
import { openOutput } from '../../src/files-node/atomic-file.ts';
import { serializeLandmarkSet } from '../../src/landmarks/landmark-set.ts';
import { blobLandmarks, writeBlobModel } from '../fixtures/blob-model.ts';
import { drawScene, sceneRoi } from '../fixtures/blob-scene.ts';
import { dve, lastLine } from '../fixtures/run-dve.ts';
import sharp from 'sharp';

const run = promisify(execFile);
const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;

let root: string;
let model: string;
let folder: string;
const at = (name: string): string => join(root, name);

type TrackFile = { frames: { timestamp: number; status: string; file?: string; points: number[][] }[] };
const readTrack = async (name: string): Promise<TrackFile> =>
  JSON.parse(await readFile(at(name), 'utf8')) as TrackFile;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dve-output-'));
  model = at('model');
  folder = at('pictures');
  await writeBlobModel(model);
  await mkdir(folder);
  for (let i = 0; i < 6; i++) {
    const scene = drawScene(sceneRoi(i / 25, 160, 120), 160, 120);
    await sharp(scene, { raw: { width: 160, height: 120, channels: (scene.length / 19200) as 3 | 4 } })
      .removeAlpha()
      .png()
      .toFile(join(folder, `f${i}.png`));
  }
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

describe('a folder of pictures', () => {
  test('keeps the row of a broken picture and of one of another size, each with its name', async () => {
    const damaged = at('damaged');
    await cp(folder, damaged, { recursive: true });
    await writeFile(join(damaged, 'f2.png'), 'no picture');
    await sharp({ create: { width: 40, height: 40, channels: 3, background: 'red' } })
      .png()
      .toFile(join(damaged, 'f5.png'));
    await writeFile(join(damaged, 'f6.bmp'), 'BM');
    const { code, stderr } = await dve(
      'track',
      damaged,
      '--model',
      model,
      '--out',
      at('damaged.json'),
      '--json',
    );
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(
      /^1 file in .*damaged \(1 \.bmp\) cannot be read: convert to \.png or \.jpg; skipped\.$/m,
    );
    const { frames } = await readTrack('damaged.json');
    expect(frames.map(({ file }) => file)).toEqual([0, 1, 2, 3, 4, 5].map((i) => `f${i}.png`));
    expect(frames.map(({ status }) => status === 'unreadable')).toEqual([
      false,
      false,
      true,
      false,
      false,
      true,
    ]);
    expect(frames.map(({ timestamp }) => timestamp)).toEqual([0, 0.04, 0.08, 0.12, 0.16, 0.2]);
  });

  test.skipIf(process.platform === 'win32')('a pipe in it is named, not waited for', async () => {
    const piped = at('piped');
    await cp(folder, piped, { recursive: true });
    await run('mkfifo', [join(piped, 'f3.png'), join(root, 'pipe.mp4')]).catch(() => undefined);
    await rm(join(piped, 'f3.png'));
    await run('mkfifo', [join(piped, 'f3.png')]);
    const { code, stderr } = await dve('track', piped, '--model', model, '--out', at('piped.json'));
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/f3\.png is no regular file/);
    const video = await dve('track', at('pipe.mp4'), '--model', model, '--out', at('pipe.json'));
    expect([video.code, video.stderr]).toEqual([
      1,
      expect.stringMatching(/^dve: .*pipe\.mp4 is no regular file.*\n$/),
    ]);
  });
});

test('a video in which nothing is found ends with why: the evidence, its limit and what to try', async () => {
  const other = at('other-network');
  await writeBlobModel(other);
  // References of another training: every hash is right, and nothing of it belongs together.
  const references = Float32Array.from(blobLandmarks.references, (_, i) => (i % 4 === 1 ? -1 : 0));
  const set = at('other.json');
  await writeFile(set, serializeLandmarkSet({ ...blobLandmarks, references }));
  const argv = ['--model', other, '--landmarks', set, '--out', at('nothing.json'), '--json'];
  const { code, stdout, stderr } = await dve('track', folder, ...argv);
  expect(code, stderr).toBe(0);
  expect(lastLine(stdout)).toMatchObject({ frames: 6, tracked: 0 });
  expect(stderr).toMatch(
    /^no blobs was found in 6 frames: the best look had an evidence of -?\d\.\d\d and 0\.72 is needed .*% of its points agreed with one shape\. .*--roi.*"dve landmarks".*\n$/,
  );
  const found = await dve('track', folder, '--model', model, '--out', at('found.json'));
  expect([found.code, found.stderr]).toEqual([0, expect.not.stringContaining('was found')]);
});

describe('outputs', () => {
  test('naming what is read, or each other, are refused and destroy nothing', async () => {
    await symlink(join(model, 'landmarks.json'), at('link.json'));
    const before = await readFile(join(model, 'landmarks.json'), 'utf8');
    const onInput = await dve('track', folder, '--model', model, '--out', at('link.json'));
    expect([onInput.code, onInput.stderr]).toEqual([
      1,
      expect.stringMatching(/would overwrite .*landmarks\.json/),
    ]);
    expect(await readFile(join(model, 'landmarks.json'), 'utf8')).toBe(before);
    const picture = join(folder, 'f0.png');
    const onPicture = await dve(
      'track',
      folder,
      '--model',
      model,
      '--out',
      at('x.json'),
      '--overlay',
      picture,
    );
    expect([onPicture.code, onPicture.stderr]).toEqual([
      1,
      expect.stringMatching(/would overwrite .*f0\.png/),
    ]);
    const points = at('points.json');
    await writeFile(
      points,
      serializeLandmarkSet({
        ...blobLandmarks,
        annotations: [{ picture: 'f0.png', points: blobLandmarks.meanShape }],
      }),
    );
    const marked = await readFile(points, 'utf8');
    const onPoints = await dve(
      'landmarks',
      ...['--model', model, '--images', folder, '--points', points, '--out', points],
    );
    expect([onPoints.code, onPoints.stderr]).toEqual([
      1,
      expect.stringMatching(/--out .*points\.json would overwrite .*points\.json/),
    ]);
    expect(await readFile(points, 'utf8')).toBe(marked);
    const both = await dve(
      'track',
      folder,
      '--model',
      model,
      '--out',
      at('x.json'),
      '--overlay',
      at('x.json'),
    );
    expect(both.code).toBe(1);
    expect(await readdir(root)).not.toContain('x.json');
  });

  test('a command that fails ends with one JSON line of the error', async () => {
    const { code, stdout, stderr } = await dve(
      'track',
      at('nowhere.mp4'),
      '--model',
      model,
      '--out',
      at('x.json'),
      '--json',
    );
    expect(code).toBe(1);
    expect(lastLine(stdout)).toEqual({
      error: { name: 'InputError', message: stderr.replace(/^dve: /, '').trim() },
    });
    const usage = await dve('track', '--json');
    expect(usage.code).toBe(2);
    expect(lastLine(usage.stdout)).toMatchObject({ error: { name: 'UsageError' } });
  });

  test('what a writer that died has left goes with the next one; that of a live one stays', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const [old, other] = [`.a.json.${dead}.0123456789ab.tmp`, `.a.json.${process.pid}.0123456789ab.tmp`];
    const place = at('leftovers');
    await mkdir(place);
    for (const name of [old, other]) await writeFile(join(place, name), '');
    const output = await openOutput(join(place, 'a.json'));
    await output.write('1');
    await output.commit();
    expect((await readdir(place)).sort()).toEqual([other, 'a.json'].sort());
  });
});

describe.skipIf(!hasFfmpeg)('a video', () => {
  test('interrupted, leaves what was tracked as a whole file, and no other', async () => {
    const place = at('interrupted');
    await mkdir(place);
    const clip = at('long.mp4');
    const args = ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=s=320x240:r=25:d=120', '-c:v', 'libx264'];
    await run('ffmpeg', [...args, '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', clip]);
    const argv = [
      'track',
      clip,
      '--model',
      model,
      '--out',
      join(place, 'a.json'),
      '--overlay',
      join(place, 'a.mp4'),
    ];
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...argv, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    // Once rows are there, whenever that is.
    let hasRows = false;
    while (!hasRows) {
      const name = (await readdir(place)).find((entry) => entry.startsWith('.a.json.'));
      hasRows = name !== undefined && (await readFile(join(place, name), 'utf8')).includes('timestamp');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    child.kill('SIGINT');
    expect(await ended).toBe(1);
    expect((await readdir(place)).sort()).toEqual(['a.json', 'a.mp4']);
    const { frames } = JSON.parse(await readFile(join(place, 'a.json'), 'utf8')) as TrackFile;
    expect(frames.length).toBeGreaterThan(0);
    expect(frames.length).toBeLessThan(3000);
  }, 120_000);

  test('ended by a signal that nobody waits for, leaves nothing', async () => {
    const place = at('hung-up');
    await mkdir(place);
    const argv = ['track', at('long.mp4'), '--model', model, '--out', join(place, 'a.csv')];
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...argv]);
    const ended = new Promise<NodeJS.Signals | null>((resolve) => {
      child.once('close', (_, signal) => {
        resolve(signal);
      });
    });
    while ((await readdir(place)).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill('SIGHUP');
    expect(await ended).toBe('SIGHUP');
    expect(await readdir(place)).toEqual([]);
  }, 120_000);

  test('keeps its variable frame rate and its sound in the overlay', async () => {
    const clip = at('variable.mp4');
    await run('ffmpeg', [
      ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=s=160x120:r=25:d=1', '-f', 'lavfi', '-i', 'sine=d=1'],
      ...['-vf', "select='not(between(n,5,14))'", '-fps_mode', 'passthrough', '-enc_time_base', '1/1000'],
      ...['-c:v', 'libx264', '-bf', '0', '-pix_fmt', 'yuv420p', '-c:a', 'aac', clip],
    ]);
    const { code, stderr } = await dve(
      'track',
      clip,
      '--model',
      model,
      '--out',
      at('v.json'),
      '--overlay',
      at('v.mp4'),
    );
    expect(code, stderr).toBe(0);
    const times = async (path: string): Promise<number[]> => {
      const show = [
        '-v',
        'error',
        '-select_streams',
        'v',
        '-show_entries',
        'frame=pts_time',
        '-of',
        'csv=p=0',
      ];
      return (await run('ffprobe', [...show, path])).stdout
        .trim()
        .split('\n')
        .map(Number.parseFloat)
        .filter(Number.isFinite);
    };
    const [expected, found] = [await times(clip), await times(at('v.mp4'))];
    expect(found).toHaveLength(expected.length);
    found.forEach((time, index) => {
      expect(Math.abs(time - found[0] - (expected[index] - expected[0]))).toBeLessThan(0.002);
    });
    const show = [
      '-v',
      'error',
      '-select_streams',
      'a',
      '-show_entries',
      'stream=codec_name',
      '-of',
      'csv=p=0',
    ];
    expect((await run('ffprobe', [...show, at('v.mp4')])).stdout.trim()).toBe('aac');
  });

  const allowed =
    process.platform === 'linux' &&
    spawnSync('unshare', ['--mount', '--map-root-user', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

  test.skipIf(!allowed)('on a full disk the overlay fails with one line and leaves nothing', async () => {
    const clip = at('noise.mp4');
    const source = 'nullsrc=s=320x240:r=25:d=2,geq=random(1)*255:128:128';
    await run('ffmpeg', [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      source,
      '-c:v',
      'libx264',
      '-pix_fmt',
      'yuv420p',
      clip,
    ]);
    const place = at('full');
    await mkdir(place);
    const script = `mount -t tmpfs -o size=200k none '${place}' && '${process.execPath}' --import tsx src/cli/main.ts track '${clip}' --model '${model}' --out '${at('n.json')}' --overlay '${place}/o.mp4'; echo "code $?"; ls -A '${place}'`;
    const { stdout, stderr } = await run('unshare', ['--mount', '--map-root-user', 'sh', '-c', script]);
    expect(stdout).toBe('code 1\n');
    expect(stderr).toMatch(/^dve: ffmpeg cannot write the overlay .*\n$/);
    expect((await readdir(root)).filter((name) => name.includes('n.json'))).toEqual([]);
  });
});

describe('a folder that is worked in', () => {
  test('is refused to others, and taken over from a process that died', async () => {
    const place = at('locked');
    const release = await lockFolder(place);
    await expect(lockFolder(place)).rejects.toThrow(/is working in .*locked/);
    await release();
    await expect(readdir(place)).rejects.toThrow('ENOENT');
    const script = `import { lockFolder } from ${JSON.stringify(new URL('../../src/files-node/folder-lock.ts', import.meta.url).href)}; await lockFolder(${JSON.stringify(place)}); process.exit();`;
    spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
    expect(await readdir(place)).toHaveLength(1);
    await (
      await lockFolder(place)
    )();
    expect(await readdir(place)).toEqual([]);
  });

  test('by a training keeps what another training left in it', async () => {
    const place = at('trained');
    await mkdir(place);
    await writeFile(join(place, 'checkpoint.bin'), 'old');
    const { code, stderr } = await dve('train', '--images', folder, '--out', place, '--steps', '1');
    expect([code, stderr.split('\n').at(-2)]).toEqual([
      1,
      expect.stringMatching(/^dve: .*holds another training.*--resume/),
    ]);
    expect(await readdir(place)).toEqual(['checkpoint.bin']);
  });
});
