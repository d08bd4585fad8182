/** What the pairs of a batch are made from, and how many of them come from where. */
import { InputError } from '../../errors.ts';
import type { Point } from '../../geometry/coordinates.ts';
import { pairMap, pairMattes, poolPictures } from '../pairs/pair-pool.ts';
import type { PairPool } from '../pairs/pair-pool.ts';
import type { BatchSettings } from '../settings/batch-settings.ts';
import type { VideoSettings } from '../settings/video-settings.ts';
import type { Picture, PictureSet } from '../views/pictures.ts';
import type { CropBase, PointMap } from '../views/warps.ts';
import { splitPairs } from './step-items.ts';
import type { PairCounts, StepItem, StepItemsOptions } from './step-items.ts';

export type BatchMakerOptions = {
  /** Still pictures; undefined where all pairs come from videos. */ set?: PictureSet;
  settings: BatchSettings;
  /** Whole number. */ seed: number;
  /** Indices into `set.pictures` that show the object; all by default. */ objects?: readonly number[];
  /** Indices into `set.pictures` that show no object: background crops may lie anywhere in them. */
  backgrounds?: readonly number[];
  /** Where pairs of two pictures come from. */ pools?: readonly SharedPool[];
  /** Pictures of `set` whose landmarks are known, two or more. */ annotated?: readonly AnnotatedPicture[];
};

export type AnnotatedPicture = {
  /** Index into `set.pictures`. */ picture: number;
  /** (L) the same landmarks in the same order in every picture, pixels of the picture in the set; null is a hidden one. */
  points: readonly (Point | null)[];
};

/** Pairs of two pictures, such as video frames, with the flow between them. */
export type SharedPool = {
  pool: PairPool;
  /** Whether its pairs are made from the still pictures, as turned views are, and not from videos. */
  ofPictures?: boolean;
  /** Whether all other pairs go through auxiliaries before its own do. */
  isLast?: boolean;
  /** Share of a batch's pairs that it gives, 0–1; where there are no still pictures, pools give all pairs. */
  share: number;
  /** Share of its pairs that are shown before other backgrounds, where they say what is background; default 0. */
  backdrops?: number;
};

/** The pairs of video frames, as batches take them. */
export const videoPool = (pool: PairPool, { share, exchange, backdrops }: VideoSettings): SharedPool => ({
  ...{ pool, share, backdrops },
  isLast: exchange === 'pictures',
});

/** @throws InputError where a batch has more pairs of pictures than there are pictures */
export const requireEnoughPictures = (pictures: number, pairs: number): void => {
  if (pictures >= pairs) return;
  throw new InputError(
    `A batch of ${pairs} pairs needs as many different pictures and there are ${pictures}. Add pictures or lower "pairs".`,
  );
};

/** How many pairs of a batch come from pictures, from each pool, and from annotated pictures. */
type BatchCounts = PairCounts & { fromAnnotated: number };

/** @throws InputError where there is nothing to make pairs from, or one annotated picture without another */
export const countPairs = ({
  set,
  settings,
  objects,
  pools = [],
  annotated = [],
}: Omit<BatchMakerOptions, 'seed'>): BatchCounts => {
  const pictures = objects?.length ?? set?.pictures.length ?? 0;
  const shares = pools.map(({ pool, share }) => (pool.pairs.length > 0 ? share : 0));
  if (pictures === 0 && !shares.some((share) => share > 0)) {
    throw new InputError('There are neither pictures nor pairs of video frames to train on. Give some.');
  }
  if (annotated.length === 1) {
    throw new InputError('One picture is annotated and two are needed. Annotate another one.');
  }
  const annotatedShare = annotated.length > 0 ? settings.annotatedShare : 0;
  const { fromPictures, perPool } = splitPairs(settings.pairs, [...shares, annotatedShare], pictures > 0);
  const fromAnnotated = Math.min(annotated.length, perPool.at(-1) ?? 0);
  const unused = (perPool.at(-1) ?? 0) - fromAnnotated;
  return { fromPictures: fromPictures + unused, perPool: perPool.slice(0, -1), fromAnnotated };
};

/** What the two views of a pair show: one picture twice, or two frames with the flow between them. */
export type Shown = {
  set: PictureSet;
  source: Picture;
  target: Picture;
  base: CropBase;
  between?: PointMap;
  /** Landmarks of the source and of the target, where these are all that is known. */
  landmarks?: readonly [readonly (Point | null)[], readonly (Point | null)[]];
  /** What is object and what background in the source and in the target, and how often that is to be another one, 0–1. */
  backdrop?: { mattes: readonly [Uint8Array, Uint8Array]; share: number };
};

