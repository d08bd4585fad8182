// Landmark sets and correspondence in Node: `dve-sdk/node`, and `dve landmarks` where the network finds the object.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Point } from '../../src/geometry/coordinates.ts';
import {
  correspond,
  createLandmarkSet,
  discoverLandmarks,
  InputError,
  openModel,
  parseLandmarkSet,
  type NodeModel,
  type NodePicture,
} from '../../src/node.ts';
import { writeBlobModel } from '../fixtures/blob-model.ts';
import { background, blobCenters, drawScene, sceneRoi } from '../fixtures/blob-scene.ts';
import { dve, lastLine } from '../fixtures/run-dve.ts';

const [width, height] = [320, 240];
let root = '';
let model: NodeModel;
const at = (name: string): string => join(root, name);
const pointsAt = (seconds: number): Point[] => blobCenters(sceneRoi(seconds, width, height));
const pixelsAt = (seconds: number): NodePicture => ({
  ...{ data: drawScene(sceneRoi(seconds, width, height), width, height), width, height, channels: 4 },
});
const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

/** Writes a file of points, each picture a second of the scene. @param marks landmarks by index */
const writePoints = (file: string, pictures: readonly string[], marks: readonly number[]): Promise<void> =>
  writeFile(
    at(file),
    JSON.stringify({
      names: marks.map((n) => `mark ${n}`),
      annotations: pictures.map((picture, seconds) => ({
        picture,
        points: marks.map((n) => [pointsAt(seconds)[n].x / width, pointsAt(seconds)[n].y / height]),
      })),
    }),
  );

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'node-pictures-'));
  await writeBlobModel(root);
  const raw = { width, height, channels: 4 } as const;
  for (const seconds of [0, 1]) {
    await sharp(drawScene(sceneRoi(seconds, width, height), width, height), { raw }).toFile(
      at(`${seconds}.png`),
    );
  }
  const [red, green, blue] = background;
  await sharp({ create: { width, height, channels: 3, background: { r: red, g: green, b: blue } } }).toFile(
    at('empty.png'),
  );
  model = await openModel({ model: root });
});
afterAll(async () => {
  await model.close();
  await rm(root, { recursive: true });
});

describe('dve-sdk/node', () => {
  it('makes a set of one point on one picture: path, URL, bytes and pixels give the same', async () => {
    const points = [pointsAt(0)[4]];
    const pictures: NodePicture[] = [
      at('0.png'),
      pathToFileURL(at('0.png')),
      await readFile(at('0.png')),
      pixelsAt(0),
    ];
    const sets = [];
    for (const picture of pictures)
      sets.push(await model.createLandmarkSet({ pictures: [{ picture, points }] }));
    expect(sets[0].names).toEqual(['point 1']);
    expect(sets[0].anchors?.meanShape).toHaveLength(6);
    for (const set of sets) expect(set).toEqual(sets[0]);
  });

  it('opens the model by itself', async () => {
    const { field, points } = await correspond(at('0.png'), pixelsAt(1), {
      ...{ model: pathToFileURL(root), points: [pointsAt(0)[2]] },
    });
    expect(distance(points[0], pointsAt(1)[2])).toBeLessThan(3);
    expect(field.places).toHaveLength(2 * field.columns * field.rows);
    const set = await createLandmarkSet({
      ...{ model: root, names: ['a', 'b'], connections: [[0, 1]] },
      pictures: [{ picture: at('0.png'), points: pointsAt(0).slice(0, 2) }],
    });
    expect(set.connections).toEqual([[0, 1]]);
  });

  it('discovers landmarks', async () => {
    const pictures = [0, 1, 2, 3, 4].map(pixelsAt);
    const { landmarks, points } = await discoverLandmarks(pictures, { model: root, count: 4 });
    expect(landmarks.names).toHaveLength(4);
    expect(points).toHaveLength(5);
  });

  it.each([
    [
      'a file that is not there',
      () => model.correspond(at('no.png'), at('0.png')),
      /no\.png cannot be decoded/,
    ],
    ['a picture without an object', () => model.correspond(at('empty.png'), at('0.png')), /first picture/],
    [
      'too few pixels',
      () => model.correspond({ data: new Uint8Array(5), width: 2, height: 1, channels: 3 }, at('0.png')),
      /first picture has 5 bytes but 2×1/,
    ],
    ['a number', () => model.correspond(at('0.png'), 7 as unknown as string), /second picture is 7/],
    ['a web page', () => model.correspond(new URL('http://a.test/b.png'), at('0.png')), /file: URL/],
    [
      'a square that is none',
      () => model.correspond({ picture: at('0.png'), roi: null as never }, at('1.png')),
      /the roi of the first picture .*Give \{ center/,
    ],
    [
      'a point beside the object',
      () => model.correspond(at('0.png'), at('1.png'), { points: [{ x: 4, y: 120 }] }),
      /points\[0\] is \(4, 120\), beside the blobs that is found in the first picture/,
    ],
    [
      'an unknown option',
      () => createLandmarkSet({ model: root, pictures: [], name: [] } as unknown as { pictures: [] }),
      /no option "name"/,
    ],
    [
      'no points',
      () => model.createLandmarkSet({ pictures: [{ picture: at('0.png'), points: [] }] }),
      /pictures\[0\]\.points is an empty list/,
    ],
    ['no list', () => model.discoverLandmarks('a' as unknown as string[], { count: 3 }), /pictures is "a"/],
  ])('refuses %s', async (_, attempt, message) => {
    const error: unknown = await attempt().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InputError);
    expect(String(error)).toMatch(message);
  });
});

