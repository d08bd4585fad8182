import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseLandmarkSet } from '../../src/landmarks/landmark-set.ts';
import { readModelDirectory } from '../../src/model/model-directory-node.ts';
import { openNodeModel } from '../../src/model/model-node.ts';
import type { Model } from '../../src/model/model.ts';
import { cropToGray, type PixelImage } from '../../src/pipeline/crop.ts';
import { MotionFollower } from '../../src/pipeline/motion-follower.ts';
import { FrameTracker } from '../../src/pipeline/frame-tracker.ts';
import { createPictureCropper } from '../../src/pipeline/picture-cropper.ts';
import { writeBlobModel } from '../fixtures/blob-model.ts';
import { blobCenters, drawScene, sceneRoi } from '../fixtures/blob-scene.ts';

const [width, height] = [320, 240];

let folder = '';
let session: Model;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blobs-'));
  await writeBlobModel(folder);
  session = await openNodeModel(folder, { threads: 1 });
});
afterAll(async () => {
  await session.close();
  await rm(folder, { recursive: true });
});

const createTracker = async () => {
  const { contents } = await readModelDirectory(folder);
  return new FrameTracker<PixelImage, Float32Array>({
    model: session,
    cropper: createPictureCropper(),
    motion: () => new MotionFollower(cropToGray),
    landmarkSet: parseLandmarkSet(new TextDecoder().decode(contents.landmarks)),
  });
};

describe('a tracker with a real network on real pixels', () => {
  it('finds the drawn object and stays on it to the pixel', async () => {
    const tracker = await createTracker();
    let tracked = 0;
    for (let frame = 0; frame < 40; frame++) {
      const seconds = frame / 30;
      const roi = sceneRoi(seconds, width, height);
      const picture: PixelImage = { data: drawScene(roi, width, height), width, height, channels: 4 };
      const result = await tracker.step(picture, seconds);
      if (result.status !== 'tracking') continue;
      tracked++;
      blobCenters(roi).forEach(({ x, y }, index) => {
        const { raw, x: followedX, y: followedY, visible } = result.landmarks[index];
        expect(Math.hypot(raw.x - x, raw.y - y)).toBeLessThan(2);
        // With motion: no lag behind an object that moves.
        expect(Math.hypot(followedX - x, followedY - y)).toBeLessThan(2);
        expect(visible).toBe(true);
      });
    }
    expect(tracked).toBeGreaterThan(35);
  });

  it('sees nothing in an empty picture', async () => {
    const tracker = await createTracker();
    const picture: PixelImage = {
      data: new Uint8Array(width * height * 3).fill(128),
      width,
      height,
      channels: 3,
    };
    for (let frame = 0; frame < 10; frame++) {
      expect((await tracker.step(picture, frame / 30)).status).toBe('searching');
    }
  });
});
