/** What a training learns from: pictures, videos, and which part of the frames in which stretch of it. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { firstLine, InputError } from '../errors.ts';
import { indexOfName } from '../files-node/file-in-folder.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import { loadPictures } from '../media-node/load-pictures.ts';
import type { LoadedPictures } from '../media-node/load-pictures.ts';
import { listVideos } from '../media-node/open-video.ts';
import type { AnnotatedPicture, SharedPool } from '../train/batch/sources.ts';
import { videoPool } from '../train/batch/sources.ts';
import { describeData } from '../train/describe-data.ts';
import type { Model } from '../model/model.ts';
import { holdBack } from '../train/pairs/hold-back.ts';
import type { PairPool } from '../train/pairs/pair-pool.ts';
import { groupRecordings } from '../train/pairs/recordings.ts';
import type { VideoRegions } from '../train/pairs/regions.ts';
import { planRounds } from '../train/search/rounds.ts';
import type { RegionMode, Round } from '../train/search/rounds.ts';
import type { TrainingConfig } from '../train/settings/config.ts';
import type { PictureSet } from '../train/views/pictures.ts';
import type { PairReport } from './prepare-pairs.ts';
import type { RigInput } from './rig-pool.ts';
import { readBoxes } from './read-boxes.ts';
import type { SearchReport } from './search-videos.ts';
import { createVideoRounds } from './video-rounds.ts';
import type { RoundPairs, VideoProgress } from './video-rounds.ts';

/** Told of files that are left out, in one line; `count` is how many it is about, default 1. */
export type OnSkip = (message: string, count?: number) => void;

export type VideoInput = {
  /** Folder of videos. */ folder: string;
  mode: RegionMode;
  /** Folder where flows are kept; below `out` by default. */ cache?: string;
};

export type PictureAnnotation = {
  /** File name in the folder of pictures. */ picture: string;
  /**
   * (L) pixels of the picture, given its size: the same landmarks in the same order in every picture; null is a hidden
   * one.
   */
  points: (size: Size) => (Point | null)[];
};

export type DataOptions = {
  config: TrainingConfig;
  /** Folder of still pictures. */ images?: string;
  videos?: VideoInput;
  /** Landmarks of some of the pictures. */ annotations?: readonly PictureAnnotation[];
  /** File of the pictures' 3-D points, where views are made from them, too. */ meshes?: string;
  /** A rig and points of its landmarks, where it draws views of the pictures. */ rig?: RigInput;
  /** Model directory, which the regions of each round are kept in. */ out: string;
  /** Whether training starts from trained weights. */ isTrained: boolean;
  /** Steps done already. */ startStep: number;
  /** Worker threads. */ workers?: number;
  onSkip?: OnSkip;
  onWarning?: (message: string) => void;
  onProgress?: (progress: VideoProgress) => void;
  signal?: AbortSignal;
};

/** What a round starts with. */
export type RoundReport = {
  /** Counted from 0. */ index: number;
  round: Round;
  pairs: PairReport;
  /** Recordings that the videos with pairs are clips of; see `groupRecordings`. */ recordings: number;
  /** Pairs that are kept from training; see `holdBack`. */ held: number;
  /** Where the object was searched, unless that was done before the training was resumed. */ search?: SearchReport;
};

/** The data of one round. */
export type RoundData = {
  set?: PictureSet;
  pools: SharedPool[];
  annotated: AnnotatedPicture[];
  /** Pairs of frames that training does not see. */ held?: PairPool;
  /** Undefined where the round uses no videos. */ report?: RoundReport;
};

export type TrainingData = {
  pictures: PictureSet | undefined;
  /** Pictures whose landmarks are known. */ annotated: AnnotatedPicture[];
  /** Files that could not be used. */ skipped: number;
  videos: number;
  rounds: Round[];
  /** SHA-256 over names and sizes of everything: a resumed training has to see the same. */ digest: string;
  /**
   * @param network of the weights that the round starts with; called where the object is to be searched
   * @throws InputError where neither pictures nor pairs of frames are left to train on
   */
  prepare(index: number, network: () => Promise<Model>): Promise<RoundData>;
};

type VideoFile = { /** Path below the folder, with slashes. */ name: string; path: string; bytes: number };

const findVideos = async (
  folder: string,
  onSkip: OnSkip,
): Promise<{ files: VideoFile[]; skipped: number }> => {
  const { videos, skipped } = await listVideos(folder, onSkip);
  const files: VideoFile[] = [];
  for (const path of videos) {
    const name = relative(folder, path).split(sep).join('/');
    const status = await stat(path);
    // The size of a folder differs from disk to disk.
    files.push({ name: name === '' ? path : name, path, bytes: status.isDirectory() ? 0 : status.size });
  }
  return { files, skipped };
};

/** @throws InputError for an annotated picture that is not among the pictures */
const annotatedPictures = (
  { set, originals }: LoadedPictures,
  annotations: readonly PictureAnnotation[],
  folder: string,
): AnnotatedPicture[] =>
  annotations.map(({ picture: name, points }) => {
    const picture = indexOfName(
      set.pictures.map(({ file }) => file),
      name,
    );
    if (picture < 0) {
      throw new InputError(
        `The annotations name the picture "${name}" but ${folder} has none of that name that can be used. Leave it out, or add it.`,
      );
    }
    const size = originals[picture];
    const { width, height } = set.pictures[picture];
    const toSet = ({ x, y }: Point): Point => ({
      x: (x * width) / size.width,
      y: (y * height) / size.height,
    });
    return { picture, points: points(size).map((point) => point && toSet(point)) };
  });

