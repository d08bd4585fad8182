import type { Detection, FaceDetector as Detector } from '@mediapipe/tasks-vision';
import { ClosedError, ModelError } from '../errors.ts';
import { expose } from '../worker/rpc.ts';
import type { DetectedFace, DetectorStart, DetectorWorkerApi } from './messages.ts';

/** The part of `@mediapipe/tasks-vision` that is used. */
type Vision = Pick<typeof import('@mediapipe/tasks-vision'), 'FaceDetector' | 'FilesetResolver'>;

const isVision = (module: unknown): module is Vision =>
  typeof module === 'object' && module !== null && 'FaceDetector' in module && 'FilesetResolver' in module;

const remedy =
  'Check the paths: library is vision_bundle.mjs of @mediapipe/tasks-vision, wasm its wasm folder, model blaze_face_short_range.tflite.';

const loadVision = async (url: string): Promise<Vision> => {
  let module: unknown;
  try {
    module = await import(/* @vite-ignore */ /* webpackIgnore: true */ url);
  } catch (error) {
    throw new ModelError(`${url} could not be loaded. ${remedy}`, { cause: error });
  }
  if (!isVision(module)) throw new ModelError(`${url} is not MediaPipe's vision library. ${remedy}`);
  return module;
};

const openDetector = async ({ library, wasm, model, minScore }: DetectorStart): Promise<Detector> => {
  const { FaceDetector, FilesetResolver } = await loadVision(library);
  try {
    // True: the wasm loader as a module, the only kind that a module worker can load.
    const files = await FilesetResolver.forVisionTasks(wasm, true);
    return await FaceDetector.createFromOptions(files, {
      baseOptions: { modelAssetPath: model, delegate: 'CPU' },
      runningMode: 'IMAGE',
      minDetectionConfidence: minScore,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ModelError(`MediaPipe's face detector could not start (${reason}). ${remedy}`, {
      cause: error,
    });
  }
};

/** Keypoints in MediaPipe's order: right eye, left eye, nose tip, mouth centre, right ear, left ear. */
const toFace = ({ keypoints, categories }: Detection): DetectedFace => {
  const [rightEye, leftEye, , mouth] = keypoints.map(({ x, y }) => ({ x, y }));
  return { score: categories[0].score, rightEye, leftEye, mouth };
};

class DetectorService implements DetectorWorkerApi {
  #detector: Detector | undefined;

  async start(message: DetectorStart): Promise<void> {
    this.#detector = await openDetector(message);
  }

  detect(frame: VideoFrame): DetectedFace[] {
    try {
      if (this.#detector === undefined) throw new ClosedError('the face finder was not started.');
      const { detections } = this.#detector.detect(frame);
      return detections.map(toFace).sort((a, b) => b.score - a.score);
    } finally {
      frame.close();
    }
  }
}

expose(new DetectorService());
