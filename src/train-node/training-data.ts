/** What a training learns from: pictures, videos, and which part of the frames in which stretch of it. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { InputError } from '../errors.ts';
import { writeFileAtomic } from '../files-node/atomic-file.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import type { AnnotatedPicture, SharedPool } from '../train/batch/batch.ts';
import { videoPool } from '../train/batch/batch.ts';
import type { TrainingConfig } from '../train/settings/config.ts';
import { describeData } from '../train/describe-data.ts';
import { loadPictures } from '../media-node/load-pictures.ts';
import type { LoadedPictures } from '../media-node/load-pictures.ts';
import type { PairPool } from '../train/pairs/pair-pool.ts';
import type { PictureSet } from '../train/views/pictures.ts';
import { pairsPerVideo, preparePairs } from './prepare-pairs.ts';
import type { PairReport } from './prepare-pairs.ts';
import { groupRecordings } from '../train/pairs/recordings.ts';
import { readBoxes } from './read-boxes.ts';
import { parseRegions, serializeRegions } from '../train/pairs/regions.ts';
import type { VideoRegions } from '../train/pairs/regions.ts';
import { planRounds } from '../train/search/rounds.ts';
import type { RegionMode, Round } from '../train/search/rounds.ts';
import { cropsOfMotion, cropsOfPictures, cropsWithoutObject, searchVideos } from './search-videos.ts';
import type { SearchReport } from './search-videos.ts';
import type { Model } from '../model/model.ts';
import { listVideos } from '../media-node/open-video.ts';

export type VideoInput = {
  /** Folder of videos. */ folder: string;
  mode: RegionMode;
  /** Folder where flows are kept; below `out` by default. */ cache?: string;
};

export type PictureAnnotation = {
  /** File name in the folder of pictures. */ picture: string;
  /** (L) pixels of the picture, given its size: the same landmarks in the same order in every picture. */
  points: (size: Size) => Point[];
};

export type DataOptions = {
  config: TrainingConfig;
  /** Folder of still pictures. */ images?: string;
  videos?: VideoInput;
  /** Landmarks of some of the pictures. */ annotations?: readonly PictureAnnotation[];
  /** Model directory, which the regions of each round are kept in. */ out: string;
  /** Whether training starts from trained weights. */ isTrained: boolean;
  /** Steps done already. */ startStep: number;
  /** Worker threads. */ workers?: number;
  onSkip?: (message: string) => void;
  onWarning?: (message: string) => void;
  onProgress?: (progress: VideoProgress) => void;
  signal?: AbortSignal;
};

/** How far the preparation of the videos is. */
export type VideoProgress = {
  phase: 'searching' | 'pairing';
  /** Videos done, and all. */ done: number;
  total: number;
  /** Frames in which the object was found, or pairs. */ found: number;
};

/** What a round starts with. */
export type RoundReport = {
  /** Counted from 0. */ index: number;
  round: Round;
  pairs: PairReport;
  /** Recordings that the videos with pairs are clips of; see `groupRecordings`. */ recordings: number;
  /** Where the object was searched, unless that was done before the training was resumed. */ search?: SearchReport;
};

/** The data of one round. */
export type RoundData = {
  set?: PictureSet;
  pools: SharedPool[];
  annotated: AnnotatedPicture[];
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
  onSkip: (message: string) => void,
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
    const picture = set.pictures.findIndex(({ file }) => file === name);
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
    return { picture, points: points(size).map(toSet) };
  });

/** Seed of the crops that hold no object, apart from those of the batches. */
const emptySeedOffset = 2;

/**
 * Loads the pictures, lists the videos and plans the rounds. Videos are decoded in {@link TrainingData.prepare}.
 * @throws InputError for unusable pictures, videos or boxes, or neither of them
 */
