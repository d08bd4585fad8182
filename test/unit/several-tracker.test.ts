import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Roi } from '../../src/geometry/roi.ts';
import { openNodeModel } from '../../src/model/model-node.ts';
import type { Model } from '../../src/model/model.ts';
import type { PixelImage } from '../../src/pipeline/crop.ts';
import { FrameTracker } from '../../src/pipeline/frame-tracker.ts';
import { createPictureCropper } from '../../src/pipeline/picture-cropper.ts';
import type { TrackedObject } from '../../src/pipeline/result.ts';
import { SeveralTracker, type SeveralTrackerOptions } from '../../src/pipeline/several-tracker.ts';
import { blobLandmarks, writeBlobModel } from '../fixtures/blob-model.ts';
import { blobCenters, drawObjects, type DrawnObject } from '../fixtures/blob-scene.ts';

const [width, height] = [420, 240];

let folder = '';
let session: Model;
/** Crops in each run of the network so far. */
let batches: number[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blobs-'));
  await writeBlobModel(folder);
  const opened = await openNodeModel(folder, { threads: 1 });
  const counted = (image: Float32Array): void => {
    batches.push(image.length / (3 * opened.manifest.inputSize ** 2));
  };
  session = {
    ...opened,
    match: (image, references) => (counted(image), opened.match(image, references)),
    matchAndEmbed: (image, references) => (counted(image), opened.matchAndEmbed(image, references)),
  };
});
afterAll(async () => {
  await session.close();
  await rm(folder, { recursive: true });
});

const parts = () => ({
  ...{ model: session, cropper: createPictureCropper<PixelImage>(), landmarkSet: blobLandmarks },
});

const create = (
  options: Partial<SeveralTrackerOptions<PixelImage, Float32Array>> = {},
): SeveralTracker<PixelImage, Float32Array> => new SeveralTracker({ ...parts(), objects: 2, ...options });

const drawn = new Map<string, PixelImage>();

/** Drawn once: most of a test's frames are the same. */
const picture = (...objects: readonly DrawnObject[]): PixelImage => {
  const key = JSON.stringify(objects);
  const made: PixelImage = drawn.get(key) ?? {
    ...{ data: drawObjects(objects, width, height), width, height, channels: 4 },
  };
  drawn.set(key, made);
  return made;
};

const at = (x: number, y = 120, size = 150): Roi => ({ center: { x, y }, size, rotation: 0 });

const dark = [0, 0, 0] as const;
const light = [255, 255, 255] as const;
const left: DrawnObject = { roi: at(105), tint: dark };
const right: DrawnObject = { roi: at(315), tint: light };

/** Which of the objects is at a place. */
const objectAt = (objects: readonly TrackedObject[], x: number): TrackedObject | undefined =>
  objects.find(({ roi }) => Math.abs(roi.center.x - x) < 40);

/** Tracks until there are as many as asked for. */
const findAll = async (
  tracker: SeveralTracker<PixelImage, Float32Array>,
  shown: PixelImage,
  count: number,
): Promise<TrackedObject[]> => {
  for (let t = 0; t < 120; t++) {
    const { objects } = await tracker.step(shown, t / 30);
    if (objects.length === count) return objects;
  }
  throw new Error(`not ${count} objects in 120 frames`);
};

