import type { Roi } from '../geometry/roi.ts';
import type { Manifest } from '../model/manifest.ts';
import {
  createModel,
  createModelOf,
  type Model,
  type ModelDevice,
  type ModelGeometry,
  type ModelPrecision,
  type NetworkFile,
} from '../model/model.ts';
import { runtimeOn, type WebRuntime } from '../model/model-web.ts';
import { createGpuCropper, type GpuImage } from '../pipeline/crop-gpu.ts';
import type { Cropper } from '../pipeline/cropper.ts';
import { createPlaneCropper } from '../pipeline/frame-planes.ts';
import { FrameTracker, type FrameTrackerOptions } from '../pipeline/frame-tracker.ts';

/** What tracks, once it is known where the network runs. */
export type TrackerParts = Omit<FrameTrackerOptions<VideoFrame, never>, 'model' | 'cropper'>;

/** The part of a FrameTracker that does not show where the network runs. */
export type VideoTracker = Pick<
  FrameTracker<VideoFrame, never>,
  'step' | 'reset' | 'setSmoothing' | 'timing'
>;

/** A model on a device, with the way in which frames get there. */
export type Engine = {
  readonly device: ModelDevice;
  readonly precision: ModelPrecision;
  readonly manifest: ModelGeometry;
  /** The same model for pictures in memory. */ readonly model: Model;
  createTracker(parts: TrackerParts): VideoTracker;
  /** One square of a frame. @returns (1, C, H, W) unit vectors */
  embedSquare(frame: VideoFrame, roi: Roi): Promise<Float32Array>;
  /** One square of a frame against references: a whole frame's work. @returns (1, N, 3) */
  matchSquare(frame: VideoFrame, roi: Roi, references: Float32Array): Promise<Float32Array>;
  /** Settles when the device is lost, with the reason; never for wasm. */
  readonly lost: Promise<string>;
  close(): Promise<void>;
};

const assemble = <Input>(
  model: Model<Input | Float32Array>,
  cropper: Cropper<VideoFrame, Input>,
): Omit<Engine, 'lost' | 'close'> => {
  const { device, precision, manifest } = model;
  const cut = async (frame: VideoFrame, roi: Roi): Promise<Input> =>
    cropper.crop(frame, [roi], manifest.inputSize);
  return {
    ...{ device, precision, manifest, model },
    createTracker: (parts) => new FrameTracker({ ...parts, model, cropper }),
    embedSquare: async (frame, roi) => model.embed(await cut(frame, roi)),
    matchSquare: async (frame, roi, references) => model.match(await cut(frame, roi), references),
  };
};

const networkFile = (manifest: Manifest, bytes: ArrayBuffer, precision: ModelPrecision): NetworkFile => {
  const { model, int8 } = manifest.files;
  return { manifest, bytes, precision, where: (precision === 'int8' ? int8 : model)?.name ?? precision };
};

/** @throws ModelError when the file is not a network or does not fit its manifest */
export const createWasmEngine = async (
  runtime: WebRuntime,
  manifest: Manifest,
  bytes: ArrayBuffer,
  precision: ModelPrecision,
): Promise<Engine> => {
  const model = await createModel(runtimeOn(runtime), networkFile(manifest, bytes, precision));
  return {
    ...assemble(model, createPlaneCropper()),
    lost: new Promise(() => undefined),
    close: () => model.close(),
  };
};

/**
 * The network on WebGPU. A frame's pixels stay in the memory of the GPU; (N, 3) numbers come back.
 * @param device becomes the engine's: it is destroyed with it, and when the engine cannot be made
 * @throws ModelError when the file is not a network or does not fit its manifest
 */
export const createGpuEngine = async (
  runtime: WebRuntime,
  manifest: Manifest,
  bytes: ArrayBuffer,
  device: GPUDevice,
): Promise<Engine> => {
  try {
    const cropper = createGpuCropper(device);
    const model = await createModelOf<GpuImage | Float32Array>(
      runtimeOn(runtime, device),
      networkFile(manifest, bytes, 'fp32'),
      (image) => {
        if (!(image instanceof Float32Array)) {
          const { buffer, dims } = image;
          return runtime.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims });
        }
        const { inputSize } = manifest;
        const batch = image.length / (3 * inputSize * inputSize);
        return new runtime.Tensor('float32', image, [batch, 3, inputSize, inputSize]);
      },
    );
    return {
      ...assemble(model, cropper),
      lost: device.lost.then(({ reason, message }) => `${reason}${message === '' ? '' : `: ${message}`}`),
      close: async () => {
        await model.close();
        cropper.close();
        device.destroy();
      },
    };
  } catch (error) {
    device.destroy();
    throw error;
  }
};
