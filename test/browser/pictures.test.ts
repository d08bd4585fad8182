import { InputError, Tracker } from 'dve-sdk';
import {
  correspond,
  createLandmarkSet,
  discoverLandmarks,
  followField,
  parseLandmarkSet,
  serializeLandmarkSet,
} from 'dve-sdk/pictures';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blobCenters, sceneRoi } from '../fixtures/blob-scene.ts';
import { height, model, sceneCanvas, sceneFrame, sceneImage, width } from './scene.ts';

const options = { model, device: 'wasm' } as const;
const centersAt = (seconds: number) => blobCenters(sceneRoi(seconds, width, height));

describe('landmarks of one’s own', () => {
  test('one click on one picture, written to a file and read, is tracked in others', async () => {
    const points = [centersAt(0)[3]];
    const made = await createLandmarkSet({ ...options, pictures: [{ picture: sceneImage(0), points }] });
    expect(made.names).toEqual(['point 1']);
    const landmarks = parseLandmarkSet(serializeLandmarkSet(made));
    const tracker = await Tracker.create({ ...options, landmarks, smoothing: false, searchBudget: 60 });
    try {
      const result = await tracker.step(sceneImage(4), 0);
      if (result.status !== 'tracking') throw new Error(result.status);
      const { raw } = result.landmarks[0];
      const truth = centersAt(4)[3];
      expect(Math.hypot(raw.x - truth.x, raw.y - truth.y)).toBeLessThan(2);
    } finally {
      await tracker.close();
    }
  });
});

describe('landmarks that nobody clicked', () => {
  const moments = [0, 0.9, 1.8, 2.7, 3.6, 4.5];

  test('lie on what the network finds again in every picture', async () => {
    const empty = new ImageData(new Uint8ClampedArray(width * height * 4).fill(128), width, height);
    const pictures = [...moments.map(sceneImage), empty];
    const { landmarks, points, found } = await discoverLandmarks(pictures, { ...options, count: 5 });
    expect(landmarks.names).toEqual(['place 1', 'place 2', 'place 3', 'place 4', 'place 5']);
    expect(points.map((places) => places?.length)).toEqual([...moments.map(() => 5), undefined]);
    expect(found).toBeGreaterThan(0.8);
    // Nothing but the discs differs from the grey around.
    moments.forEach((seconds, picture) => {
      const { size } = sceneRoi(seconds, width, height);
      for (const place of points[picture] ?? []) {
        const distances = centersAt(seconds).map(({ x, y }) => Math.hypot(x - place.x, y - place.y));
        expect(Math.min(...distances)).toBeLessThan(0.1 * size);
      }
    });
  });

  test('what cannot be found is refused by its name', async () => {
    const pictures = moments.slice(0, 3).map(sceneImage);
    await expect(discoverLandmarks(pictures, { ...options, count: 5 })).rejects.toThrow('3 pictures show');
    await expect(discoverLandmarks(pictures, { ...options, count: 2 })).rejects.toThrow('count is 2');
    await expect(discoverLandmarks(pictures, { ...options, count: 5, rounds: -1 })).rejects.toThrow(
      InputError,
    );
  });
});

describe('a Tracker at work on pictures', () => {
  let tracker: Tracker;
  beforeAll(async () => {
    tracker = await Tracker.create(options);
  });
  afterAll(() => tracker.close());

  test('finds places of one picture in another, and goes on tracking', async () => {
    const points = centersAt(0);
    const frame = sceneFrame(0);
    // Discs of one colour on one colour: every cell of a disc is matched with its middle, none evenly with the ground.
    const found = await tracker.correspond(frame, sceneCanvas(4), { points, roughness: 1 });
    expect(frame.format).toBeNull();
    found.points.forEach(({ x, y, mutual }, n) => {
      const truth = centersAt(4)[n];
      expect(Math.hypot(x - truth.x, y - truth.y)).toBeLessThan(4);
      expect(mutual).toBe(true);
    });
    expect(followField(found.field, points[2])).toBeDefined();
    expect(await tracker.step(sceneFrame(0))).toMatchObject({ width });
  });

  test('what cannot be used is refused by its name, and the next call works', async () => {
    const picture = sceneImage(0);
    await expect(tracker.createLandmarkSet({ pictures: [] })).rejects.toThrow(InputError);
    await expect(
      tracker.createLandmarkSet({ pictures: [{ picture, points: [{ x: -4, y: 2 }] }] }),
    ).rejects.toThrow(/pictures\[0\]\.points\[0\] is \(-4, 2\), outside/);
    const grey = new ImageData(new Uint8ClampedArray(width * height * 4).fill(128), width, height);
    await expect(
      tracker.createLandmarkSet({ pictures: [{ picture: grey, points: [{ x: 4, y: 2 }] }] }),
    ).rejects.toThrow(/no blobs is found in it\. Say where it is by a box/);
    await expect(tracker.correspond(picture, grey)).rejects.toThrow(
      /no blobs is found in the second picture/,
    );
    await expect(tracker.correspond(picture, picture, { points: [{ x: width + 1, y: 2 }] })).rejects.toThrow(
      /points\[0\] is \(321, 2\), outside of the first picture of 320×240/,
    );
    const flat = { center: { x: 9, y: 9 }, size: 0, rotation: 0 };
    await expect(tracker.correspond({ picture, roi: flat }, picture)).rejects.toThrow(
      /roi of the first picture .*size 0/,
    );
    await expect(tracker.correspond(picture, picture, { pyramid: [] })).rejects.toThrow(/pyramid is \[\]/);
    await expect(tracker.correspond(picture, picture, { tolerence: 1 } as object)).rejects.toThrow(
      /correspond\(\) has no option "tolerence"/,
    );
    const roi = sceneRoi(0, width, height);
    const { field } = await tracker.correspond({ picture, roi }, { picture, roi });
    expect(field.from).toEqual(roi);
  });

  test('without a tracker', async () => {
    const { points } = await correspond(sceneImage(1), sceneImage(2), {
      ...options,
      points: [centersAt(1)[0]],
    });
    const truth = centersAt(2)[0];
    expect(Math.hypot(points[0].x - truth.x, points[0].y - truth.y)).toBeLessThan(4);
  });
});
