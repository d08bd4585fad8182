import { ClosedError, InputError, Tracker } from 'dve-sdk';
import { followField } from 'dve-sdk/pictures';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blobCenters, blobRadius, sceneRoi } from '../../fixtures/blob-scene.ts';
import { height, model, sceneImage, times, width } from '../scene.ts';
import { describeOn } from './on-devices.ts';

describeOn(['wasm', 'webgpu'], 'the correspondence of live frames', (device) => {
  let tracker: Tracker;
  beforeAll(async () => {
    tracker = await Tracker.create({ model, device });
  });
  afterAll(() => tracker.close());

  test('takes places of the reference to where they are in the last frame', async () => {
    const from = sceneRoi(0, width, height);
    const dense = await tracker.correspondence({ picture: sceneImage(0), roi: from });
    expect(await dense.fields()).toEqual([]);
    for (const seconds of times(12)) await tracker.step(sceneImage(seconds), seconds);
    const seconds = 0.8;
    const result = await tracker.step(sceneImage(seconds), seconds);
    const [{ id, timestamp, field }] = await dense.fields();
    expect([id, timestamp]).toEqual([result.objects[0].id, seconds]);
    expect(field.from).toEqual(from);
    expect(field.to).toEqual(result.objects[0].roi);
    const to = sceneRoi(seconds, width, height);
    const truth = blobCenters(to);
    blobCenters(from).forEach((center, n) => {
      const found = followField(field, center);
      if (found === undefined) throw new Error('outside of the field');
      // A disc is of one colour, and any of its places as good as another.
      expect(Math.hypot(found.x - truth[n].x, found.y - truth[n].y)).toBeLessThan(blobRadius * to.size);
    });
    await dense.close();
    await dense.close();
    await expect(dense.fields()).rejects.toThrow(ClosedError);
    await tracker.step(sceneImage(0.84), 0.84);
  });

  test('finds the object in the reference by itself', async () => {
    const dense = await tracker.correspondence(sceneImage(0.2));
    await tracker.step(sceneImage(0.88), 0.88);
    expect(await dense.fields()).toHaveLength(1);
    await dense.close();
  });

  // A search in vain runs the network often, which takes long where a GPU is only imitated.
  test.runIf(device === 'wasm')('says so where the reference shows no object', async () => {
    const empty = new ImageData(width, height);
    await expect(tracker.correspondence(empty)).rejects.toThrow('no blobs is found in the reference picture');
    await expect(tracker.correspondence(sceneImage(0), { tolerance: -1 })).rejects.toThrow(InputError);
  });
});
