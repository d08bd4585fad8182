import sharp from 'sharp';
import { readLandmarkSet } from '../../src/cli/track-input.ts';
import { createSvgCanvas } from '../../src/cli/svg-canvas.ts';
import { drawLandmarks } from '../../src/draw/draw-landmarks.ts';
import type { LandmarkSet } from '../../src/landmarks/landmark-set.ts';
import { openNodeModel } from '../../src/model/model-node.ts';
import type { Model } from '../../src/model/model.ts';
import type { PixelImage } from '../../src/pipeline/crop.ts';
import { FrameTracker, type FrameTrackerOptions } from '../../src/pipeline/frame-tracker.ts';
import { createPictureCropper } from '../../src/pipeline/picture-cropper.ts';
import type { TrackResult } from '../../src/pipeline/result.ts';
import { SeveralTracker, type SeveralTrackerOptions } from '../../src/pipeline/several-tracker.ts';

export type PictureTracker = Pick<
  FrameTracker<PixelImage, Float32Array>,
  keyof FrameTracker<PixelImage, Float32Array>
>;

export type PictureTrackers = {
  session: Model;
  landmarkSet: LandmarkSet;
  /** A tracker of its own for each stream, with the options of live tracking unless told otherwise. */
  createTracker: (options?: Partial<FrameTrackerOptions<PixelImage, Float32Array>>) => PictureTracker;
  /** The same for several objects. */
  createSeveralTracker: (
    options: Pick<SeveralTrackerOptions<PixelImage, Float32Array>, 'objects'>,
  ) => PictureTracker;
};

/** Opens a model for tracking in pictures that are in memory. @param model directory @param device default: cpu */
export const openTracker = async (
  model: string,
  precision = 'fp32',
  threads = 1,
  device = 'cpu',
): Promise<PictureTrackers> => {
  if (precision !== 'fp32' && precision !== 'int8')
    throw new Error(`--precision is ${precision}: fp32 or int8.`);
  if (device !== 'cpu' && device !== 'wasm') throw new Error(`--device is ${device}: cpu or wasm.`);
  const session = await openNodeModel(model, { precision, threads, device });
  const landmarkSet = await readLandmarkSet(undefined, model);
  return {
    session,
    landmarkSet,
    createTracker: (options = {}) =>
      new FrameTracker<PixelImage, Float32Array>({
        ...{ model: session, cropper: createPictureCropper(), landmarkSet },
        ...options,
      }),
    createSeveralTracker: (options) =>
      new SeveralTracker<PixelImage, Float32Array>({
        ...{ model: session, cropper: createPictureCropper(), landmarkSet },
        ...options,
      }),
  };
};

/** Writes a frame with its landmarks drawn in, for looking at. */
export const savePicture = async (path: string, frame: PixelImage, result: TrackResult): Promise<void> => {
  const { width, height, data, channels } = frame;
  const canvas = createSvgCanvas(width, height);
  drawLandmarks(canvas.context, result, { roi: true });
  await sharp(data, { raw: { width, height, channels } })
    .composite([{ input: Buffer.from(canvas.toSvg()) }])
    .jpeg()
    .toFile(path);
};
