/**
 * `dve-sdk/node`: landmark sets, and one picture's places in another, in Node. The functions do what those of
 * `dve-sdk/pictures` do in a page, by the same code.
 */
import { fileURLToPath } from 'node:url';
import {
  correspondPictures,
  type CorrespondOptions,
  type PictureCorrespondence,
} from './correspond/correspond-pictures.ts';
import { InputError, shownValue } from './errors.ts';
import type { Point } from './geometry/coordinates.ts';
import type { Roi } from './geometry/roi.ts';
import { createMarkedSet, type MarkedSet, type ObjectBox } from './landmark-maker/create-landmark-set.ts';
import {
  discoverLandmarks as discover,
  type DiscoveredLandmarks,
  type DiscoverOptions,
  type DiscoverPicture,
} from './landmark-maker/discover-landmarks.ts';
import { checkPointLists } from './landmark-maker/set-request.ts';
import { checkLandmarkSet, type IndexPair, type LandmarkSet } from './landmarks/landmark-set.ts';
import { ownSetOf } from './landmarks/own-set.ts';
import { readPicture, type NodePicture } from './media-node/read-picture.ts';
import { readModelDirectory } from './model/model-directory-node.ts';
import { openNodeModel, type NodeModelOptions } from './model/model-node.ts';
import type { Model } from './model/model.ts';
import { rejectUnknownKeys } from './options.ts';

export {
  cellPlace,
  followField,
  type Correspondence,
  type MatchedPoint,
} from './correspond/correspondence.ts';
export type { CorrespondOptions, PictureCorrespondence } from './correspond/correspond-pictures.ts';
export { pixelField, type PixelField } from './correspond/pixel-field.ts';
export { meshMap, splineMap, warpPicture, type PictureMap } from './correspond/warp-picture.ts';
export { DeviceError, InputError, ModelError } from './errors.ts';
export type { ObjectBox } from './landmark-maker/create-landmark-set.ts';
export type { DiscoveredLandmarks, DiscoverOptions } from './landmark-maker/discover-landmarks.ts';
export { parseLandmarkSet, serializeLandmarkSet, type LandmarkSet } from './landmarks/landmark-set.ts';
export { parsePointsFile, serializePointsFile, type PointsFile } from './landmarks/points-file.ts';
export type { NodePicture } from './media-node/read-picture.ts';
export type { PixelImage } from './pipeline/crop.ts';

/** Which model, and how it is run. */
export type NodeOptions = {
  /** Path or `file:` URL of a model directory. Default: the face model of this package. */ model?:
    string | URL;
  /** Which of its networks. Default `fp32`. */ precision?: 'fp32' | 'int8';
  /** `cpu` is onnxruntime-node, `wasm` onnxruntime-web. Default: cpu where it is installed. */
  device?: 'cpu' | 'wasm';
  /** Threads of ONNX Runtime. */ threads?: number;
};

/** A picture with landmarks marked on it. */
export type MarkedNodePicture = {
  /** File or pixels. */ picture: NodePicture;
  /** (N) the same landmarks in the same order in every picture, pixels; null is a hidden one. */
  points: readonly (Point | null)[];
  /** Where the object is, pixels; without it the network finds it. */ box?: ObjectBox;
};

/** What a landmark set is made of. */
export type NodeSetRequest = {
  /** One to many. */ pictures: readonly MarkedNodePicture[];
  /** Default: point 1, point 2 and so on. */ names?: readonly string[];
  /** Lines to draw, landmarks by index. */ connections?: readonly IndexPair[];
  /** Landmarks that change places in a mirrored picture. */ mirrorPairs?: readonly IndexPair[];
  /** Whether the object bends, and is found by its parts; see `LandmarkSetRequest` of `dve-sdk/pictures`. */
  bends?: boolean;
};

/** A picture to match, and where the object is in it. */
export type CorrespondNodePicture =
  | NodePicture
  | {
      /** File or pixels. */ picture: NodePicture;
      /** Pixels; else the network finds it. */ roi?: Roi;
    };

const modelKeys = ['model', 'precision', 'device', 'threads'] as const satisfies (keyof NodeOptions)[];
const requestKeys = [
  'pictures',
  'names',
  'connections',
  'mirrorPairs',
  'bends',
] as const satisfies (keyof NodeSetRequest)[];

/** Beside `src` as beside `dist`. */
const faceModel = new URL('../models/face', import.meta.url);

/** An open model: for many pictures open one. Calls wait for each other. */
export class NodeModel {
  readonly #model: Model;
  readonly #own: LandmarkSet | undefined;

  /** @internal */
  constructor(model: Model, own: LandmarkSet | undefined) {
    this.#model = model;
    this.#own = own;
  }

  /** What the model knows, for example `face`. */
  get category(): string {
    return this.#model.manifest.category;
  }

