import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import type { Point } from '../../src/geometry/coordinates.ts';
import { readOwnSet } from '../../src/cli/track-input.ts';
import { createMarkedSet, type MarkedSet } from '../../src/landmark-maker/create-landmark-set.ts';
import {
  parseLandmarkSet,
  serializeLandmarkSet,
  type LandmarkSet,
} from '../../src/landmarks/landmark-set.ts';
import { createLandmarkSet, type LandmarkSetRequest } from '../../src/marks.ts';
import type { Model } from '../../src/model/model.ts';
import { openNodeModel } from '../../src/model/model-node.ts';
import type { PixelImage } from '../../src/pipeline/crop.ts';
import { FrameTracker } from '../../src/pipeline/frame-tracker.ts';
import { createPictureCropper } from '../../src/pipeline/picture-cropper.ts';
import { writeBlobModel } from '../fixtures/blob-model.ts';
import { background, blobCenters, drawScene, sceneRoi } from '../fixtures/blob-scene.ts';

const [width, height] = [320, 240];
let folder = '';
let model: Model;
let own: LandmarkSet | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'marked-'));
  await writeBlobModel(folder);
  model = await openNodeModel(folder);
  own = await readOwnSet(folder);
});
afterAll(async () => {
  await model.close();
  await rm(folder, { recursive: true });
});

const imageAt = (seconds: number): PixelImage => ({
  ...{ data: drawScene(sceneRoi(seconds, width, height), width, height), width, height, channels: 4 },
});
const pointsAt = (seconds: number): Point[] => blobCenters(sceneRoi(seconds, width, height));
const empty: PixelImage = {
  ...{ data: new Uint8Array(width * height * 3).fill(background[0]), width, height, channels: 3 },
};

const make = async (marked: MarkedSet): Promise<LandmarkSet> =>
  (await createMarkedSet(own, marked, { session: model })).set;

/** Landmarks of a set, tracked in a picture that it was not made from. */
const trackAt = async (landmarkSet: LandmarkSet, seconds: number) => {
  const tracker = new FrameTracker({
    ...{ model, cropper: createPictureCropper<PixelImage>(), landmarkSet, searchBudget: 200 },
    smoothing: false,
  });
  return tracker.step(imageAt(seconds), 0);
};

