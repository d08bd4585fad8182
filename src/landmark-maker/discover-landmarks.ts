/** Landmark sets of places that nobody clicked, from pictures: what `dve discover` and a page have in common. */
import { embedSquare, type EmbeddedSquare } from '../correspond/correspondence.ts';
import { InputError } from '../errors.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import { cropToImage, imageToCrop, type Roi } from '../geometry/roi.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import type { Model } from '../model/model.ts';
import { cropToTensor, type PixelImage } from '../pipeline/crop.ts';
import { findObject } from '../pipeline/find-object.ts';
import { createPictureCropper } from '../pipeline/picture-cropper.ts';
import { buildLandmarkSet } from './build-landmark-set.ts';
import { discoverPoints, type OtherView } from './discover-points.ts';
import { leastLandmarks, mostLandmarks, type SetPicture } from './set-request.ts';

/** What to find. */
export type DiscoverOptions = {
  /** Landmarks to choose, 3 to 500. */ count: number;
  /** Rounds of averaging and finding anew, 0 to 20. Default 3. */ rounds?: number;
};

/** A picture that may show the object. */
export type DiscoverPicture = { image: PixelImage; /** File name, which the set keeps. */ name?: string };

/** Landmarks that nobody clicked, and where they are in the pictures that they were found in. */
export type DiscoveredLandmarks = {
  /** Their set: `place 1`, `place 2` and so on. */ landmarks: LandmarkSet;
  /** One per picture, pixels; undefined where the object is not found. */
  points: (readonly Point[] | undefined)[];
  /** Share of these places that agree with those of the other pictures, 0–1. */ found: number;
};

type Subject = DiscoverPicture & { index: number; square: EmbeddedSquare };

const mostRounds = 20;

/** @throws InputError that names the option and the remedy */
export const checkDiscoverOptions = ({ count, rounds = 3 }: DiscoverOptions): void => {
  if (!(Number.isInteger(count) && count >= leastLandmarks && count <= mostLandmarks)) {
    throw new InputError(`count is ${count}. Ask for ${leastLandmarks} to ${mostLandmarks} landmarks.`);
  }
  if (!(Number.isInteger(rounds) && rounds >= 0 && rounds <= mostRounds)) {
    throw new InputError(`rounds is ${rounds}. Give a whole number from 0 to ${mostRounds}.`);
  }
};

/** Where the object is: found by the model's own landmarks; a model without any takes the picture's middle square. */
const locate = async (
  model: Model,
  own: LandmarkSet | undefined,
  image: PixelImage,
): Promise<Roi | undefined> => {
  const { width, height } = image;
  if (own === undefined) {
    return { center: { x: width / 2, y: height / 2 }, size: Math.min(width, height), rotation: 0 };
  }
  return findObject(image, { model, cropper: createPictureCropper<PixelImage>(), landmarkSet: own });
};

/** Pictures that are looked at otherwise, too: more tell nothing new. */
const mostViewed = 30;

/** How: turned, radians; larger by; moved by shares of the side. */
const viewChanges = [
  { rotation: 0.12, scale: 1.12, x: 0.05, y: -0.03 },
  { rotation: -0.12, scale: 0.9, x: -0.03, y: 0.05 },
];

/** Squares of the first pictures, seen otherwise. */
const lookOtherwise = async (model: Model, subjects: readonly Subject[]): Promise<OtherView[]> => {
  const { inputSize } = model.manifest;
  const views: OtherView[] = [];
  for (const [picture, { image, square }] of subjects.slice(0, mostViewed).entries()) {
    for (const { rotation, scale, x, y } of viewChanges) {
      const { center, size, rotation: turned } = square.roi;
      const roi: Roi = {
        center: { x: center.x + x * size, y: center.y + y * size },
        size: scale * size,
        rotation: turned + rotation,
      };
      const { map } = await embedSquare(model, cropToTensor(image, roi, inputSize), roi);
      const place = (point: Point): Point =>
        imageToCrop(cropToImage(point, square.roi, inputSize), roi, inputSize);
      views.push({ picture, map, place });
    }
  }
  return views;
};

/** A square may reach beyond its picture, and what is found in it as well. */
const clampToPicture = ({ x, y }: Point, { width, height }: Size): Point => ({
  x: Math.min(Math.max(x, 0), width),
  y: Math.min(Math.max(y, 0), height),
});

/** What else a caller may want to know. */
export type DiscoverEvents = {
  /** Told of a picture in which the object is not found. */ onMiss?: (picture: DiscoverPicture) => void;
  /** How many prototypes were compared. */ onProgress?: (done: number, total: number) => void;
};

/**
 * Chooses places in pictures without annotations (see `discoverPoints`) and makes a landmark set of them.
 * @param own the model's own set
 * @param pictures one after the other; their pixels are kept until the end
 * @throws InputError for options that make no sense, fewer than four pictures that show the object, and where the network
 * recognises too few places
 */
export const discoverLandmarks = async (
  model: Model,
  own: LandmarkSet | undefined,
  pictures: AsyncIterable<DiscoverPicture> | Iterable<DiscoverPicture>,
  options: DiscoverOptions & DiscoverEvents,
): Promise<DiscoveredLandmarks & { /** Those that show the object. */ pictures: SetPicture[] }> => {
  checkDiscoverOptions(options);
  const { inputSize, temperature, cropMargin } = model.manifest;
  const { count, rounds = 3, onMiss, onProgress } = options;
  const subjects: Subject[] = [];
  let given = 0;
  for await (const picture of pictures) {
    const index = given++;
    const roi = await locate(model, own, picture.image);
    if (roi === undefined) {
      onMiss?.(picture);
      continue;
    }
    const square = await embedSquare(model, cropToTensor(picture.image, roi, inputSize), roi);
    subjects.push({ ...picture, index, square });
  }
  const discovered = discoverPoints(
    subjects.map(({ square }) => square.map),
    {
      ...{ count, rounds, temperature, cropMargin },
      views: await lookOtherwise(model, subjects),
      ...(onProgress === undefined ? {} : { onProgress }),
    },
  );
  const points: (Point[] | undefined)[] = Array.from({ length: given }, () => undefined);
  const shown = subjects.map(({ image, name, index, square: { roi } }, n): SetPicture => {
    const places = discovered.points[n].map((point) =>
      clampToPicture(cropToImage(point, roi, inputSize), image),
    );
    points[index] = places;
    return { image, roi, points: places, ...(name === undefined ? {} : { name }) };
  });
  const { set } = await buildLandmarkSet(
    { pictures: shown, names: Array.from({ length: count }, (_, n) => `place ${n + 1}`) },
    { session: model, statistics: false, ...(own === undefined ? {} : { anchors: own }) },
  );
  const flags = discovered.found.flat();
  const found = flags.filter((isFound) => isFound).length / flags.length;
  return { landmarks: set, points, found, pictures: shown };
};
