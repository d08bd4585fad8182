import { InputError, Tracker, type TrackedObject } from 'dve-sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Roi } from '../../../src/geometry/roi.ts';
import { blobCenters, drawObjects, type DrawnObject } from '../../fixtures/blob-scene.ts';
import { model } from '../scene.ts';
import { describeOn } from './on-devices.ts';

const [width, height] = [420, 240];
const at = (x: number): Roi => ({ center: { x, y: 120 }, size: 150, rotation: 0 });
const left: DrawnObject = { roi: at(105), tint: [0, 0, 0] };
const right: DrawnObject = { roi: at(315), tint: [255, 255, 255] };

const drawn = new Map<string, ImageData>();
const picture = (...objects: readonly DrawnObject[]): ImageData => {
  const key = JSON.stringify(objects);
  const made = drawn.get(key) ?? new ImageData(drawObjects(objects, width, height), width, height);
  drawn.set(key, made);
  return made;
};

describeOn(['wasm', 'webgpu'], 'a Tracker of several objects', (device) => {
  let tracker: Tracker;
  beforeAll(async () => {
    tracker = await Tracker.create({ model, device, objects: 2 });
  });
  afterAll(() => tracker.close());

  const track = async (shown: ImageData, count: number, start: number): Promise<TrackedObject[]> => {
    for (let t = 0; t < 120; t++) {
      const { objects } = await tracker.step(shown, start + t / 30);
      if (objects.length === count && objects.every(({ status }) => status === 'tracking')) return objects;
    }
    throw new Error(`not ${count} objects in 120 frames`);
  };

  test('tells both where they are, and knows who comes back', async () => {
    const both = await track(picture(left, right), 2, 0);
    const idsByPlace = (objects: readonly TrackedObject[]): number[] =>
      [...objects].sort((a, b) => a.roi.center.x - b.roi.center.x).map(({ id }) => id);
    for (const [n, { roi }] of [left, right].entries()) {
      const object = both.find(({ id }) => id === idsByPlace(both)[n]);
      blobCenters(roi).forEach(({ x, y }, index) => {
        const raw = object?.landmarks[index].raw;
        expect(Math.hypot((raw?.x ?? NaN) - x, (raw?.y ?? NaN) - y)).toBeLessThan(2);
      });
    }
    for (let t = 0; t < 12; t++) await tracker.step(picture(left, right), 4 + t / 30);
    const alone = await track(picture(left), 1, 5);
    expect(alone[0].id).toBe(idsByPlace(both)[0]);
    expect(idsByPlace(await track(picture(left, right), 2, 7))).toEqual(idsByPlace(both));
  });

  test('goes to where it is pointed at', async () => {
    const one = await Tracker.create({ model, device, roi: { ...right.roi, size: 180 } });
    try {
      expect((await one.step(picture(left, right), 0)).objects[0].roi.center.x).toBeGreaterThan(210);
      await one.follow(left.roi);
      expect((await one.step(picture(left, right), 0.03)).objects[0].roi.center.x).toBeLessThan(210);
      await expect(one.follow({ ...left.roi, size: NaN })).rejects.toThrow(InputError);
    } finally {
      await one.close();
    }
  });

  test.each([0, 17, 1.5, NaN])('%s objects are refused with the remedy', async (objects) => {
    await expect(Tracker.create({ model, device, objects })).rejects.toThrow('whole number from 1 to 16');
  });
});
