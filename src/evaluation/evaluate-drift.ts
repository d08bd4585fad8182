import type { Point } from '../geometry/coordinates.ts';
import { cropToImage, imageToCrop, type Roi } from '../geometry/roi.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import type { Model } from '../model/model.ts';
import { cropToTensor, type PixelImage } from '../pipeline/crop.ts';
import { FrameTracker } from '../pipeline/frame-tracker.ts';
import { createPictureCropper } from '../pipeline/picture-cropper.ts';
import { embedPoints } from '../landmarks/embed-points.ts';

/** What the drift of a video is measured with. */
export type DriftOptions = {
  session: Model;
  landmarkSet: LandmarkSet;
  /** Frames from first to last, with their capture time in seconds. */
  frames: AsyncIterable<{ image: PixelImage; timestamp: number }>;
  /** See `FrameTrackerOptions`. */ searchBudget: number;
};

export type DriftReport = {
  frames: number;
  /** Frames in which the object was tracked. */ tracked: number;
  /**
   * (tracked frames, landmarks) drift over the size of the object; the first tracked frame, where the way there and
   * back is no way at all, is left out.
   */
  drifts: number[][];
};

/** The first tracked frame: where every way back ends. */
type Start = { input: Float32Array; roi: Roi; points: readonly Point[] };

/**
 * Forward–backward drift (Kalal, Mikolajczyk, Matas, ICPR 2010) of a tracker that keeps no memory but its references.
 * Forward: the landmark set finds its points in the first tracked frame and in frame t. Backward: the embeddings at
 * the points of frame t are matched in the first frame. The drift is how far from the first frame's points they end,
 * over the size of the object (ROI side over crop margin). Points before smoothing.
 */
export const measureDrift = async (options: DriftOptions): Promise<DriftReport> => {
  const { session, landmarkSet, frames, searchBudget } = options;
  const { manifest } = session;
  const { inputSize, cropMargin } = manifest;
  const tracker = new FrameTracker<PixelImage, Float32Array>({
    model: session,
    cropper: createPictureCropper(),
    landmarkSet,
    searchBudget,
    smoothing: false,
  });
  let start: Start | undefined;
  const report: DriftReport = { frames: 0, tracked: 0, drifts: [] };
  for await (const { image, timestamp } of frames) {
    const result = await tracker.step(image, timestamp);
    report.frames += 1;
    if (result.status !== 'tracking') continue;
    report.tracked += 1;
    const { roi } = result;
    const points = result.landmarks.map(({ raw }) => raw);
    const input = cropToTensor(image, roi, inputSize);
    if (start === undefined) {
      start = { input, roi, points };
      continue;
    }
    const inCrop = points.map((point) => imageToCrop(point, roi, inputSize));
    const references = await embedPoints(session, input, inCrop);
    const matches = await session.match(start.input, references);
    const { roi: startRoi, points: startPoints } = start;
    const size = startRoi.size / cropMargin;
    report.drifts.push(
      startPoints.map((point, n) => {
        const back = cropToImage({ x: matches[3 * n], y: matches[3 * n + 1] }, startRoi, inputSize);
        return Math.hypot(back.x - point.x, back.y - point.y) / size;
      }),
    );
  }
  return report;
};
