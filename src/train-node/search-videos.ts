import { InputError } from '../errors.ts';
import type { Roi } from '../geometry/roi.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { cropToTensor, type PixelImage } from '../pipeline/crop.ts';
import { Localizer } from '../pipeline/localizer.ts';
import { createPictureCropper } from '../pipeline/picture-cropper.ts';
import { createBatchMaker } from '../train/batch/batch.ts';
import type { BatchMakerOptions } from '../train/batch/sources.ts';
import type { PairPool } from '../train/pairs/pair-pool.ts';
import type { Picture, PictureSet } from '../train/views/pictures.ts';
import type { RegionTrack, VideoRegions } from '../train/pairs/regions.ts';
import { findStableLandmarks } from '../train/search/stable-landmarks.ts';
import type { Model } from '../model/model.ts';
import { openVideo } from '../media-node/open-video.ts';
import type { VideoSettings } from '../train/settings/video-settings.ts';
import type { CropBase } from '../train/views/warps.ts';

/** Pictures of the object that landmarks are found on, and crops without it that they are held against. */
const samples = 40;

const rgbOf = (bytes: Uint8Array, { levels: [{ offset, width, height }] }: Picture): PixelImage => ({
  data: bytes.subarray(offset, offset + 3 * width * height),
  ...{ width, height },
  channels: 3,
});

const roiOf = ({ width, height }: Picture, base: CropBase): Roi => ({
  center: { x: base.centerX * width, y: base.centerY * height },
  size: base.side * Math.min(width, height),
  rotation: 0,
});

const evenly = <Item>(items: readonly Item[], count: number): Item[] =>
  items.length <= count
    ? [...items]
    : Array.from({ length: count }, (_, i) => items[Math.floor(((i + 0.5) / count) * items.length)]);

/** The object's crop in still pictures: the canonical one. @returns (3, S, S) each */
export const cropsOfPictures = (set: PictureSet, base: CropBase, inputSize: number): Float32Array[] =>
  evenly(set.pictures, samples).map((picture) =>
    cropToTensor(rgbOf(set.bytes, picture), roiOf(picture, base), inputSize),
  );

/**
 * What moves in pairs of frames, cut out: the best guess at the object where there are no pictures of it.
 * @param margin side of the crop over the object's @returns (3, S, S) each
 */
export const cropsOfMotion = (pool: PairPool, margin: number, inputSize: number): Float32Array[] =>
  evenly(pool.pairs, samples).map((pair) => {
    const { width, height } = pair.a;
    const weights = pool.weights.subarray(pair.weights, pair.weights + width * height);
    const mean = { x: 0, y: 0, xx: 0, yy: 0, total: 0 };
    weights.forEach((weight, i) => {
      // What counts half or less stands still, more or less. What counts more because it deforms counts like the rest:
      // a mouth is not the face.
      const moving = Math.max(0, Math.min(255, weight * pair.fullWeight) - 128);
      const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5];
      mean.total += moving;
      mean.x += moving * x;
      mean.y += moving * y;
      mean.xx += moving * x * x;
      mean.yy += moving * y * y;
    });
    const { total } = mean;
    if (total === 0) return cropToTensor(rgbOf(pool.bytes, pair.a), roiOf(pair.a, pair.base), inputSize);
    const center = { x: mean.x / total, y: mean.y / total };
    const variance = (mean.xx + mean.yy) / total - center.x ** 2 - center.y ** 2;
    // A square of side s has a variance of s²/12 along each axis.
    const size = margin * Math.sqrt(6 * variance);
    return cropToTensor(rgbOf(pool.bytes, pair.a), { center, size, rotation: 0 }, inputSize);
  });

/** Crops in which the object is not to be seen. @returns (3, S, S) each */
export const cropsWithoutObject = (data: Omit<BatchMakerOptions, 'seed'>, seed: number): Float32Array[] => {
  const settings = { ...data.settings, pairs: 1, backgrounds: samples };
  const { images } = createBatchMaker({ ...data, settings, seed })(0);
  const each = 3 * settings.inputSize ** 2;
  return Array.from({ length: samples }, (_, k) => images.subarray((2 + k) * each, (3 + k) * each));
};

