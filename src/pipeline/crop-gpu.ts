import { cropToImage, type Roi } from '../geometry/roi.ts';
import { supersampling } from './crop-pixels.ts';
import cropShader from './crop.wgsl';
import type { Cropper } from './cropper.ts';
import { frameSize } from './frame-size.ts';

/** (B, 3, S, S) planar RGB, 0–1, in the memory of the GPU; valid until the next crop. */
export type GpuImage = {
  buffer: GPUBuffer;
  dims: [batch: number, channels: 3, height: number, width: number];
};

export type GpuCropper = Cropper<VideoFrame, GpuImage> & { close(): void };

/** Bytes of one `Square` of crop.wgsl. */
const squareBytes = 32;
const workgroupSide = 8;

/** What crop.wgsl needs to know of each square, as it lies in memory there. */
const packSquares = (rois: readonly Roi[], cropSize: number, width: number, height: number): ArrayBuffer => {
  const bytes = new ArrayBuffer(rois.length * squareBytes);
  rois.forEach((roi, index) => {
    const perPixel = supersampling(roi.size, cropSize);
    const half = 0.5 / perPixel;
    const origin = cropToImage({ x: half, y: half }, roi, cropSize);
    const step = roi.size / cropSize / perPixel;
    const floats = new Float32Array(bytes, index * squareBytes, 8);
    floats.set([origin.x, origin.y, step * Math.cos(roi.rotation), step * Math.sin(roi.rotation)]);
    new Uint32Array(bytes, index * squareBytes, 8).set([perPixel, cropSize], 4);
    floats.set([width, height], 6);
  });
  return bytes;
};

/** A buffer that is made anew, larger, when it no longer suffices. */
const growingBuffer = (device: GPUDevice, label: string, usage: GPUBufferUsageFlags) => {
  let buffer: GPUBuffer | undefined;
  return {
    atLeast: (bytes: number): GPUBuffer => {
      if (buffer === undefined || buffer.size < bytes) {
        buffer?.destroy();
        buffer = device.createBuffer({ label, size: bytes, usage });
      }
      return buffer;
    },
    destroy: (): void => {
      buffer?.destroy();
    },
  };
};

/** Crops VideoFrames on a WebGPU device. The twin of `cropToTensor`. No pixel comes to the CPU. */
export const createGpuCropper = (device: GPUDevice): GpuCropper => {
  const module = device.createShaderModule({ label: 'crop', code: cropShader });
  const pipeline = device.createComputePipeline({ label: 'crop', layout: 'auto', compute: { module } });
  const layout = pipeline.getBindGroupLayout(0);
  const sampler = device.createSampler({ magFilter: 'linear', minFilter: 'linear' });
  const squares = growingBuffer(device, 'crop squares', GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST);
  const tensor = growingBuffer(device, 'crop tensor', GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);

  return {
    frameSize,
    crop: (frame, rois, cropSize) => {
      const { width, height } = frameSize(frame);
      const packed = packSquares(rois, cropSize, width, height);
      const squareBuffer = squares.atLeast(packed.byteLength);
      const bytes = rois.length * 3 * cropSize * cropSize * Float32Array.BYTES_PER_ELEMENT;
      const buffer = tensor.atLeast(bytes);
      device.queue.writeBuffer(squareBuffer, 0, packed);
      const bindGroup = device.createBindGroup({
        layout,
        entries: [
          { binding: 0, resource: device.importExternalTexture({ source: frame }) },
          { binding: 1, resource: sampler },
          { binding: 2, resource: { buffer: squareBuffer } },
          { binding: 3, resource: { buffer, size: bytes } },
        ],
      });
      const encoder = device.createCommandEncoder({ label: 'crop' });
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      const groups = Math.ceil(cropSize / workgroupSide);
      pass.dispatchWorkgroups(groups, groups, rois.length);
      pass.end();
      device.queue.submit([encoder.finish()]);
      return { buffer, dims: [rois.length, 3, cropSize, cropSize] };
    },
    close: () => {
      squares.destroy();
      tensor.destroy();
    },
  };
};
