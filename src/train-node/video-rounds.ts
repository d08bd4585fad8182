/** The pairs of video frames that each round of a training learns from. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { writeFileAtomic } from '../files-node/atomic-file.ts';
import type { Model } from '../model/model.ts';
import type { PairPool } from '../train/pairs/pair-pool.ts';
import { parseRegions, serializeRegions } from '../train/pairs/regions.ts';
import type { VideoRegions } from '../train/pairs/regions.ts';
import type { Round } from '../train/search/rounds.ts';
import type { TrainingConfig } from '../train/settings/config.ts';
import type { PictureSet } from '../train/views/pictures.ts';
import { pairsPerVideo, preparePairs } from './prepare-pairs.ts';
import type { PairReport } from './prepare-pairs.ts';
import { cropsOfMotion, cropsOfPictures, cropsWithoutObject, searchVideos } from './search-videos.ts';
import type { SearchReport } from './search-videos.ts';

/** How far the preparation of the videos is. */
export type VideoProgress = {
  phase: 'searching' | 'pairing';
  /** Videos done, and all. */ done: number;
  total: number;
  /** Frames in which the object was found, or pairs. */ found: number;
};

export type VideoRoundsOptions = {
  config: TrainingConfig;
  rounds: readonly Round[];
  videos: readonly { name: string; path: string }[];
  /** Where the object is, of the videos that have boxes. */ boxes: ReadonlyMap<string, VideoRegions>;
  /** Still pictures of the object, where there are some. */ set: PictureSet | undefined;
  /** Folder where the regions of each round are kept. */ out: string;
  /** Folder where flows are kept. */ cache: string;
  /** Steps done already. */ startStep: number;
  /** Worker threads. */ workers?: number;
  onSkip: (message: string) => void;
  onWarning?: (message: string) => void;
  onProgress?: (progress: VideoProgress) => void;
  signal?: AbortSignal;
};

/** What the videos give to a round. */
export type RoundPairs = {
  pool: PairPool;
  report: PairReport;
  /** Where the object was searched, unless that was done before the training was resumed. */ search?: SearchReport;
};

type RegionsOf = (name: string) => VideoRegions | undefined;

const wholeFrames: RegionsOf = () => ({ kind: 'whole' });

/** Seed of the crops that hold no object, apart from those of the batches. */
const emptySeedOffset = 2;

const pairUp = async (
  regionsOf: RegionsOf,
  options: VideoRoundsOptions,
): Promise<{ pool: PairPool; report: PairReport }> => {
  const { config, videos, cache, onSkip, signal } = options;
  const { videos: settings, seed, cropMargin } = config;
  return preparePairs({
    ...{ videos, regionsOf, settings, seed, cropMargin, onSkip, cache },
    ...(options.workers !== undefined && { workers: options.workers }),
    ...(options.onWarning && { onWarning: options.onWarning }),
    onProgress: (done, total, found) => options.onProgress?.({ phase: 'pairing', done, total, found }),
    ...(signal && { signal }),
  });
};

/** @param before pairs of the round before: what moves in them stands in for pictures of the object */
const search = async (
  network: Model,
  before: PairPool | undefined,
  { config, videos, set, onProgress, signal }: VideoRoundsOptions,
): Promise<Awaited<ReturnType<typeof searchVideos>>> => {
  const { batch, cropMargin, seed, videos: settings } = config;
  const pools = before ? [{ pool: before, share: 1 }] : [];
  const object = set
    ? cropsOfPictures(set, batch.base, batch.inputSize)
    : before
      ? cropsOfMotion(before, cropMargin, batch.inputSize)
      : [];
  const empty = cropsWithoutObject(
    { ...(set ? { set } : { pools }), settings: batch },
    seed + emptySeedOffset,
  );
  return searchVideos({
    ...{ network, object, empty, videos, settings },
    framesPerVideo: pairsPerVideo(settings, videos.length),
    onProgress: (done, total, { found }) => onProgress?.({ phase: 'searching', done, total, found }),
    ...(signal && { signal }),
  });
};

const regionsPath = (out: string, round: number): string => join(out, `regions-${round}.json`);

/** Regions of a round that a training went through before it was resumed. */
const readRegions = async (path: string): Promise<Map<string, VideoRegions>> => {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new InputError(
      `${path}, where the object was found in the videos, cannot be read. Put it back, or train without --resume.`,
      { cause: error },
    );
  }
  return parseRegions(text, path);
};

/**
 * @returns gives the pairs of a round, whose regions depend on the network of its first step; that is called where the
 * object is to be searched
 */
export const createVideoRounds = (
  options: VideoRoundsOptions,
): ((index: number, network: () => Promise<Model>) => Promise<RoundPairs>) => {
  const { rounds, boxes, set, out, startStep, signal } = options;
  /** The latest pairs: a search without pictures looks for what moves in them. */
  let latest: { round: number; pool: PairPool } | undefined;

  // Pictures go on alone where the object is found nowhere; without them, whole frames do.
  const inRegions = (regions: ReadonlyMap<string, VideoRegions>): RegionsOf =>
    regions.size > 0 || set ? (name) => regions.get(name) : wholeFrames;

  /** The pairs that were trained on before a round; whole frames where the first one searches already. */
  const pairsBefore = async (index: number): Promise<PairPool> => {
    if (latest?.round === index - 1) return latest.pool;
    const isSearched = index > 0 && rounds[index - 1].regions === 'self';
    // Resumed at its first step: nothing of the round before is in memory, but its regions are on disk.
    const regionsOf = isSearched ? inRegions(await readRegions(regionsPath(out, index - 1))) : wholeFrames;
    return (await pairUp(regionsOf, options)).pool;
  };

  const searchNow = async (
    index: number,
    network: () => Promise<Model>,
  ): Promise<Awaited<ReturnType<typeof searchVideos>>> => {
    const model = await network();
    try {
      const before = set === undefined ? await pairsBefore(index) : undefined;
      const found = await search(model, before, options);
      signal?.throwIfAborted();
      await writeFileAtomic(regionsPath(out, index), serializeRegions(found.regions));
      return found;
    } finally {
      await model.close();
    }
  };

  /** Where the pairs of a round lie: found now, or when the round began and kept in a file since. */
  const regionsOfRound = async (
    index: number,
    network: () => Promise<Model>,
  ): Promise<{ regionsOf: RegionsOf; search?: SearchReport }> => {
    const round = rounds[index];
    if (round.regions === 'boxes') return { regionsOf: (name) => boxes.get(name) };
    if (round.regions !== 'self') return { regionsOf: wholeFrames };
    if (startStep > round.from) return { regionsOf: inRegions(await readRegions(regionsPath(out, index))) };
    const { regions, report } = await searchNow(index, network);
    return { regionsOf: inRegions(regions), search: report };
  };

  return async (index, network) => {
    const { regionsOf, search: searchReport } = await regionsOfRound(index, network);
    const { pool, report } = await pairUp(regionsOf, options);
    latest = set ? undefined : { round: index, pool };
    return { pool, report, ...(searchReport && { search: searchReport }) };
  };
};