/** The pictures that patches and background crops are cut from. */
export type Scenery = {
  /** Still pictures, or frames where there are none. */ set: PictureSet;
  /** Those of `set` that show the object. */ objects: readonly Picture[];
  /** Whether the object lies in the canonical crop of all of `objects`; in frames it may be anywhere. */
  objectsAreInPlace: boolean;
  /** Those of `set` that show no object. */ empty: readonly Picture[];
  /** (H, W) of those of `objects` in which it is told from its background: 0 background to 255 object. */
  mattes: ReadonlyMap<Picture, Uint8Array>;
};

/** All that the pairs of a training's batches are made from. */
export type BatchSources = {
  scenery: Scenery;
  /** Whether a batch has pairs of annotated pictures. */ hasAnnotated: boolean;
  /** What has to be known to draw the items of a step. */ items: StepItemsOptions;
  shownBy(item: StepItem): Shown;
};

const findScenery = (
  stills: PictureSet | undefined,
  objects: readonly Picture[],
  empty: readonly number[],
  frames: readonly PictureSet[],
  pools: readonly SharedPool[],
): Scenery => {
  if (stills && objects.length > 0) {
    const places = empty.map((i) => stills.pictures[i]);
    return { set: stills, objects, objectsAreInPlace: true, empty: places, mattes: new Map() };
  }
  const index = frames.findIndex(({ pictures }) => pictures.length > 0);
  if (index < 0) throw new InputError('There are no pictures to train on. Give some.');
  const set = frames[index];
  const { pool } = pools[index];
  const mattes = new Map<Picture, Uint8Array>();
  pool.pairs.forEach((pair, i) => {
    pairMattes(pool, pair)?.forEach((matte, k) => mattes.set(set.pictures[2 * i + k], matte));
  });
  return { set, objects: set.pictures, objectsAreInPlace: false, empty: [], mattes };
};

/** @throws InputError where a batch has more pairs than there are pictures, or there is nothing to make them from */
export const createBatchSources = (options: BatchMakerOptions): BatchSources => {
  const { settings, seed, pools = [], annotated = [] } = options;
  const { fromPictures, perPool, fromAnnotated } = countPairs(options);
  const frames = pools.map(({ pool }) => poolPictures(pool));
  const stills = options.set?.pictures ?? [];
  const objects = (options.objects ?? stills.map((_, i) => i)).map((i) => stills[i]);
  requireEnoughPictures(objects.length, fromPictures);
  const scenery = findScenery(options.set, objects, options.backgrounds ?? [], frames, pools);
  const { set } = scenery;

  const shownBy = (item: StepItem): Shown => {
    if (item.kind === 'picture') {
      const picture = objects[item.index];
      return { set, source: picture, target: picture, base: settings.base };
    }
    if (item.kind === 'annotated') {
      const [source, target] = [annotated[item.source], annotated[item.target]];
      return {
        set,
        source: stills[source.picture],
        target: stills[target.picture],
        base: settings.base,
        landmarks: [source.points, target.points],
      };
    }
    const { pool, backdrops: share = 0 } = pools[item.pool];
    const pair = pool.pairs[item.index];
    const mattes = share > 0 ? pairMattes(pool, pair) : undefined;
    return {
      set: frames[item.pool],
      source: pair.a,
      target: pair.b,
      base: pair.base,
      between: pairMap(pool, pair),
      ...(mattes && { backdrop: { mattes, share } }),
    };
  };

  const items: StepItemsOptions = {
    pictures: objects.map(({ file }) => file),
    pools: pools.map(({ pool, ofPictures = false, isLast = false }, i) => ({
      ...{ ofPictures, isLast },
      names: pool.pairs.map(({ video }) => (pool.recordings ?? pool.videos)[video]),
      drawWeights: pool.pairs.map(({ drawWeight }) => drawWeight),
      perBatch: perPool[i],
    })),
    annotated: { names: annotated.map(({ picture }) => stills[picture].file), perBatch: fromAnnotated },
    ...{ fromPictures, seed },
  };
  return { scenery, hasAnnotated: fromAnnotated > 0, items, shownBy };
};
