/** Work on pictures by themselves, for those who track nothing: each call starts a worker and ends it. */
import type { CorrespondOptions, PictureCorrespondence } from './correspond/correspond-pictures.ts';
import type { LandmarkSet } from './landmarks/landmark-set.ts';
import type { CorrespondPicture, LandmarkSetRequest } from './marks.ts';
import { Tracker, type TrackerOptions } from './tracker.ts';

/** Which model, and where it runs. */
type ModelChoice = Pick<TrackerOptions, 'model' | 'device' | 'precision' | 'assetBase' | 'signal'>;

/**
 * Makes a landmark set from points marked on pictures: one is enough. A set is plain data: give it to `track()` as
 * `landmarks`, write it with `serializeLandmarkSet` and read it with `parseLandmarkSet`.
 *
 *     const landmarks = await createLandmarkSet({ pictures: [{ picture, points: [{ x: 120, y: 96 }] }] });
 *     for await (const result of track(video, { landmarks })) draw(result);
 *
 * @param request with the options of `Tracker.create()` that say which model, and where it runs; default: the face model
 * @throws InputError for points, names, lines or boxes that cannot be used, and where no object is found; what
 * `Tracker.create()` throws
 */
export const createLandmarkSet = async ({
  pictures,
  names,
  connections,
  mirrorPairs,
  ...options
}: LandmarkSetRequest & ModelChoice): Promise<LandmarkSet> => {
  const tracker = await Tracker.create(options);
  try {
    return await tracker.createLandmarkSet({
      pictures,
      ...(names === undefined ? {} : { names }),
      ...(connections === undefined ? {} : { connections }),
      ...(mirrorPairs === undefined ? {} : { mirrorPairs }),
    });
  } finally {
    await tracker.close();
  }
};

/**
 * Finds every place of one picture's object in another picture's. For many pairs make one tracker and call its
 * `correspond`.
 * @param options with those of `Tracker.create()` that say which model, and where it runs; default: the face model
 * @throws InputError for options that make no sense, and where an object is not found; what `Tracker.create()` throws
 */
export const correspond = async (
  a: CorrespondPicture,
  b: CorrespondPicture,
  { points, pyramid, tolerance, ...options }: CorrespondOptions & ModelChoice = {},
): Promise<PictureCorrespondence> => {
  const tracker = await Tracker.create(options);
  try {
    return await tracker.correspond(a, b, {
      ...(points === undefined ? {} : { points }),
      ...(pyramid === undefined ? {} : { pyramid }),
      ...(tolerance === undefined ? {} : { tolerance }),
    });
  } finally {
    await tracker.close();
  }
};
