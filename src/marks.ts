/**
 * What the page hands over to make a landmark set, or to match two pictures. A page that only tracks never loads it: it is
 * imported when it is needed.
 */
import type { CorrespondOptions, PictureCorrespondence } from './correspond/correspond-pictures.ts';
import type { LiveField, LiveOptions } from './correspond/live-correspondence.ts';
import { InputError } from './errors.ts';
import type { Point } from './geometry/coordinates.ts';
import { cropToImage, type Roi } from './geometry/roi.ts';
import type { ObjectBox } from './landmark-maker/create-landmark-set.ts';
import type { DiscoveredLandmarks, DiscoverOptions } from './landmark-maker/discover-landmarks.ts';
import type { IndexPair, LandmarkSet } from './landmarks/landmark-set.ts';
import { checkRoi, rejectUnknownKeys } from './options.ts';
import { toVideoFrame, type FrameInput, type TimedFrame } from './sources/picture.ts';
import type { WorkerClient } from './worker/client.ts';
import type { MarkedFrames, SideFrame, TrackerWorkerApi } from './worker/messages.ts';
import { transfer, type Remote } from './worker/rpc.ts';

/** A picture with landmarks marked on it. */
export type LandmarkPicture = {
  /** A VideoFrame is closed; other pictures stay the caller's. */ picture: FrameInput;
  /** (N) the same landmarks in the same order in every picture, pixels; null is a hidden one. */
  points: readonly (Point | null)[];
  /** Where the object is, pixels; without it the network finds it. */ box?: ObjectBox;
};

/** What a landmark set is made of. */
export type LandmarkSetRequest = {
  /** One to many. */ pictures: readonly LandmarkPicture[];
  /** Default: point 1, point 2 and so on. */ names?: readonly string[];
  /** Lines to draw, landmarks by index. */ connections?: readonly IndexPair[];
  /** Landmarks that change places in a mirrored picture. */ mirrorPairs?: readonly IndexPair[];
  /**
   * Whether the object bends, as an arm, a hand or an animal does: it is then found and followed by its parts, which hang
   * together as `connections` say, and not by one shape. Default false; what has a model with landmarks of its own is
   * found by these in any case.
   */
  bends?: boolean;
};

const landmarkRequestKeys = [
  'pictures',
  'names',
  'connections',
  'mirrorPairs',
  'bends',
] as const satisfies (keyof LandmarkSetRequest)[];

/** A picture to match, and where the object is in it. */
export type CorrespondPicture =
  | FrameInput
  | {
      /** A VideoFrame is closed. */ picture: FrameInput;
      /** Pixels; else the network finds it. */ roi?: Roi;
    };

/** @returns frames that are the worker's from now on @throws InputError for what is no picture */
const toMarkedFrames = async (request: LandmarkSetRequest): Promise<MarkedFrames> => {
  rejectUnknownKeys(request, landmarkRequestKeys, 'createLandmarkSet()');
  const { pictures, ...rest } = request;
  if (!Array.isArray(pictures)) {
    throw new InputError('pictures is no list. Give [{ picture, points }].');
  }
  const marked: MarkedFrames['pictures'][number][] = [];
  try {
    for (const [index, given] of request.pictures.entries()) {
      rejectUnknownKeys(given, ['picture', 'points', 'box'], `pictures[${index}]`);
      const { picture, ...marks } = given;
      if (!Array.isArray(marks.points))
        throw new InputError(`pictures[${index}].points is no list of points.`);
      const { frame } = await toVideoFrame(picture);
      marked.push({ frame, ...marks });
    }
    return { ...rest, pictures: marked };
  } catch (error) {
    for (const { frame } of marked) frame.close();
    throw error;
  }
};

/** @returns frames that are the worker's from now on @throws InputError for what is no picture */
const toFrames = async (pictures: readonly FrameInput[]): Promise<{ frame: VideoFrame }[]> => {
  if (!Array.isArray(pictures)) throw new InputError('pictures is no list. Give four pictures or more.');
  const frames: { frame: VideoFrame }[] = [];
  try {
    for (const picture of pictures as readonly FrameInput[]) {
      const { frame } = await toVideoFrame(picture);
      frames.push({ frame });
    }
    return frames;
  } catch (error) {
    for (const { frame } of frames) frame.close();
    throw error;
  }
};

/** @throws InputError for what is no picture */
export const toSideFrame = async (side: CorrespondPicture, which: string): Promise<SideFrame> => {
  if (typeof side === 'object' && 'picture' in side) {
    rejectUnknownKeys(side, ['picture', 'roi'], `the ${which} picture`);
    const { frame } = await toVideoFrame(side.picture);
    return { frame, ...(side.roi === undefined ? {} : { roi: side.roi }) };
  }
  const { frame } = await toVideoFrame(side);
  return { frame };
};