describe('dve landmarks where the network finds the object', () => {
  const make = (...argv: string[]) => dve('landmarks', '--model', root, '--images', root, ...argv, '--json');

  it('takes one point on one picture, and makes the set that dve-sdk/node makes', async () => {
    await writePoints('one.json', ['0.png'], [4]);
    const made = await make('--points', at('one.json'), '--out', at('one-set.json'));
    expect(made.stderr).toBe('');
    expect(lastLine(made.stdout)).toMatchObject({ landmarks: 1, pictures: 1, found_by: 'network' });
    const set = parseLandmarkSet(await readFile(at('one-set.json'), 'utf8'));
    const same = await model.createLandmarkSet({
      pictures: [{ picture: at('0.png'), points: [pointsAt(0)[4]] }],
    });
    set.references.forEach((value, n) => {
      expect(value).toBeCloseTo(same.references[n], 4);
    });
    expect(set.anchors?.meanShape).toHaveLength(6);
  });

  it('leaves out a picture that shows no object, and says so', async () => {
    await writePoints('some.json', ['0.png', 'empty.png'], [0, 1, 2]);
    const made = await make('--points', at('some.json'), '--out', at('some-set.json'));
    expect(made.stderr).toMatch(/empty\.png .*no blobs is found/);
    expect(lastLine(made.stdout)).toMatchObject({ landmarks: 3, pictures: 1, found_by: 'network' });
    await writePoints('none.json', ['empty.png'], [0]);
    const none = await make('--points', at('none.json'), '--out', at('none-set.json'));
    expect(none.code).toBe(1);
    expect(none.stderr).toMatch(/give --find points and 3 points or more/);
  });

  it('lets all of the model’s points find the object by themselves, and fewer where that is asked for', async () => {
    await writePoints('all.json', ['0.png', '1.png'], [0, 1, 2, 3, 4, 5]);
    const all = await make('--points', at('all.json'), '--out', at('all-set.json'));
    expect(lastLine(all.stdout)).toMatchObject({ found_by: 'points' });
    await writePoints('three.json', ['0.png', '1.png'], [0, 1, 2]);
    const argv = ['--points', at('three.json'), '--out', at('three-set.json'), '--find', 'points'];
    expect(lastLine((await make(...argv)).stdout)).toMatchObject({ found_by: 'points' });
  });
});
