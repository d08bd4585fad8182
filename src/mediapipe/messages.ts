import type { Point } from '../geometry/coordinates.ts';

export type DetectorStart = {
  /** URL of vision_bundle.mjs. */ library: string;
  /** URL of the folder of MediaPipe's wasm files. */ wasm: string;
  /** URL of the detector's model. */ model: string;
  /** Least score of a face, 0–1. */ minScore: number;
};

/** What MediaPipe's detector tells of a face; points normalised to the picture. */
export type DetectedFace = { score: number; rightEye: Point; leftEye: Point; mouth: Point };

/** What the detector's worker offers. */
export type DetectorWorkerApi = {
  start(message: DetectorStart): Promise<void>;
  /** Closes the frame. @returns the faces, the surest first */
  detect(frame: VideoFrame): DetectedFace[];
};
