import { InputError } from '../errors.ts';
import { rejectUnknownKeys } from '../options.ts';
import type { ObjectFinder } from '../pipeline/frame-tracker.ts';
import { connectWorker } from '../worker/client.ts';
import { isSamePlace } from '../pipeline/roi-of-shape.ts';
import { absoluteUrl, folderUrl } from '../worker/assets.ts';
import { transfer } from '../worker/rpc.ts';
import { roiOfFace } from './face-roi.ts';
import type { DetectorWorkerApi } from './messages.ts';

/** Options of {@link createFaceFinder}. */
export type FaceFinderOptions = {
  /** URL of `vision_bundle.mjs` of `@mediapipe/tasks-vision`, on your own server. */ library: string | URL;
  /** URL of the `wasm` folder of `@mediapipe/tasks-vision`, on your own server. */ wasm: string | URL;
  /** URL of `blaze_face_short_range.tflite`, on your own server. */ model: string | URL;
  /** Least score of a face, 0–1. Default 0.5. */ minScore?: number;
};

/** Finds faces by MediaPipe's FaceDetector, for the `finder` option of `track` and `Tracker.create`. */
export type FaceFinder = ObjectFinder<VideoFrame> & {
  /** Ends its worker. May be called again. */ close(): void;
  [Symbol.dispose](): void;
};

const optionKeys = ['library', 'wasm', 'model', 'minScore'] as const satisfies (keyof FaceFinderOptions)[];

/**
 * Starts MediaPipe's FaceDetector in a worker of its own. Its files are yours to serve: nothing comes from other hosts.
 * @throws InputError for options that do not exist or fit; ModelError when its files cannot be loaded
 */
export const createFaceFinder = async (options: FaceFinderOptions): Promise<FaceFinder> => {
  rejectUnknownKeys(options, optionKeys, 'createFaceFinder()');
  const { minScore = 0.5 } = options;
  if (!(minScore >= 0 && minScore <= 1)) {
    throw new InputError(`createFaceFinder(): minScore is ${minScore}. Pass a number from 0 to 1.`);
  }
  const worker = new Worker(new URL('./detector.worker.js', import.meta.url), {
    type: 'module',
    name: 'dve-sdk mediapipe',
  });
  const client = connectWorker<DetectorWorkerApi>(worker, 'face finder');
  const message = {
    library: absoluteUrl(options.library, 'library').href,
    // MediaPipe adds the slash itself.
    wasm: folderUrl(options.wasm, 'wasm').href.replace(/\/$/, ''),
    model: absoluteUrl(options.model, 'model').href,
    minScore,
  };
  try {
    await client.call((detector) => detector.start(message));
  } catch (error) {
    client.close();
    throw error;
  }
  return {
    step: async (frame, size, known = []) => {
      const copy = frame.clone();
      const faces = await client.call((detector) => detector.detect(transfer(copy, [copy])));
      const rois = faces.map((face) => roiOfFace(face, size));
      return rois.find((roi) => !known.some((one) => isSamePlace(one, roi)));
    },
    reset: () => undefined,
    close: () => {
      client.close();
    },
    [Symbol.dispose]: () => {
      client.close();
    },
  };
};