/** @throws InputError for pictures that cannot be used, or annotations without them */
const openPictures = async (
  { images, annotations }: DataOptions,
  onSkip: OnSkip,
): Promise<{ set: PictureSet | undefined; annotated: AnnotatedPicture[]; skipped: number }> => {
  if (images === undefined) {
    if (annotations === undefined) return { set: undefined, annotated: [], skipped: 0 };
    throw new InputError('Annotations are of pictures, and there are none. Give --images, too.');
  }
  const loaded = await loadPictures(images, {
    onSkip: (_file, message, count) => {
      onSkip(message, count);
    },
  });
  const { set, skipped } = loaded;
  return { set, annotated: annotatedPictures(loaded, annotations ?? [], images), skipped };
};

type OpenVideos = { files: VideoFile[]; boxes: Map<string, VideoRegions>; skipped: number };

/** @throws InputError for boxes of a video that is not there */
const openVideos = async ({ videos: input, config }: DataOptions, onSkip: OnSkip): Promise<OpenVideos> => {
  if (input === undefined) return { files: [], boxes: new Map(), skipped: 0 };
  const { folder, mode } = input;
  const { files, skipped } = await findVideos(folder, onSkip);
  const boxes = new Map<string, VideoRegions>();
  const listed = mode.kind === 'boxes' ? await readBoxes(mode.file, config.cropMargin) : [];
  const names = files.map(({ name }) => name);
  for (const [name, regions] of listed) {
    const index = indexOfName(names, name);
    if (index < 0) {
      throw new InputError(
        `The boxes name the video "${name}" but ${folder} has none of that name that can be read. Name videos by their path below that folder.`,
      );
    }
    boxes.set(names[index], regions);
  }
  return { files, boxes, skipped };
};

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** @throws InputError where the file cannot be read */
const fileDigest = async (path: string): Promise<string> => {
  try {
    return sha256(await readFile(path));
  } catch (error) {
    throw new InputError(`${path} cannot be read (${firstLine(error)}). Give an existing file.`, {
      cause: error,
    });
  }
};

/** What tells this data from any other. */
const digestOf = async (
  set: PictureSet | undefined,
  { files, boxes }: OpenVideos,
  annotated: readonly AnnotatedPicture[],
  { videos: input, isTrained, meshes, rig }: DataOptions,
): Promise<string> => {
  const boxesText = input?.mode.kind === 'boxes' ? JSON.stringify([...boxes]) : '';
  const mode = `${input?.mode.kind ?? ''} ${isTrained} ${boxesText}`;
  const meshesText = meshes === undefined ? '' : `meshes ${await fileDigest(meshes)}\n`;
  // One size for all: what is compared are the points as they are given.
  const rigPoints = rig?.pictures.map(({ picture, points }) => [picture, points({ width: 1, height: 1 })]);
  const rigText = rig === undefined ? '' : `rig ${JSON.stringify(rigPoints)}\n`;
  return sha256(`${describeData(set, files, mode, annotated)}${meshesText}${rigText}`);
};

/** @throws InputError where neither pictures nor pairs of frames are left to train on */
const requirePairs = ({ pool, report }: RoundPairs, videos: number): void => {
  if (pool.pairs.length > 0) return;
  const { broken, tooStill, tooFar } = report;
  throw new InputError(
    `None of the ${videos} videos gives a pair of frames to train on (${broken} broken, ${tooStill} frames too still, ${tooFar} with too much motion). Give videos in which the object moves.`,
  );
};

/**
 * Loads the pictures, lists the videos and plans the rounds. Videos are decoded in {@link TrainingData.prepare}.
 * @throws InputError for unusable pictures, videos or boxes, or neither of them
 */
export const openTrainingData = async (options: DataOptions): Promise<TrainingData> => {
  const { config, images, videos: input, out, isTrained, startStep } = options;
  if (images === undefined && input === undefined) {
    throw new InputError('There is nothing to train on. Give --images, --videos or both.');
  }
  if (images === undefined && options.meshes !== undefined) {
    throw new InputError('Meshes are of pictures, and there are none. Give --images, too.');
  }
  const onSkip: OnSkip = (message, count) => options.onSkip?.(message, count);
  const { set, annotated, skipped } = await openPictures(options, onSkip);
  const videos = await openVideos(options, onSkip);
  const rounds = planRounds({
    ...{ mode: input?.mode, hasPictures: set !== undefined, isTrained },
    ...{ self: config.videos.self, steps: config.steps },
  });
  const pairsOf = createVideoRounds({
    ...{ config, rounds, videos: videos.files, boxes: videos.boxes, set, out, startStep, onSkip },
    cache: input?.cache ?? join(out, 'flow-cache'),
    ...(options.workers !== undefined && { workers: options.workers }),
    ...(options.onWarning && { onWarning: options.onWarning }),
    ...(options.onProgress && { onProgress: options.onProgress }),
    ...(options.signal && { signal: options.signal }),
  });

  const prepare: TrainingData['prepare'] = async (index, network) => {
    const round = rounds[index];
    const alone: RoundData = { ...(set && { set }), pools: [], annotated };
    if (round.regions === 'none') return alone;
    const found = await pairsOf(index, network);
    if (set === undefined) requirePairs(found, videos.files.length);
    const { pool, report: pairs, search } = found;
    const recordings = groupRecordings(pool);
    const { pool: learnt, held } = holdBack({ ...pool, recordings });
    const report: RoundReport = {
      ...{ index, round, pairs },
      recordings: new Set(pool.pairs.map(({ video }) => recordings[video])).size,
      held: held.pairs.length,
      ...(search && { search }),
    };
    return { ...alone, pools: [videoPool(learnt, config.videos)], held, report };
  };

  return {
    ...{ pictures: set, annotated, rounds, prepare },
    skipped: skipped + videos.skipped,
    videos: videos.files.length,
    digest: await digestOf(set, videos, annotated, options),
  };
};
