/**
 * `dve-sdk/pictures`: landmark sets, and one picture's places in another. An entry of its own, so that pages that only
 * track do not load it. The functions below are for those who track nothing: each call starts a worker and ends it.
 */
import type { CorrespondOptions, PictureCorrespondence } from './correspond/correspond-pictures.ts';
import type { DiscoveredLandmarks, DiscoverOptions } from './landmark-maker/discover-landmarks.ts';
import type { LandmarkSet } from './landmarks/landmark-set.ts';
import type { CorrespondPicture, LandmarkSetRequest } from './marks.ts';
import type { FrameInput } from './sources/picture.ts';
import { openWorkerModel, WorkerModel, type OpenModelOptions } from './worker-model.ts';

export {
  cellPlace,
  followField,
  type Correspondence,
  type MatchedPoint,
} from './correspond/correspondence.ts';
export type { CorrespondOptions, PictureCorrespondence } from './correspond/correspond-pictures.ts';
export { pixelField, type PixelField } from './correspond/pixel-field.ts';
export { meshMap, splineMap, warpPicture, type PictureMap } from './correspond/warp-picture.ts';
export type { ObjectBox } from './landmark-maker/create-landmark-set.ts';
export type { DiscoveredLandmarks, DiscoverOptions } from './landmark-maker/discover-landmarks.ts';
export { parseLandmarkSet, serializeLandmarkSet, type Annotation } from './landmarks/landmark-set.ts';
export { parsePointsFile, serializePointsFile, type PointsFile } from './landmarks/points-file.ts';
export type { CorrespondPicture, LandmarkPicture, LandmarkSetRequest } from './marks.ts';
export type { PixelImage } from './pipeline/crop.ts';

/**
 * Makes a landmark set from points marked on pictures: one is enough. A set is plain data: give it to `track()` as
 * `landmarks`, write it with `serializeLandmarkSet` and read it with `parseLandmarkSet`.
 *
 *     const landmarks = await createLandmarkSet({ pictures: [{ picture, points: [{ x: 120, y: 96 }] }] });
 *     for await (const result of track(video, { landmarks })) draw(result);
 *
 * @param request with the options of `openModel()` that say which model, and where it runs; default: the face model
 * @throws InputError for points, names, lines or boxes that cannot be used, and where no object is found; what
 * `openModel()` throws
 */
export const createLandmarkSet = async ({
  pictures,
  names,
  connections,
  mirrorPairs,
  bends,
  ...options
}: LandmarkSetRequest & OpenModelOptions): Promise<LandmarkSet> => {
  const model = await openWorkerModel(WorkerModel, options);
  try {
    return await model.createLandmarkSet({
      pictures,
      ...(names === undefined ? {} : { names }),
      ...(connections === undefined ? {} : { connections }),
      ...(mirrorPairs === undefined ? {} : { mirrorPairs }),
      ...(bends === undefined ? {} : { bends }),
    });
  } finally {
    await model.close();
  }
};

/**
 * Makes a landmark set of places that nobody clicked, chosen by the network itself: where nothing else in the picture looks
 * like them, and where they are found in other pictures and back, and round through a third.
 *
 *     const { landmarks } = await discoverLandmarks(pictures, { count: 10 });
 *
 * @param pictures four or more that show the object; a VideoFrame is closed, other pictures stay the caller's
 * @param options with those of `openModel()` that say which model, and where it runs; default: the face model
 * @throws InputError for options that make no sense, too few pictures that show the object, and where the network
 * recognises too few places; what `openModel()` throws
 */
export const discoverLandmarks = async (
  pictures: readonly FrameInput[],
  { count, rounds, ...options }: DiscoverOptions & OpenModelOptions,
): Promise<DiscoveredLandmarks> => {
  const model = await openWorkerModel(WorkerModel, options);
  try {
    return await model.discoverLandmarks(pictures, { count, ...(rounds === undefined ? {} : { rounds }) });
  } finally {
    await model.close();
  }
};

/**
 * Finds every place of one picture's object in another picture's. For many pairs open one model and call its
 * `correspond`.
 * @param options with those of `openModel()` that say which model, and where it runs; default: the face model
 * @throws InputError for options that make no sense, and where an object is not found; what `openModel()` throws
 */
export const correspond = async (
  a: CorrespondPicture,
  b: CorrespondPicture,
  { points, pyramid, tolerance, roughness, ...options }: CorrespondOptions & OpenModelOptions = {},
): Promise<PictureCorrespondence> => {
  const model = await openWorkerModel(WorkerModel, options);
  try {
    return await model.correspond(a, b, {
      ...(points === undefined ? {} : { points }),
      ...(pyramid === undefined ? {} : { pyramid }),
      ...(tolerance === undefined ? {} : { tolerance }),
      ...(roughness === undefined ? {} : { roughness }),
    });
  } finally {
    await model.close();
  }
};
