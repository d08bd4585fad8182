import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGpuDevice } from '../../src/model/gpu-device.ts';
import { createGpuCropper, type GpuImage } from '../../src/pipeline/crop-gpu.ts';
import { createPlaneCropper } from '../../src/pipeline/frame-planes.ts';
import { cropSize, difference, expectedCrops, formats, makeFrame, squares } from './crop-cases.ts';

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

describe('cropping a VideoFrame on the GPU', () => {
  let device: GPUDevice;
  let cropper: ReturnType<typeof createGpuCropper>;

  beforeAll(async () => {
    device = (await openGpuDevice()).device;
    cropper = createGpuCropper(device);
  });
  afterAll(() => {
    cropper.close();
    device.destroy();
  });

  test.each(formats)('a frame in %s gives the same crops as its picture', async (format) => {
    const frame = makeFrame(format, size);
    const crops = await readBack(device, await cropper.crop(frame, squares, cropSize));
    frame.close();
    const { max, mean } = difference(crops, expectedCrops(size));
    expect(max).toBeLessThan(format.endsWith('A') ? 0.01 : 0.04);
    expect(mean).toBeLessThan(format.endsWith('A') ? 0.002 : 0.006);
  });

  test.each([1, 2, 3])('a frame turned by %i quarters is cropped as it is shown', async (quarters) => {
    const frame = makeFrame('RGBA', size, { rotation: 90 * quarters });
    const crops = await readBack(device, await cropper.crop(frame, squares, cropSize));
    frame.close();
    expect(difference(crops, expectedCrops(size, quarters)).max).toBeLessThan(0.01);
  });

  test('a camera frame, which does not say how it means colours, is cropped as on the CPU', async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ video: true });
    const [track] = stream.getVideoTracks();
    const Processor = globalThis.MediaStreamTrackProcessor;
    if (Processor === undefined) throw new Error('this browser has no MediaStreamTrackProcessor');
    const { value: frame } = await new Processor({ track }).readable.getReader().read();
    track.stop();
    if (frame === undefined) throw new Error('the fake camera gave no frame');
    const crops = await readBack(device, await cropper.crop(frame, squares, cropSize));
    const onCpu = await createPlaneCropper().crop(frame, squares, cropSize);
    frame.close();
    const { max, mean } = difference(crops, onCpu);
    expect(max).toBeLessThan(0.04);
    expect(mean).toBeLessThan(0.005);
  });
});
