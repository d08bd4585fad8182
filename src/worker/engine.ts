import type { Roi } from '../geometry/roi.ts';
import { createCallQueue } from '../model/call-queue.ts';
import type { Manifest } from '../model/manifest.ts';
import {
  createModel,
  type Model,
  type ModelDevice,
  type ModelGeometry,
  type ModelPrecision,
  type NetworkFile,
  type Runtime,
} from '../model/model.ts';
import type { GpuSide } from '../correspond/gpu-matcher.ts';
import type { Cropper } from '../pipeline/cropper.ts';
import type { FrameSteps } from '../pipeline/frame-steps.ts';
import { FrameTracker, type FrameTrackerOptions } from '../pipeline/frame-tracker.ts';
import type * as FrameWork from './frame-work.ts';

/** What tracks, once it is known where the network runs. */
export type TrackerParts = Omit<FrameTrackerOptions<VideoFrame, never>, 'model' | 'cropper'> & {
  /** Makes a tracker of several objects. Default: one of one object. */
  createSteps?: <Input>(options: FrameTrackerOptions<VideoFrame, Input>) => FrameSteps<VideoFrame, Input>;
};

/** The part of a FrameTracker that does not show where the network runs. */
export type VideoTracker = Pick<
  FrameSteps<VideoFrame, never>,
  | 'step'
  | 'reset'
  | 'follow'
  | 'setSmoothing'
  | 'setLandmarks'
  | 'timing'
  | 'lastId'
  | 'seen'
  | 'keepSeen'
  | 'giveGists'
> & {
  /** Frees what its crops lay in. Not during a step. */ close(): void;
};

/** A model on a device, with the way in which frames get there. */
export type Engine = {
  readonly device: ModelDevice;
  readonly precision: ModelPrecision;
  readonly manifest: ModelGeometry;
  /** The same model for pictures in memory. */ readonly model: Model;
  /** Where embeddings can stay on a GPU: only on WebGPU. */ readonly gpu?: GpuSide;
  /** Steps of different trackers may overlap, and calls of `embedSquare` and `matchSquare` with everything. */
  createTracker(parts: TrackerParts): VideoTracker;
  /** One square of a frame. @returns (1, C, H, W) unit vectors */
  embedSquare(frame: VideoFrame, roi: Roi): Promise<Float32Array>;
  /** One square of a frame against references: a whole frame's work. @returns (1, N, 3) */
  matchSquare(frame: VideoFrame, roi: Roi, references: Float32Array): Promise<Float32Array>;
  /** Settles when the device is lost, with the reason; never for wasm. */
  readonly lost: Promise<string>;
  close(): Promise<void>;
};

/** A cropper with memory of its own, which `close` frees. */
type OwnCropper<Input> = Cropper<VideoFrame, Input> & { close(): void };

/**
 * A crop is valid until its cropper's next one, so that each tracker has a cropper: another one's crop never gets
 * between a crop and its run. The model runs one after the other by itself.
 */
export const assemble = <Input>(
  model: Model<Input | Float32Array>,
  createCropper: () => OwnCropper<Input>,
): Omit<Engine, 'lost'> => {
  const { device, precision, manifest } = model;
  const cropper = createCropper();
  const squares = createCallQueue('model');
  const onSquare = <Result>(
    frame: VideoFrame,
    roi: Roi,
    run: (input: Input) => Promise<Result>,
  ): Promise<Result> => squares.run(async () => run(await cropper.crop(frame, [roi], manifest.inputSize)));
  return {
    ...{ device, precision, manifest, model },
    createTracker: ({ createSteps, ...parts }) => {
      const own = createCropper();
      const options = { ...parts, model, cropper: own };
      return Object.assign(createSteps?.(options) ?? new FrameTracker(options), {
        close: () => {
          own.close();
        },
      });
    },
    embedSquare: (frame, roi) => onSquare(frame, roi, (input) => model.embed(input)),
    matchSquare: (frame, roi, references) => onSquare(frame, roi, (input) => model.match(input, references)),
    close: async () => {
      try {
        await Promise.all([model.close(), squares.close()]);
      } finally {
        cropper.close();
      }
    },
  };
};

/** A network of a model as `createModel` takes it. */
export const networkFile = (
  manifest: Manifest,
  bytes: ArrayBuffer,
  precision: ModelPrecision,
): NetworkFile => {
  const { model, int8 } = manifest.files;
  return { manifest, bytes, precision, where: (precision === 'int8' ? int8 : model)?.name ?? precision };
};

/** @throws ModelError when the file is not a network or does not fit its manifest */
export const createWasmModel = (
  runtime: Runtime,
  manifest: Manifest,
  bytes: ArrayBuffer,
  precision: ModelPrecision,
): Promise<Model> => createModel(runtime, networkFile(manifest, bytes, precision));

/** @param model on wasm; it is closed with the engine */
export const createWasmEngine = (model: Model, { createPlaneCropper }: typeof FrameWork): Engine => ({
  ...assemble(model, () => ({ ...createPlaneCropper(), close: () => undefined })),
  lost: new Promise(() => undefined),
});
