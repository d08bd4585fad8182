import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseLandmarkSet } from '../../src/landmarks/landmark-set.ts';
import { writeBlobModel } from '../fixtures/blob-model.ts';
import { blobCenters, blobs, drawScene, sceneRoi } from '../fixtures/blob-scene.ts';
import { dve, lastLine } from '../fixtures/run-dve.ts';

const [width, height] = [160, 120];
const pictureCount = 6;

let root = '';
const at = (name: string): string => join(root, name);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'calibrate-'));
  await writeBlobModel(at('.'));
  const annotations: unknown[] = [];
  for (let index = 0; index < pictureCount; index++) {
    const roi = sceneRoi(2 * index, width, height);
    const picture = `${index}.png`;
    await sharp(drawScene(roi, width, height), { raw: { width, height, channels: 4 } }).toFile(at(picture));
    const points = blobCenters(roi).map(({ x, y }) => [x / width, y / height]);
    annotations.push({ picture, points });
  }
  const names = blobs.map(({ name }) => name);
  await writeFile(at('points.json'), JSON.stringify({ names, unit: [0, 1], annotations }));
});
afterAll(() => rm(root, { recursive: true }));

describe('dve landmarks and dve eval calibration', () => {
  it('calibrate a set, and tell how reliable its confidence is', async () => {
    const made = await dve(
      ...['landmarks', '--model', root, '--images', root, '--points', at('points.json')],
      ...['--out', at('set.json'), '--json'],
    );
    expect(made.stderr).toBe('');
    expect(lastLine(made.stdout)).toMatchObject({ pictures: pictureCount, calibrated: true });
    const set = parseLandmarkSet(await readFile(at('set.json'), 'utf8'));
    expect(set.unit).toEqual([0, 1]);
    expect(set.calibration?.offsets).toHaveLength(blobs.length);
    expect(set.calibration?.tolerance).toBe(0.05);

    const measured = await dve(
      ...['eval', 'calibration', '--model', root, '--landmarks', at('set.json'), '--data', root],
      ...['--points', at('points.json'), '--views', '4', '--bins', '5', '--json'],
    );
    expect(measured.code).toBe(0);
    const result = lastLine(measured.stdout) as { pictures: number; ece: number; bins: { count: number }[] };
    expect(result.pictures).toBe(pictureCount);
    expect(result.ece).toBeLessThan(0.15);
    const total = result.bins.reduce((sum, { count }) => sum + count, 0);
    expect(total).toBe(pictureCount * 4 * blobs.length);

    const none = await dve(
      ...['eval', 'calibration', '--model', root, '--landmarks', at('set.json'), '--data', root],
      ...['--points', at('points.json'), '--unseen'],
    );
    expect(none.code).toBe(1);
    expect(none.stderr).toMatch(/all 6 pictures belong to the landmark set itself/);
  }, 60_000);

  it('two pictures make a set that is neither calibrated nor refined, and the command says so', async () => {
    const made = await dve(
      ...['landmarks', '--model', root, '--images', root, '--points', at('points.json'), '--limit', '2'],
      ...['--out', at('two.json'), '--without-annotations', '--json'],
    );
    expect(made.stderr).toBe('');
    expect(lastLine(made.stdout)).toMatchObject({
      ...{ pictures: 2, calibrated: false, refined: false, error_matched: null, error_refined: null },
    });
    const set = parseLandmarkSet(await readFile(at('two.json'), 'utf8'));
    expect(set.refiner).toBeUndefined();
    expect(set.annotations).toBeUndefined();
  }, 60_000);

  it('leave out a picture with a point beyond its edge, with a line', async () => {
    const file = JSON.parse(await readFile(at('points.json'), 'utf8')) as {
      annotations: { points: [number, number][] }[];
    };
    file.annotations[2].points[0] = [1.1, 0.5];
    await writeFile(at('beyond.json'), JSON.stringify(file));
    const made = await dve(
      ...['landmarks', '--model', root, '--images', root, '--points', at('beyond.json')],
      ...['--out', at('beyond-set.json'), '--json'],
    );
    expect(made.stderr).toMatch(
      /^skipped: 2\.png\.points\[0\] is \(176, 60\), outside of its picture of 160×120 pixels\..*\n1 picture skipped\n$/,
    );
    expect(lastLine(made.stdout)).toMatchObject({ pictures: pictureCount - 1 });
    expect(made.code).toBe(0);
  });

  it('take frames of videos and hidden points, and dve eval landmarks measures them by name', async () => {
    const clip = at('clip.mp4');
    execFileSync('ffmpeg', [
      ...['-loglevel', 'error', '-framerate', '5', '-i', at('%d.png'), '-c:v', 'libx264', '-crf', '10'],
      ...['-pix_fmt', 'yuv420p', clip],
    ]);
    const annotations = Array.from({ length: pictureCount }, (_, index) => {
      const points = blobCenters(sceneRoi(2 * index, width, height)).map(({ x, y }, n) =>
        n === index % 3 ? null : [x / width, y / height],
      );
      return index === 0 ? { picture: '0.png', points } : { video: 'clip.mp4', frame: index, points };
    });
    const names = blobs.map(({ name }) => name);
    await writeFile(at('frames.json'), JSON.stringify({ names, annotations }));
    const made = await dve(
      ...['landmarks', '--model', root, '--images', root, '--points', at('frames.json')],
      ...['--out', at('frames-set.json'), '--json'],
    );
    expect(made.stderr).toBe('');
    expect(lastLine(made.stdout)).toMatchObject({ pictures: pictureCount, calibrated: true, refined: false });
    const set = parseLandmarkSet(await readFile(at('frames-set.json'), 'utf8'));
    expect(set.annotations?.[1]).toMatchObject({ video: 'clip.mp4', frame: 1 });
    expect(set.annotations?.[1].points.map((point) => point === null)).toEqual(blobs.map((_, n) => n === 1));
    const measure = (...how: string[]) =>
      dve(
        ...['eval', 'landmarks', '--model', root, '--data', root, '--annotations', at('frames.json')],
        ...[...how, '--json'],
      );
    const bySet = lastLine((await measure('--landmarks', at('frames-set.json'))).stdout);
    expect(bySet).toMatchObject({
      images: pictureCount,
      points: pictureCount * (blobs.length - 1),
      pck10: 100,
    });
    const byShots = lastLine(
      (await measure('--references', root, '--shots', '2', '--draws', '2')).stdout,
    ) as {
      images: number;
      per_point: Record<string, { pck10: number }>;
    };
    expect(byShots.images).toBe(pictureCount - 2);
    expect(Object.keys(byShots.per_point)).toEqual(names);
    const faces = await measure('--references', root, '--shots', '2', '--split', '2');
    expect({ code: faces.code, text: faces.stderr.includes('faces of 68 points') }).toEqual({
      ...{ code: 2, text: true },
    });
  });
});