  /** As the function of this name. */
  async createLandmarkSet(request: NodeSetRequest): Promise<LandmarkSet> {
    rejectUnknownKeys(request, requestKeys, 'createLandmarkSet()');
    checkPointLists(request.pictures);
    const pictures: MarkedSet['pictures'][number][] = [];
    for (const [index, given] of request.pictures.entries()) {
      rejectUnknownKeys(given, ['picture', 'points', 'box'], `pictures[${index}]`);
      const { picture, ...marks } = given;
      pictures.push({ image: await readPicture(picture, `pictures[${index}].picture`), ...marks });
    }
    const { set } = await createMarkedSet(this.#own, { ...request, pictures }, { session: this.#model });
    return set;
  }

  /** As the function of this name. */
  async discoverLandmarks(
    pictures: readonly NodePicture[],
    options: DiscoverOptions,
  ): Promise<DiscoveredLandmarks> {
    rejectUnknownKeys(options, ['count', 'rounds'], 'discoverLandmarks()');
    if (!Array.isArray(pictures)) {
      throw new InputError(`pictures is ${shownValue(pictures)}. Give a list of four pictures or more.`);
    }
    const read = async function* (): AsyncGenerator<DiscoverPicture, void> {
      for (const [index, picture] of pictures.entries()) {
        yield { image: await readPicture(picture as NodePicture, `pictures[${index}]`) };
      }
    };
    const { landmarks, points, found } = await discover(this.#model, this.#own, read(), options);
    return { landmarks, points, found };
  }

  /** As the function of this name. */
  async correspond(
    a: CorrespondNodePicture,
    b: CorrespondNodePicture,
    options: CorrespondOptions = {},
  ): Promise<PictureCorrespondence> {
    const side = async (given: CorrespondNodePicture, which: string) => {
      const { picture, roi } =
        typeof given === 'object' && 'picture' in given ? given : { picture: given, roi: undefined };
      const image = await readPicture(picture, `the ${which} picture`);
      return { image, ...(roi === undefined ? {} : { roi }) };
    };
    return correspondPictures(
      this.#model,
      this.#own,
      await side(a, 'first'),
      await side(b, 'second'),
      options,
    );
  }

  /** Frees the network. The model must not be used afterwards. */
  async close(): Promise<void> {
    await this.#model.close();
  }

  /** As `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Opens a model for any number of pictures; close it at the end.
 * @throws ModelError where the directory or its network cannot be used; DeviceError where `device` cannot be had
 */
export const openModel = async (options: NodeOptions = {}): Promise<NodeModel> => {
  rejectUnknownKeys(options, modelKeys, 'openModel()');
  const { model = faceModel, ...runtime } = options;
  const directory = await readModelDirectory(typeof model === 'string' ? model : fileURLToPath(model));
  const own = ownSetOf(directory);
  if (own !== undefined) checkLandmarkSet(own, directory.manifest);
  return new NodeModel(await openNodeModel(directory, runtime satisfies NodeModelOptions), own);
};

const withNodeModel = async <Result>(
  options: NodeOptions,
  use: (model: NodeModel) => Promise<Result>,
): Promise<Result> => {
  const model = await openModel(options);
  try {
    return await use(model);
  } finally {
    await model.close();
  }
};

/** Which of the options say which model, and the others. */
const split = <Options extends NodeOptions>({ model, precision, device, threads, ...rest }: Options) => ({
  rest,
  options: {
    ...(model === undefined ? {} : { model }),
    ...(precision === undefined ? {} : { precision }),
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
  } satisfies NodeOptions,
});

/**
 * Makes a landmark set from points marked on pictures: one is enough. Write it with `serializeLandmarkSet`, and give it
 * to `track()` in a page or to `dve track --landmarks`.
 *
 *     const landmarks = await createLandmarkSet({ pictures: [{ picture: 'ada.jpg', points: [{ x: 120, y: 96 }] }] });
 *
 * @param request with the options of `openModel()`; default: the face model
 * @throws InputError for pictures, points, names, lines or boxes that cannot be used, and where no object is found; what
 * `openModel()` throws
 */
export const createLandmarkSet = async (request: NodeSetRequest & NodeOptions): Promise<LandmarkSet> => {
  const { rest, options } = split(request);
  return withNodeModel(options, (model) => model.createLandmarkSet(rest));
};

/**
 * Makes a landmark set of places that nobody clicked, chosen by the network itself; see `dve-sdk/pictures`.
 * @param pictures four or more that show the object
 * @param options with those of `openModel()`; default: the face model
 * @throws InputError for options that make no sense, too few pictures that show the object, and where the network
 * recognises too few places; what `openModel()` throws
 */
export const discoverLandmarks = async (
  pictures: readonly NodePicture[],
  options: DiscoverOptions & NodeOptions,
): Promise<DiscoveredLandmarks> => {
  const { rest, options: which } = split(options);
  return withNodeModel(which, (model) => model.discoverLandmarks(pictures, rest));
};

/**
 * Finds every place of one picture's object in another picture's.
 * @param options with those of `openModel()`; default: the face model
 * @throws InputError for options that make no sense, and where an object is not found; what `openModel()` throws
 */
export const correspond = async (
  a: CorrespondNodePicture,
  b: CorrespondNodePicture,
  options: CorrespondOptions & NodeOptions = {},
): Promise<PictureCorrespondence> => {
  const { rest, options: which } = split(options);
  return withNodeModel(which, (model) => model.correspond(a, b, rest));
};
