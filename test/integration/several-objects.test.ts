/** `dve track --objects 2` from the command line: two drawn objects side by side, one of which leaves and comes back. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import sharp from 'sharp';
import { blobLandmarks, writeBlobModel } from '../fixtures/blob-model.ts';
import { blobCenters, drawObjects, type DrawnObject } from '../fixtures/blob-scene.ts';
import { dve, lastLine } from '../fixtures/run-dve.ts';

const [width, height] = [420, 240];
const frameCount = 16;
/** The frames in which the right one is out of the picture. */
const isAlone = (index: number): boolean => index >= 7 && index < 10;

/** Where the left and the right one are: they drift, each in its half. */
const sceneAt = (index: number): readonly [DrawnObject, DrawnObject] => [
  { roi: { center: { x: 105 + index, y: 118 }, size: 150, rotation: 0.05 }, tint: [0, 0, 0] },
  { roi: { center: { x: 318 - index, y: 124 }, size: 150, rotation: 0 }, tint: [255, 255, 255] },
];

type TrackedObject = {
  id: number;
  status: string;
  points: [number, number][];
  raw: [number, number][];
  confidences: number[];
};
type Frame = { file: string; objects: TrackedObject[] };

let root: string;
const at = (name: string): string => join(root, name);
const track = (out: string): ReturnType<typeof dve> =>
  dve('track', at('pictures'), '--model', at('model'), '--objects', '2', '--raw', '--out', at(out), '--json');

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dve-several-'));
  await writeBlobModel(at('model'));
  await mkdir(at('pictures'));
  for (let index = 0; index < frameCount; index++) {
    const [left, right] = sceneAt(index);
    const pixels = drawObjects(isAlone(index) ? [left] : [left, right], width, height);
    const name = `f${String(index).padStart(2, '0')}.png`;
    await sharp(pixels, { raw: { width, height, channels: 4 } })
      .removeAlpha()
      .png()
      .toFile(join(at('pictures'), name));
  }
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

const isLeft = ({ points }: TrackedObject): boolean => points.every(([x]) => x < width / 2);
const isRight = ({ points }: TrackedObject): boolean => points.every(([x]) => x > width / 2);

/** The greatest distance of a point from where it was drawn, pixels. */
const farthest = ({ points }: TrackedObject, { roi }: DrawnObject): number =>
  Math.max(...blobCenters(roi).map(({ x, y }, n) => Math.hypot(points[n][0] - x, points[n][1] - y)));

describe('dve track --objects 2', () => {
  test('tells two objects apart, each in its half, by ids that outlast an absence', async () => {
    const { code, stdout, stderr } = await track('two.json');
    expect(code, stderr).toBe(0);
    expect(lastLine(stdout)).toMatchObject({ frames: frameCount, tracked: frameCount, objects: 2 });
    const { frames } = JSON.parse(await readFile(at('two.json'), 'utf8')) as { frames: Frame[] };
    const idsSeen = new Set(frames.flatMap(({ objects }) => objects.map(({ id }) => id)));
    expect([...idsSeen].sort()).toEqual([1, 2]);

    const both = frames.filter(({ objects }) => objects.length === 2);
    const [first] = both;
    const leftId = first.objects.find(isLeft)?.id;
    const rightId = first.objects.find(isRight)?.id;
    expect([leftId, rightId].sort()).toEqual([1, 2]);

    frames.forEach(({ objects }, index) => {
      const drawn = sceneAt(index);
      for (const object of objects) {
        expect(object.status).toBe('tracking');
        for (const list of [object.points, object.raw, object.confidences]) expect(list).toHaveLength(6);
        expect(object.id === leftId ? isLeft(object) : isRight(object), `frame ${index}`).toBe(true);
        expect(farthest(object, drawn[object.id === leftId ? 0 : 1])).toBeLessThan(3);
      }
      if (isAlone(index)) expect(objects.map(({ id }) => id)).toEqual([leftId]);
    });
    expect(frames.slice(4, 7).map(({ objects }) => objects.length)).toEqual([2, 2, 2]);
    const last = frames[frameCount - 1].objects.map(({ id }) => id);
    expect(last.sort()).toEqual([1, 2]);
  });

  test('writes a CSV with the row of individuals and the columns of one after those of the other', async () => {
    const { code, stderr } = await track('two.csv');
    expect(code, stderr).toBe(0);
    const [scorer, individuals, bodyparts, coords, ...rows] = (await readFile(at('two.csv'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));
    const perObject = 3 * blobLandmarks.names.length;
    const titles = [scorer, individuals, bodyparts, coords].map(([title]) => title);
    expect(titles).toEqual(['scorer', 'individuals', 'bodyparts', 'coords']);
    expect(individuals.slice(1)).toEqual(
      ['object 1', 'object 2'].flatMap((name) => Array<string>(perObject).fill(name)),
    );
    expect(bodyparts.slice(1, 1 + perObject)).toEqual(bodyparts.slice(1 + perObject));
    expect(rows.map(([file]) => file)).toEqual(
      Array.from({ length: frameCount }, (_, index) => `f${String(index).padStart(2, '0')}.png`),
    );
    const xsOf = (row: string[], individual: number): string[] =>
      row.slice(1 + individual * perObject, 1 + (individual + 1) * perObject).filter((_, n) => n % 3 === 0);
    const last = rows[frameCount - 1];
    const halves = [0, 1].map((individual) => {
      const xs = xsOf(last, individual);
      expect(xs.every((x) => x !== '')).toBe(true);
      const left = xs.filter((x) => Number(x) < width / 2).length;
      expect([0, xs.length]).toContain(left);
      return left === 0 ? 'right' : 'left';
    });
    expect([...halves].sort()).toEqual(['left', 'right']);
    // While the right one is away its cells are empty, and the left one keeps its columns.
    const alone = rows[8];
    expect(xsOf(alone, halves.indexOf('right')).every((x) => x === '')).toBe(true);
    expect(xsOf(alone, halves.indexOf('left')).every((x) => x !== '' && Number(x) < width / 2)).toBe(true);
  });
});
