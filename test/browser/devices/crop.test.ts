import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGpuDevice } from '../../../src/model/gpu-device.ts';
import { createGpuCropper, type GpuImage } from '../../../src/pipeline/crop-gpu.ts';
import type { Cropper } from '../../../src/pipeline/cropper.ts';
import { createPlaneCropper, touchedRect } from '../../../src/pipeline/frame-planes.ts';
import { trackProcessor } from '../../../src/sources/media-stream.ts';
import { cropSize, difference, expectedCrops, formats, makeFrame, squares } from '../crop-cases.ts';
import { describeOn } from './on-devices.ts';

const size = { width: 128, height: 96 };
/** Copies a GPU buffer to the CPU. */
const readBack = async (device: GPUDevice, { buffer, dims }: GpuImage): Promise<Float32Array> => {
  const bytes = dims.reduce((product, dim) => product * dim) * Float32Array.BYTES_PER_ELEMENT;
  const staging = device.createBuffer({
    size: bytes,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
  try {
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, bytes);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    return new Float32Array(staging.getMappedRange().slice(0));
  } finally {
    staging.destroy();
  }
};

/** A cropper whose crops come back to the CPU, wherever it cuts. */
type OpenCropper = Cropper<VideoFrame, Float32Array> & { close(): void };

const onCpu = (): OpenCropper => ({ ...createPlaneCropper(), close: () => undefined });

const onGpu = async (): Promise<OpenCropper> => {
  const { device } = await openGpuDevice();
  const cropper = createGpuCropper(device);
  return {
    ...cropper,
    crop: async (...given) => readBack(device, await cropper.crop(...given)),
    close: () => {
      cropper.close();
      device.destroy();
    },
  };
};

/** A float keeps what a texture of 8 bits rounds. */
const tolerances = {
  cpu: { max: 1e-5, mean: 1e-6, turned: 1e-4 },
  webgpu: { max: 0.01, mean: 0.002, turned: 0.01 },
};

describeOn(['cpu', 'webgpu'], 'cropping a VideoFrame', (device) => {
  const tolerance = tolerances[device];
  let cropper: OpenCropper;

  beforeAll(async () => {
    cropper = device === 'cpu' ? onCpu() : await onGpu();
  });
  afterAll(() => {
    cropper.close();
  });

  test.each(formats)('a frame in %s gives the same crops as its picture', async (format) => {
    const frame = makeFrame(format, size);
    const crops = await cropper.crop(frame, squares, cropSize);
    frame.close();
    const { max, mean } = difference(crops, expectedCrops(size));
    expect(max).toBeLessThan(format.endsWith('A') ? tolerance.max : 0.04);
    expect(mean).toBeLessThan(format.endsWith('A') ? tolerance.mean : 0.006);
  });

  test.each([1, 2, 3])('a frame turned by %i quarters is cropped as it is shown', async (quarters) => {
    const frame = makeFrame('RGBA', size, { rotation: 90 * quarters });
    const crops = await cropper.crop(frame, squares, cropSize);
    frame.close();
    expect(difference(crops, expectedCrops(size, quarters)).max).toBeLessThan(tolerance.turned);
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

  test('a camera frame, which does not say how it means colours, is cropped as its planes are', async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ video: true });
    const [track] = stream.getVideoTracks();
    const Processor = trackProcessor();
    if (Processor === undefined) throw new Error('this browser has no MediaStreamTrackProcessor');
    const { value: frame } = await new Processor({ track }).readable.getReader().read();
    track.stop();
    if (frame === undefined) throw new Error('the fake camera gave no frame');
    const crops = await cropper.crop(frame, squares, cropSize);
    const planes = await createPlaneCropper().crop(frame, squares, cropSize);
    frame.close();
    const { max, mean } = difference(crops, planes);
    expect(max).toBeLessThan(0.04);
    expect(mean).toBeLessThan(0.005);
  });
});

describe('the planes of a VideoFrame', () => {
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