/** Both of a pair or none. @throws InputError for what is no picture */
const toSideFrames = async (a: CorrespondPicture, b: CorrespondPicture): Promise<[SideFrame, SideFrame]> => {
  const first = await toSideFrame(a, 'first');
  try {
    return [first, await toSideFrame(b, 'second')];
  } catch (error) {
    first.frame.close();
    throw error;
  }
};

type Client = WorkerClient<TrackerWorkerApi>;

/** As `createLandmarkSet` of an open model. */
export const createLandmarkSet = async (
  client: Client,
  request: LandmarkSetRequest,
): Promise<LandmarkSet> => {
  const marked = await toMarkedFrames(request);
  const frames = marked.pictures.map(({ frame }) => frame);
  return client.call((worker) => worker.createLandmarkSet(transfer(marked, frames)));
};

/** As `discoverLandmarks` of an open model. */
export const discoverLandmarks = async (
  client: Client,
  pictures: readonly FrameInput[],
  options: DiscoverOptions,
): Promise<DiscoveredLandmarks> => {
  rejectUnknownKeys(options, ['count', 'rounds'], 'discoverLandmarks()');
  const sides = await toFrames(pictures);
  const frames = sides.map(({ frame }) => frame);
  return client.call((worker) => worker.discoverLandmarks(transfer(sides, frames), options));
};

/** As `correspond` of an open model. */
export const correspond = async (
  client: Client,
  a: CorrespondPicture,
  b: CorrespondPicture,
  options: CorrespondOptions,
): Promise<PictureCorrespondence> => {
  const [first, second] = await toSideFrames(a, b);
  return client.call((worker) =>
    worker.correspond(transfer(first, [first.frame]), transfer(second, [second.frame]), options),
  );
};

/** What the worker finds in one square of a picture. @param known keys of the options */
const lookAt = async (
  client: Client,
  picture: TimedFrame | Promise<TimedFrame>,
  options: { roi: Roi },
  { known, where }: { known: readonly string[]; where: string },
  request: (worker: Remote<TrackerWorkerApi>, frame: VideoFrame) => Promise<Float32Array>,
): Promise<Float32Array> => {
  const { frame } = await picture;
  try {
    rejectUnknownKeys(options, known, where);
    checkRoi(options.roi, where);
    return await client.call((worker) => request(worker, transfer(frame, [frame])));
  } finally {
    // Does nothing to a frame that has gone to the worker, which closes it there.
    frame.close();
  }
};

/** As `embed` of an open model. */
export const embedSquare = (
  client: Client,
  picture: TimedFrame | Promise<TimedFrame>,
  options: { roi: Roi },
): Promise<Float32Array> =>
  lookAt(client, picture, options, { known: ['roi'], where: 'embed()' }, (worker, frame) =>
    worker.embed(frame, options.roi),
  );

/** As `match` of an open model. @param inputSize of the model, pixels */
export const matchSquare = async (
  client: Client,
  picture: TimedFrame | Promise<TimedFrame>,
  options: { roi: Roi; references: Float32Array },
  inputSize: number,
): Promise<(Point & { confidence: number })[]> => {
  const { roi, references } = options;
  const checks = { known: ['roi', 'references'], where: 'match()' };
  const matches = await lookAt(client, picture, options, checks, (worker, frame) =>
    worker.match(frame, roi, references),
  );
  return Array.from({ length: matches.length / 3 }, (_, index) => {
    const [x, y, confidence] = matches.subarray(3 * index);
    return { ...cropToImage({ x, y }, roi, inputSize), confidence };
  });
};

/** A reference picture that is matched with what a tracker sees. */
type OpenReference = {
  fields(): Promise<LiveField[]>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** As `correspondence` of a tracker. @param call calls its worker with its id */
export const openCorrespondence = async (
  call: <Value>(request: (worker: Remote<TrackerWorkerApi>, id: number) => Promise<Value>) => Promise<Value>,
  reference: CorrespondPicture,
  options: LiveOptions,
): Promise<OpenReference> => {
  rejectUnknownKeys(options, ['tolerance', 'roughness'], 'correspondence()');
  const side = await toSideFrame(reference, 'reference');
  const number = await call((worker, id) => worker.openReference(id, transfer(side, [side.frame]), options));
  const close = (): Promise<void> =>
    // A tracker that is closed took its references with it.
    call((worker, id) => worker.closeReference(id, number)).catch(() => undefined);
  return {
    fields: () => call((worker, id) => worker.matchReference(id, number)),
    close,
    [Symbol.asyncDispose]: close,
  };
};
