import type { Manifest } from '../model/manifest.ts';
import type { SessionDevice, SessionPrecision } from '../model/session.ts';
import { createWebSession, type WebRuntime } from '../model/session-web.ts';
import type { TensorSession } from '../model/session-core.ts';
import { createGpuCropper, type GpuImage } from '../pipeline/crop-gpu.ts';
import type { Cropper, Matcher } from '../pipeline/cropper.ts';
import { createPlaneCropper } from '../pipeline/frame-planes.ts';
import { FrameTracker, type FrameTrackerOptions } from '../pipeline/frame-tracker.ts';
import type { Roi } from '../geometry/roi.ts';

/** What tracks, once it is known where the network runs. */
export type TrackerParts = Omit<FrameTrackerOptions<VideoFrame, never>, 'matcher' | 'cropper' | 'manifest'>;

/** The part of a FrameTracker that does not show where the network runs. */
export type VideoTracker = Pick<
  FrameTracker<VideoFrame, never>,
  'step' | 'reset' | 'setSmoothing' | 'timing'
>;

/** A network on a device, with the way in which frames get there. */
export type Engine = {
  readonly device: SessionDevice;
  readonly precision: SessionPrecision;
  readonly session: TensorSession;
  createTracker(parts: TrackerParts): VideoTracker;
  /** One square of a frame against references: a whole frame's work. @returns (1, N, 3) */
  matchSquare(frame: VideoFrame, roi: Roi, references: Float32Array): Promise<Float32Array>;
  /** Settles when the device is lost, with the reason; never for wasm. */
  readonly lost: Promise<string>;
  close(): Promise<void>;
};

const assemble = <Input>(
  session: TensorSession,
  matcher: Matcher<Input>,
  cropper: Cropper<VideoFrame, Input>,
): Pick<Engine, 'device' | 'precision' | 'session' | 'createTracker' | 'matchSquare'> => ({
  device: session.device,
  precision: session.precision,
  session,
  createTracker: (parts) => new FrameTracker({ ...parts, manifest: session.manifest, matcher, cropper }),
  matchSquare: async (frame, roi, references) =>
    matcher.match(await cropper.crop(frame, [roi], session.manifest.inputSize), references),
});

/** @throws ModelError when the file is not a network or does not fit its manifest */
export const createWasmEngine = async (
  runtime: WebRuntime,
  manifest: Manifest,
  bytes: ArrayBuffer,
  precision: SessionPrecision,
): Promise<Engine> => {
  const session = await createWebSession({ runtime, manifest, bytes, precision });
  return {
    ...assemble(session, session, createPlaneCropper()),
    lost: new Promise(() => undefined),
    close: () => session.close(),
  };
};

/**
 * The network on WebGPU. A frame's pixels stay in the memory of the GPU; (N, 3) numbers come back.
 * @param device becomes the engine's: it is destroyed with it
 * @throws ModelError when the file is not a network or does not fit its manifest
 */
export const createGpuEngine = async (
  runtime: WebRuntime,
  manifest: Manifest,
  bytes: ArrayBuffer,
  device: GPUDevice,
): Promise<Engine> => {
  const session = await createWebSession({ runtime, manifest, bytes, precision: 'fp32', gpu: device });
  const cropper = createGpuCropper(device);
  const matcher: Matcher<GpuImage> = {
    match: async ({ buffer, dims }, references) => {
      const image = runtime.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims });
      try {
        return await session.matchTensor(image, references);
      } finally {
        // Frees the tensor's record only: the buffer stays the cropper's.
        image.dispose();
      }
    },
  };
  return {
    ...assemble(session, matcher, cropper),
    lost: device.lost.then(({ reason, message }) => `${reason}${message === '' ? '' : `: ${message}`}`),
    close: async () => {
      await session.close();
      cropper.close();
      device.destroy();
    },
  };
};
