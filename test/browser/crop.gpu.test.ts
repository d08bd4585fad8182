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

/** Pearson's. */
const correlation = (a: Float32Array, b: Float32Array): number => {
  const mean = (values: Float32Array): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((value, i) => {
    ab += (value - meanA) * (b[i] - meanB);
    aa += (value - meanA) ** 2;
    bb += (b[i] - meanB) ** 2;
  });
  return ab / Math.sqrt(aa * bb);
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

  test.each(formats)('the brightness of a frame in %s is that of its crop', async (format) => {
    const frame = makeFrame(format, size);
    for (const cropper of [createGpuCropper(device), createPlaneCropper()]) {
      // Twice: the buffer that is read back must be free again.
      await cropper.gray?.(frame, squares[1], cropSize);
      const gray = await cropper.gray?.(frame, squares[0], cropSize);
      const color = expectedCrops(size);
      const plane = cropSize * cropSize;
      const wanted = Float32Array.from({ length: plane }, (_, i) => {
        return 0.299 * color[i] + 0.587 * color[i + plane] + 0.114 * color[i + 2 * plane];
      });
      const found = Float32Array.from(gray?.data ?? [], (value) => value / 255);
      // Planes of a camera have 219 steps from black to white.
      expect(correlation(found, wanted)).toBeGreaterThan(0.99);
    }
    frame.close();
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