export const openTrainingData = async (options: DataOptions): Promise<TrainingData> => {
  const { config, images, videos: input, out, isTrained, startStep, signal } = options;
  const { batch, cropMargin, seed, videos: settings } = config;
  const onSkip = (message: string): void => options.onSkip?.(message);
  if (images === undefined && input === undefined) {
    throw new InputError('There is nothing to train on. Give --images, --videos or both.');
  }
  const loaded =
    images === undefined
      ? undefined
      : await loadPictures(images, {
          onSkip: (_file, message) => {
            onSkip(message);
          },
        });
  const set = loaded?.set;
  if (options.annotations && (loaded === undefined || images === undefined)) {
    throw new InputError('Annotations are of pictures, and there are none. Give --images, too.');
  }
  const annotated =
    loaded && images !== undefined ? annotatedPictures(loaded, options.annotations ?? [], images) : [];
  const { files, skipped } = input ? await findVideos(input.folder, onSkip) : { files: [], skipped: 0 };
  const boxes = input?.mode.kind === 'boxes' ? await readBoxes(input.mode.file, cropMargin) : undefined;
  const unlisted = [...(boxes?.keys() ?? [])].find((name) => !files.some((file) => file.name === name));
  if (unlisted !== undefined) {
    throw new InputError(
      `The boxes name the video "${unlisted}" but ${input?.folder} has none of that name that can be read. Name videos by their path below that folder.`,
    );
  }
  const { self } = settings;
  const rounds = planRounds({
    ...{ mode: input?.mode, hasPictures: set !== undefined, isTrained, self },
    steps: config.steps,
  });
  const boxesText = boxes ? JSON.stringify([...boxes]) : '';
  /** Of the round before: what moves in it stands in for pictures of the object. */
  let lastPool: PairPool | undefined;

  const pairUp = async (
    regionsOf: (name: string) => VideoRegions | undefined,
  ): Promise<{ pool: PairPool; report: PairReport }> =>
    preparePairs({
      ...{ videos: files, regionsOf, settings, seed, cropMargin, onSkip },
      cache: input?.cache ?? join(out, 'flow-cache'),
      ...(options.workers !== undefined && { workers: options.workers }),
      ...(options.onWarning && { onWarning: options.onWarning }),
      onProgress: (done, total, found) => options.onProgress?.({ phase: 'pairing', done, total, found }),
      ...(signal && { signal }),
    });

  const wholeFrames = (): VideoRegions => ({ kind: 'whole' });

  const search = async (network: Model): Promise<Awaited<ReturnType<typeof searchVideos>>> => {
    const { inputSize } = batch;
    // Without pictures, and with a network that comes trained, no round of whole frames came before.
    if (set === undefined) lastPool ??= (await pairUp(wholeFrames)).pool;
    const pools = lastPool ? [{ pool: lastPool, share: 1 }] : [];
    const object = set
      ? cropsOfPictures(set, batch.base, inputSize)
      : lastPool
        ? cropsOfMotion(lastPool, cropMargin, inputSize)
        : [];
    const empty = cropsWithoutObject(
      { ...(set && { set }), ...(set ? {} : { pools }), settings: batch },
      seed + emptySeedOffset,
    );
    return searchVideos({
      ...{ network, object, empty, videos: files, settings },
      framesPerVideo: pairsPerVideo(settings, files.length),
      onProgress: (done, total, { found }) =>
        options.onProgress?.({ phase: 'searching', done, total, found }),
      ...(signal && { signal }),
    });
  };

  /** Regions of a self round: found now, or when the round began and kept in a file since. */
  const selfRegions = async (
    index: number,
    network: () => Promise<Model>,
  ): Promise<{ regions: Map<string, VideoRegions>; search?: SearchReport }> => {
    const path = join(out, `regions-${index}.json`);
    if (startStep > rounds[index].from) {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (error) {
        throw new InputError(
          `${path}, where the object was found in the videos, cannot be read. Put it back, or train without --resume.`,
          { cause: error },
        );
      }
      return { regions: parseRegions(text, path) };
    }
    const model = await network();
    try {
      const { regions, report } = await search(model);
      signal?.throwIfAborted();
      await writeFileAtomic(path, serializeRegions(regions));
      return { regions, search: report };
    } finally {
      await model.close();
    }
  };

  const prepare: TrainingData['prepare'] = async (index, network) => {
    const round = rounds[index];
    const alone: RoundData = { ...(set && { set }), pools: [], annotated };
    if (round.regions === 'none') return alone;
    let regionsOf: (name: string) => VideoRegions | undefined = wholeFrames;
    let found: SearchReport | undefined;
    if (round.regions === 'boxes') regionsOf = (name) => boxes?.get(name);
    if (round.regions === 'self') {
      const { regions, search: report } = await selfRegions(index, network);
      found = report;
      // Pictures go on alone where the object is found nowhere; without them, whole frames do.
      if (regions.size > 0 || set) regionsOf = (name) => regions.get(name);
    }
    const { pool, report: pairs } = await pairUp(regionsOf);
    lastPool = set ? undefined : pool;
    if (pool.pairs.length === 0 && !set) {
      throw new InputError(
        `None of the ${files.length} videos gives a pair of frames to train on (${pairs.broken} broken, ${pairs.tooStill} frames too still, ${pairs.tooFar} with too much motion). Give videos in which the object moves.`,
      );
    }
    const recordings = groupRecordings(pool);
    const report: RoundReport = {
      ...{ index, round, pairs },
      recordings: new Set(pool.pairs.map(({ video }) => recordings[video])).size,
      ...(found && { search: found }),
    };
    return { ...alone, pools: [videoPool({ ...pool, recordings }, settings)], report };
  };

  return {
    pictures: set,
    annotated,
    skipped: (loaded?.skipped ?? 0) + skipped,
    videos: files.length,
    rounds,
    digest: createHash('sha256')
      .update(describeData(set, files, `${input?.mode.kind ?? ''} ${isTrained} ${boxesText}`, annotated))
      .digest('hex'),
    prepare,
  };
};