describe('a tracker of several objects', () => {
  it('finds both, and tells each as well as a tracker of one tells it alone', async () => {
    const several = create({ smoothing: false });
    const both = picture(left, right);
    await findAll(several, both, 2);
    const { objects } = await several.step(both, 5);
    for (const one of [left, right]) {
      const single = new FrameTracker({ ...parts(), smoothing: false });
      const alone = picture(one);
      await single.step(alone, 0);
      const { objects: told } = await single.step(alone, 0.03);
      const here = objectAt(objects, one.roi.center.x);
      blobCenters(one.roi).forEach(({ x, y }, n) => {
        const errors = [told[0], here].map((object) =>
          object === undefined ? NaN : Math.hypot(object.landmarks[n].x - x, object.landmarks[n].y - y),
        );
        expect(errors[1]).toBeLessThan(2);
        expect(Math.abs(errors[1] - errors[0])).toBeLessThan(1);
      });
    }
  });

  it('looks at all of them in one run of the network, and at nothing else once all are found', async () => {
    const tracker = create();
    const both = picture(left, right);
    await findAll(tracker, both, 2);
    batches = [];
    for (let t = 0; t < 5; t++) await tracker.step(both, 5 + t / 30);
    expect(batches).toEqual([2, 2, 2, 2, 2]);
  });

  it('searches beside those that are tracked, two looks a frame and the six of a trial at most', async () => {
    const tracker = create({ objects: 3 });
    const both = picture(left, right);
    await findAll(tracker, both, 2);
    batches = [];
    for (let t = 0; t < 60; t++) {
      batches = [];
      const { objects } = await tracker.step(both, 5 + t / 30);
      expect(objects.map(({ status }) => status)).toEqual(['tracking', 'tracking']);
      const [first, ...search] = batches;
      expect(first).toBe(2);
      expect(search.reduce((sum, looks) => sum + looks, 0)).toBeLessThanOrEqual(6);
    }
  });

  it('follows no more than it was asked for', async () => {
    const tracker = create({ objects: 1 });
    const both = picture(left, right);
    for (let t = 0; t < 40; t++) expect((await tracker.step(both, t / 30)).objects.length).toBeLessThan(2);
  });

  it('keeps the id of who stays and of who leaves for two seconds and comes back elsewhere', async () => {
    const tracker = create();
    const found = await findAll(tracker, picture(left, right), 2);
    const ids = [105, 315].map((x) => objectAt(found, x)?.id);
    for (let t = 0; t < 30; t++) await tracker.step(picture(left, right), 5 + t / 30);
    for (let t = 0; t < 60; t++) {
      const { objects } = await tracker.step(picture(left), 6 + t / 30);
      expect(objectAt(objects, 105)).toMatchObject({ status: 'tracking', id: ids[0] });
      if (t > 3) expect(objects.length).toBe(1);
    }
    const back = { ...right, roi: at(280, 110) };
    const again = await findAll(tracker, picture(left, back), 2);
    expect(again.map(({ id }) => id)).toEqual([...ids].sort());
    expect(objectAt(again, 280)?.id).toBe(ids[1]);
  });

  it('tells by their looks who is who, when two come back in each other’s place', async () => {
    const tracker = create();
    const found = await findAll(tracker, picture(left, right), 2);
    const ids = [105, 315].map((x) => objectAt(found, x)?.id);
    for (let t = 0; t < 30; t++) await tracker.step(picture(left, right), 5 + t / 30);
    for (let t = 0; t < 60; t++) await tracker.step(picture(), 6 + t / 30);
    const swapped = picture({ ...left, roi: right.roi }, { ...right, roi: left.roi });
    const again = await findAll(tracker, swapped, 2);
    expect([315, 105].map((x) => objectAt(again, x)?.id)).toEqual(ids);
  });

  it('keeps the ids while one passes in front of the other', async () => {
    const tracker = create();
    const found = await findAll(tracker, picture(left, right), 2);
    const ids = [105, 315].map((x) => objectAt(found, x)?.id);
    for (let t = 0; t < 30; t++) await tracker.step(picture(left, right), 5 + t / 30);
    for (let t = 0; t <= 60; t++) {
      const x = 105 + 3.5 * t;
      const { objects } = await tracker.step(
        picture({ ...right, roi: at(420 - x) }, { ...left, roi: at(x) }),
        6 + t / 30,
      );
      expect(objectAt(objects, x)?.id).toBe(ids[0]);
    }
    const passed = await findAll(tracker, picture({ ...right, roi: at(105) }, { ...left, roi: at(315) }), 2);
    expect([315, 105].map((x) => objectAt(passed, x)?.id)).toEqual(ids);
  });

  it('somebody new has an id that nobody had', async () => {
    const tracker = create();
    await findAll(tracker, picture(left), 1);
    for (let t = 0; t < 30; t++) await tracker.step(picture(left), 5 + t / 30);
    for (let t = 0; t < 20; t++) await tracker.step(picture(), 6 + t / 30);
    const [other] = await findAll(tracker, picture({ ...right, roi: at(230) }), 1);
    expect(other.id).toBe(2);
  });

  it('starts with what it is pointed at, and goes to what it is pointed at later', async () => {
    const both = picture(left, right);
    const tracker = create({ objects: 1 });
    tracker.follow({ ...right.roi, size: 180 });
    const { objects } = await tracker.step(both, 0);
    expect(objectAt(objects, 315)?.status).toBe('tracking');
    tracker.follow({ ...left.roi, size: 130 });
    await tracker.step(both, 0.03);
    const later = await tracker.step(both, 0.07);
    expect(later.objects).toHaveLength(1);
    expect(objectAt(later.objects, 105)?.status).toBe('tracking');
    const single = new FrameTracker(parts());
    single.follow(right.roi);
    expect(objectAt((await single.step(both, 0)).objects, 315)?.id).toBe(1);
    single.follow(left.roi);
    expect(objectAt((await single.step(both, 0.03)).objects, 105)?.id).toBe(2);
  });

  it('searches near a square that shows nothing', async () => {
    const tracker = create();
    tracker.follow(at(30, 30, 40));
    const found = await findAll(tracker, picture(left, right), 2);
    expect(found).toHaveLength(2);
  });

  it('changes its landmarks without losing anybody', async () => {
    const tracker = create();
    const both = picture(left, right);
    const before = await findAll(tracker, both, 2);
    const names = blobLandmarks.names.map((name) => `other-${name}`);
    tracker.setLandmarks({ ...blobLandmarks, names });
    const { objects } = await tracker.step(both, 5);
    expect(objects.map(({ id, status }) => ({ id, status }))).toEqual(
      before.map(({ id }) => ({ id, status: 'tracking' })),
    );
    expect(objects[1].landmarks[0].name).toBe('other-red');
  });

  it('one failed run does not fail the next', async () => {
    let fails = false;
    const tracker = create({
      model: {
        ...session,
        matchAndEmbed: (image, references) =>
          fails ? Promise.reject(new Error('device lost')) : session.matchAndEmbed(image, references),
      },
    });
    const both = picture(left, right);
    await findAll(tracker, both, 2);
    fails = true;
    await expect(tracker.step(both, 5)).rejects.toThrow('device lost');
    fails = false;
    expect((await tracker.step(both, 5.03)).objects).toHaveLength(2);
  });
});
