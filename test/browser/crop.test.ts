import { describe, expect, test } from 'vitest';
import { createPlaneCropper, touchedRect } from '../../src/pipeline/frame-planes.ts';
import { cropSize, difference, expectedCrops, formats, makeFrame, squares } from './crop-cases.ts';

const size = { width: 128, height: 96 };
const cropper = createPlaneCropper();

describe('cropping the planes of a VideoFrame', () => {
  test.each(formats)('a frame in %s gives the same crops as its picture', async (format) => {
    const frame = makeFrame(format, size);
    const crops = await cropper.crop(frame, squares, cropSize);
    frame.close();
    const { max, mean } = difference(crops, expectedCrops(size));
    expect(max).toBeLessThan(format.endsWith('A') ? 1e-5 : 0.04);
    expect(mean).toBeLessThan(format.endsWith('A') ? 1e-6 : 0.006);
  });

  test.each([1, 2, 3])('a frame turned by %i quarters is cropped as it is shown', async (quarters) => {
    const frame = makeFrame('RGBA', size, { rotation: 90 * quarters });
    const crops = await cropper.crop(frame, squares, cropSize);
    frame.close();
    expect(difference(crops, expectedCrops(size, quarters)).max).toBeLessThan(1e-4);
  });

  test('a mirrored frame is cropped as it is shown', async () => {
    const frame = makeFrame('RGBA', size, { flip: true });
    const [whole] = [{ center: { x: 64, y: 48 }, size: 90, rotation: 0 }];
    const mirrored = new Float32Array(await cropper.crop(frame, [whole], cropSize));
    frame.close();
    const plain = makeFrame('RGBA', size);
    const crop = await cropper.crop(plain, [whole], cropSize);
    plain.close();
    const unmirrored = mirrored.map((_, i) => mirrored[i - (i % cropSize) + (cropSize - 1 - (i % cropSize))]);
    expect(difference(unmirrored, crop).max).toBeLessThan(0.02);
  });

  test('a frame of oblong pixels is cropped in the size that it is shown in', async () => {
    const frame = makeFrame('I420', size, { displayWidth: 256, displayHeight: 96 });
    expect(cropper.frameSize(frame)).toEqual({ width: 256, height: 96 });
    const wide = new Float32Array(
      await cropper.crop(frame, [{ center: { x: 128, y: 48 }, size: 2, rotation: 0 }], cropSize),
    );
    frame.close();
    const plain = makeFrame('I420', size);
    const crop = await cropper.crop(plain, [{ center: { x: 64, y: 48 }, size: 1, rotation: 0 }], cropSize);
    plain.close();
    expect(difference(wide, crop).mean).toBeLessThan(0.03);
  });

  test('only the touched rectangle is read, on even corners, with the border where a square lies outside', () => {
    expect(touchedRect([{ center: { x: 61, y: 40 }, size: 20, rotation: 0 }], size)).toEqual({
      x: 48,
      y: 28,
      width: 26,
      height: 24,
    });
    expect(touchedRect([{ center: { x: 500, y: -500 }, size: 20, rotation: 0 }], size)).toEqual({
      x: 126,
      y: 0,
      width: 2,
      height: 2,
    });
  });
});