/**
 * How steady a find has to be (see `judgeTrial`), more than for tracking: training can do without a frame, but what is
 * taken for the object by mistake is learnt. In the signers' videos faces have 0.4 to 0.8, a skull printed on a shirt,
 * which tracking's own limit lets pass, mostly less than 0.35.
 */
const steadiness = 0.4;

/** What a search of all videos came to. */
export type SearchReport = {
  /** Landmarks that the network found by itself; 0 where it does not recognise enough yet. */ landmarks: number;
  /** Frames that were searched, and in which the object was found. */ frames: number;
  found: number;
  /** Videos in which it was found at all. */ videos: number;
};

export type SearchOptions = {
  network: Model;
  /** (3, S, S) each: the object in its canonical crop. */ object: readonly Float32Array[];
  /** (3, S, S) each: without it. */ empty: readonly Float32Array[];
  videos: readonly { name: string; path: string }[];
  settings: VideoSettings;
  /** Frames of one video that are searched, at most. */ framesPerVideo: number;
  onProgress?: (done: number, total: number, report: SearchReport) => void;
  signal?: AbortSignal;
};

const searchVideo = async (
  path: string,
  landmarkSet: LandmarkSet,
  { network, settings, framesPerVideo, signal }: SearchOptions,
): Promise<{ track: RegionTrack; frames: number; spacing: number }> => {
  const { maxSide } = settings.pairs;
  const { frameStep, budget } = settings.self;
  const video = await openVideo(path, { maxSide });
  const track: { frame: number; roi: Roi }[] = [];
  let frames = 0;
  try {
    const { width, height, original, frameCount = 0 } = video;
    const toOriginal = original.width / width;
    const spacing = Math.max(frameStep, Math.ceil(frameCount / framesPerVideo));
    const batch = Math.min(6, budget);
    const localizer = new Localizer<PixelImage, Float32Array>({
      model: network,
      cropper: createPictureCropper(),
      landmarkSet,
      ...{ budget: batch, steadiness },
    });
    for await (const { index, rgb } of video.frames) {
      if (signal?.aborted || frames >= framesPerVideo) break;
      if (index % spacing !== 0) continue;
      frames++;
      const image: PixelImage = { data: rgb, width, height, channels: 3 };
      for (let runs = 0; runs < budget; runs += batch) {
        const roi = await localizer.step(image, { width, height });
        if (roi === undefined) continue;
        const center = { x: roi.center.x * toOriginal, y: roi.center.y * toOriginal };
        track.push({ frame: index, roi: { ...roi, center, size: roi.size * toOriginal } });
        localizer.lookNear(roi);
        break;
      }
    }
    return { track, frames, spacing };
  } finally {
    await video.close();
  }
};

/**
 * Finds the object in the frames of videos with the network as it is now and nothing else: landmarks that it finds
 * again in most pictures of the object stand in for annotated ones, and the localizer of the tracker searches for them.
 * A video that breaks off keeps what was found before.
 *
 * @returns where the object is in each video in which it was found
 */
export const searchVideos = async (
  options: SearchOptions,
): Promise<{ regions: Map<string, VideoRegions>; report: SearchReport }> => {
  const { network, object, empty, videos, onProgress, signal } = options;
  const regions = new Map<string, VideoRegions>();
  const landmarks = await findStableLandmarks(network, object, empty);
  const report: SearchReport = {
    landmarks: landmarks?.names.length ?? 0,
    ...{ frames: 0, found: 0, videos: 0 },
  };
  if (landmarks === undefined) return { regions, report };
  for (const [index, { name, path }] of videos.entries()) {
    if (signal?.aborted) break;
    try {
      const { track, frames, spacing } = await searchVideo(path, landmarks, options);
      report.frames += frames;
      report.found += track.length;
      if (track.length > 0) {
        report.videos++;
        // Found before and after, it is there in between.
        regions.set(name, { kind: 'track', track, greatestGap: spacing });
      }
    } catch (error) {
      // The preparation of its pairs, which comes next, names the video that is broken.
      if (!(error instanceof InputError)) throw error;
    }
    onProgress?.(index + 1, videos.length, report);
  }
  return { regions, report };
};