describe('createMarkedSet', () => {
  it('one click on one picture is a landmark that is tracked: the object is found by the model’s own', async () => {
    const set = await make({ pictures: [{ image: imageAt(0), points: [pointsAt(0)[4]] }], names: ['dot'] });
    expect(set.anchors?.meanShape).toHaveLength(6);
    const result = await trackAt(set, 4);
    expect(result.status).toBe('tracking');
    if (result.status !== 'tracking') return;
    expect(result.landmarks).toHaveLength(1);
    const truth = pointsAt(4)[4];
    expect(Math.hypot(result.landmarks[0].x - truth.x, result.landmarks[0].y - truth.y)).toBeLessThan(2);
  });

  it('a set is a file: written and read it is the same', async () => {
    const set = await make({
      pictures: [0, 3].map((seconds) => ({ image: imageAt(seconds), points: pointsAt(seconds).slice(0, 2) })),
      names: ['a', 'b'],
      connections: [[0, 1]],
    });
    const read = parseLandmarkSet(serializeLandmarkSet(set));
    expect(read.names).toEqual(['a', 'b']);
    expect(read.anchors?.meanShape).toHaveLength(6);
    expect(read.anchors?.references).toHaveLength(set.anchors?.references.length ?? 0);
    read.anchors?.references.forEach((value, i) => {
      expect(value).toBeCloseTo(set.anchors?.references[i] ?? NaN, 3);
    });
    const result = await trackAt(read, 2);
    expect(result.status).toBe('tracking');
  });

  it('takes names by itself', async () => {
    const set = await make({ pictures: [{ image: imageAt(0), points: pointsAt(0).slice(0, 2) }] });
    expect(set.names).toEqual(['point 1', 'point 2']);
  });

  it('finds the object that the points lie on, where the picture shows two', async () => {
    const both = new Uint8ClampedArray(2 * width * height * 4);
    const [left, right] = [imageAt(0), imageAt(5)];
    for (let row = 0; row < height; row++) {
      const bytes = 4 * width;
      both.set(left.data.subarray(row * bytes, (row + 1) * bytes), 2 * row * bytes);
      both.set(right.data.subarray(row * bytes, (row + 1) * bytes), (2 * row + 1) * bytes);
    }
    const image: PixelImage = { data: both, width: 2 * width, height, channels: 4 };
    for (const [seconds, shift] of [
      [0, 0],
      [5, width],
    ]) {
      const points = pointsAt(seconds)
        .slice(0, 3)
        .map(({ x, y }) => ({ x: x + shift, y }));
      const set = await make({ pictures: [{ image, points }] });
      set.meanShape.forEach(({ x, y }) => {
        expect(Math.min(x, y)).toBeGreaterThan(0);
        expect(Math.max(x, y)).toBeLessThan(1);
      });
    }
    const across = [pointsAt(0)[0], pointsAt(0)[1], { ...pointsAt(5)[1], x: pointsAt(5)[1].x + width }];
    await expect(make({ pictures: [{ image, points: across }] })).rejects.toThrow(
      /Mark all points on one object|Say where it is by a box/,
    );
  });

  it('says what to do where no object is found, and takes a box instead', async () => {
    const points = [{ x: 20, y: 20 }];
    await expect(make({ pictures: [{ image: empty, points }] })).rejects.toThrow(
      /^pictures\[0\] \(320×240\): no blobs is found in it\. Say where it is by a box/,
    );
    const box = { left: 60, top: 40, right: 160, bottom: 140 };
    const set = await make({ pictures: [{ image: imageAt(0), points: [pointsAt(0)[2]], box }] });
    expect(set.meanShape[0].x).toBeCloseTo((pointsAt(0)[2].x - 110) / 160 + 0.5, 5);
    await expect(make({ pictures: [{ image: empty, points, box: { ...box, right: 60 } }] })).rejects.toThrow(
      /pictures\[0\]\.box .*left < right/,
    );
  });

  it('refuses what can be refused before it looks for anything', async () => {
    await expect(make({ pictures: [] })).rejects.toThrow(/pictures is an empty list/);
    await expect(make({ pictures: [{ image: empty, points: [{ x: -1, y: 3 }] }] })).rejects.toThrow(
      /pictures\[0\]\.points\[0\] is \(-1, 3\), outside/,
    );
  });

  const box = { left: 60, top: 40, right: 160, bottom: 140 };
  const dot = { x: 160, y: 120 };
  const far = { x: 300, y: 230 };
  // What callers without types may give, too.
  const withPoints = (points: unknown, more: object = {}): MarkedSet =>
    ({ pictures: [{ image: imageAt(0), points, ...more }] }) as MarkedSet;

  it.each<[string, () => unknown, RegExp]>([
    ['no pictures at all', () => ({}), /^pictures is missing\. Give a list/],
    ['an empty list of pictures', () => ({ pictures: [] }), /^pictures is an empty list\. Mark/],
    [
      'a picture that is none',
      () => ({ pictures: [null] }),
      /^pictures\[0\]\.points is missing\. Give a list/,
    ],
    ['an empty list of points', () => withPoints([]), /^pictures\[0\]\.points is an empty list\. Mark one/],
    ['points that are missing', () => withPoints(undefined), /^pictures\[0\]\.points is missing\. Give/],
    [
      'a point that is missing',
      () => withPoints([dot, undefined]),
      /^pictures\[0\]\.points\[1\] is missing\. Give \{ x, y \}.*null for a hidden one/,
    ],
    ['a number as a point', () => withPoints([5]), /^pictures\[0\]\.points\[0\] is 5\. Give \{ x, y \}/],
    [
      'a point that is not a number',
      () => withPoints([{ x: NaN, y: 5 }]),
      /^pictures\[0\]\.points\[0\] is \(NaN, 5\)\. Give pixels/,
    ],
    [
      '2,000 points without names',
      () => withPoints(Array.from({ length: 2000 }, () => dot)),
      /^pictures\[0\]\.points has 2000 landmarks but a set holds 500 at most\. Mark fewer/,
    ],
    [
      'a crossed-out name',
      () => ({ ...withPoints([dot, dot]), names: ['a', ' '] }),
      /^names\[1\] is " ", which is no name\. Name the landmark/,
    ],
    [
      'a picture of which every point is hidden',
      () => ({ pictures: [...withPoints([dot]).pictures, ...withPoints([null]).pictures] }),
      /^pictures\[1\]\.points are all null\. Mark one/,
    ],
    ['a point beside the only object', () => withPoints([far]), /points lie beside the .*by a box, or mark/],
    [
      'a box that is null',
      () => withPoints([dot], { box: null }),
      /^pictures\[0\]\.box is null\. Give \{ left/,
    ],
    [
      'a box that is not a number',
      () => withPoints([dot], { box: { ...box, left: NaN } }),
      /^pictures\[0\]\.box is from \(NaN, 40\).*Give left < right/,
    ],
    [
      'a point off its box',
      () => withPoints([{ x: 110, y: 90 }, far], { box }),
      /^pictures\[0\]\.points\[1\] lies off pictures\[0\]\.box\. Give the box/,
    ],
    [
      'a box outside of the picture',
      () => withPoints([dot], { box: { left: 900, top: 900, right: 990, bottom: 990 } }),
      /^pictures\[0\]\.points\[0\] lies off pictures\[0\]\.box/,
    ],
  ])('refuses %s by the name of the field, with the remedy', async (_, request, message) => {
    const error: unknown = await make(request() as MarkedSet).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).message).toMatch(message);
  });

  it('a page’s request is refused before a worker is asked', async () => {
    const client = undefined as unknown as Parameters<typeof createLandmarkSet>[0];
    const ask = (request: unknown): Promise<unknown> =>
      createLandmarkSet(client, request as LandmarkSetRequest).catch((reason: unknown) => reason);
    for (const [request, message] of [
      [{}, /^pictures is no list\. Give/],
      [{ pictures: [null] }, /^pictures\[0\] got null/],
      [{ pictures: [{ points: 3 }] }, /^pictures\[0\]\.points is no list/],
      [{ pictures: [{ pionts: [] }] }, /^pictures\[0\] has no option "pionts"/],
      [{ pictures: [], name: [] }, /has no option "name"/],
    ] as const) {
      const error = await ask(request);
      expect(error).toBeInstanceOf(InputError);
      expect((error as InputError).message).toMatch(message);
    }
  });

  it('without landmarks of its own a model needs three points', async () => {
    const pictures = [{ image: imageAt(0), points: pointsAt(0) }];
    const { set } = await createMarkedSet(undefined, { pictures }, { session: model });
    expect(set.anchors).toBeUndefined();
    await expect(
      createMarkedSet(
        undefined,
        { pictures: [{ image: imageAt(0), points: pointsAt(0).slice(0, 2) }] },
        { session: model },
      ),
    ).rejects.toThrow(/2 points, by which the object cannot be found/);
  });
});
