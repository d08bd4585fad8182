import { InputError, ModelError } from 'dve-sdk';
import { createFaceFinder, type FaceFinderOptions } from 'dve-sdk/mediapipe';
import { describe, expect, inject, test } from 'vitest';

const facePicture = inject('facePicture');
const data = '/.cache/fixtures/data/';
const library = '/node_modules/@mediapipe/tasks-vision/';

const options: FaceFinderOptions = {
  library: `${library}vision_bundle.mjs`,
  wasm: `${library}wasm/`,
  model: `${data}blaze_face_short_range.tflite`,
};

/** A frame of 640×480 with the picture of a face (256×256), turned about its centre. @param rotation radians */
const frameWithFace = async (center: { x: number; y: number }, rotation: number): Promise<VideoFrame> => {
  const response = await fetch(`${data}${String(facePicture)}`);
  const picture = await createImageBitmap(await response.blob());
  const canvas = new OffscreenCanvas(640, 480);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('no 2D context');
  context.fillStyle = '#667';
  context.fillRect(0, 0, 640, 480);
  context.translate(center.x, center.y);
  context.rotate(rotation);
  context.drawImage(picture, -128, -128);
  return new VideoFrame(canvas, { timestamp: 0 });
};

describe.skipIf(facePicture === undefined)("MediaPipe's face detector (needs DVE_DATA)", () => {
  test.each([0, 0.4, -0.3])('gives the square of a face that is turned by %d', async (rotation) => {
    using finder = await createFaceFinder(options);
    const center = { x: 350, y: 230 };
    const frame = await frameWithFace(center, rotation);
    const roi = await finder.step(frame, { width: 640, height: 480 });
    frame.close();
    if (roi === undefined) throw new Error('no face found');
    // The pictures are cut so that the face is about in the middle.
    expect(Math.hypot(roi.center.x - center.x, roi.center.y - center.y)).toBeLessThan(45);
    expect(roi.size).toBeGreaterThan(170);
    expect(roi.size).toBeLessThan(380);
    expect(Math.abs(roi.rotation - rotation)).toBeLessThan(0.15);
  });

  test('gives nothing where there is no face', async () => {
    using finder = await createFaceFinder(options);
    const canvas = new OffscreenCanvas(64, 64);
    canvas.getContext('2d')?.fillRect(0, 0, 64, 64);
    const frame = new VideoFrame(canvas, { timestamp: 0 });
    expect(await finder.step(frame, { width: 64, height: 64 })).toBeUndefined();
    frame.close();
  });
});

describe('a face finder', () => {
  test('whose library is not there says which path to check', async () => {
    const created = createFaceFinder({ ...options, library: '/nowhere/vision_bundle.mjs' });
    await expect(created).rejects.toThrow(ModelError);
    await expect(created).rejects.toThrow('vision_bundle.mjs');
  });

  test('refuses options that do not exist or fit', async () => {
    await expect(createFaceFinder({ ...options, minScore: 2 })).rejects.toThrow(InputError);
    // A caller without types.
    await expect(createFaceFinder({ ...options, speed: 1 } as FaceFinderOptions)).rejects.toThrow('"speed"');
  });
});
