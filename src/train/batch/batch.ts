import { InputError } from '../../errors.ts';
import type { Point } from '../../geometry/coordinates.ts';
import type { BatchSettings } from '../settings/batch-settings.ts';
import type { GridMap } from '../views/grid-map.ts';
import { correspondLandmarks } from '../pairs/landmark-pairs.ts';
import { pairMap, poolPictures } from '../pairs/pair-pool.ts';
import type { PairPool } from '../pairs/pair-pool.ts';
import { augmentPhotometric } from '../../augment/photometric.ts';
import type { Picture, PictureSet } from '../views/pictures.ts';
import { createRandom } from '../../augment/random.ts';
import type { Random } from '../../augment/random.ts';
import { createSamplePositions, fillSamplePositions, renderPicture } from '../views/render.ts';
import { createStepItems, splitPairs } from './step-items.ts';
import type { PairCounts, StepItem } from './step-items.ts';
import { createTexturePainter } from '../views/textures.ts';
import type { Piece } from '../views/textures.ts';
import { correspond, createWarpSampler } from '../views/warps.ts';
import type { VideoSettings } from '../settings/video-settings.ts';
import type { CropBase, PointMap, View } from '../views/warps.ts';

export type Batch = {
  /** (2·N + K, 3, S, S) planar RGB 0–1: N source views, N target views, K background crops. */
  images: Float32Array;
  /**
   * (N, Q, 2): where the centre of each source query cell lies in the target view, crop pixels of the target, xy.
   * Q = queryGrid², row-major; query cells have centres cellCenter(c, r, S / queryGrid).
   */
  targets: Float32Array;
  /**
   * (N, Q): how much each correspondence counts. 0 where it is not real (outside a picture or the target crop,
   * occluded, its flow unknown), else 1; less for still parts of video frames, more for what deforms in them.
   */
  valid: Float32Array;
  /** (N, Q): likewise for cells on annotated landmarks, which `valid` leaves out; only where there are annotations. */
  annotated?: Float32Array;
};

/** Makes the batch of a step: a pure function of the step and of what the maker was made with. */
export type BatchMaker = (step: number) => Batch;

/** Streams of random numbers: one per purpose, so that a new draw in one leaves the others alone. */
const streams = { pair: 1, background: 2 };

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
  /** (L) the same landmarks in the same order in every picture, pixels of the picture in the set. */
  points: readonly Point[];
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
};

/** The pairs of video frames, as batches take them. */
export const videoPool = (pool: PairPool, { share, exchange }: VideoSettings): SharedPool => ({
  ...{ pool, share },
  isLast: exchange === 'pictures',
});

/** What the two views of a pair show: one picture twice, or two frames with the flow between them. */
type Shown = {
  set: PictureSet;
  source: Picture;
  target: Picture;
  base: CropBase;
  between?: PointMap;
  /** Landmarks of the source and of the target, where these are all that is known. */
  landmarks?: readonly [readonly Point[], readonly Point[]];
};

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

/** @throws InputError where a batch has more pairs than there are pictures, or there is nothing to make them from */
export const createBatchMaker = (options: BatchMakerOptions): BatchMaker => {
  const { settings, seed, pools = [], annotated = [] } = options;
  const { inputSize: size, pairs, queryGrid, backgrounds } = settings;
  const { fromPictures, perPool, fromAnnotated } = countPairs(options);
  const frames = pools.map(({ pool }) => poolPictures(pool));
  const stills = options.set?.pictures ?? [];
  const objects = (options.objects ?? stills.map((_, i) => i)).map((i) => stills[i]);
  const hasObjects = objects.length > 0;
  requireEnoughPictures(objects.length, fromPictures);
  // What patches and background crops are taken from: the pictures, or the frames where there are none.
  const set = hasObjects ? options.set : frames.find(({ pictures }) => pictures.length > 0);
  if (set === undefined) throw new InputError('There are no pictures to train on. Give some.');
  const shownObjects = hasObjects ? objects : set.pictures;
  const scenery = hasObjects ? (options.backgrounds ?? []).map((i) => stills[i]) : [];
  const queries = queryGrid * queryGrid;
  const plane = size * size;
  const warps = createWarpSampler(size, settings.geometric);
  const itemsOf = createStepItems({
    pictures: objects.map(({ file }) => file),
    pools: pools.map(({ pool, ofPictures = false, isLast = false }, i) => ({
      ...{ ofPictures, isLast },
      names: pool.pairs.map(({ video }) => (pool.recordings ?? pool.videos)[video]),
      drawWeights: pool.pairs.map(({ drawWeight }) => drawWeight),
      perBatch: perPool[i],
    })),
    annotated: { names: annotated.map(({ picture }) => stills[picture].file), perBatch: fromAnnotated },
    ...{ fromPictures, seed },
  });
  const painter = createTexturePainter(set, size);
  const positions = createSamplePositions(size);
  const patch = new Float32Array(3 * plane);

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
    const { pool } = pools[item.pool];
    const pair = pool.pairs[item.index];
    const between = pairMap(pool, pair);
    return { set: frames[item.pool], source: pair.a, target: pair.b, base: pair.base, between };
  };

  const anyPicture = (random: Random): Picture => set.pictures[random.int(set.pictures.length)];

  const anyPiece = (picture: Picture, random: Random, least: number, greatest: number): Piece => {
    const side = random.uniform(least, greatest) * Math.min(picture.width, picture.height);
    return {
      x: random.uniform(side / 2, picture.width - side / 2),
      y: random.uniform(side / 2, picture.height - side / 2),
      side,
      rotation: random.normal(0, 0.3),
    };
  };

  const paintPatch = (random: Random): void => {
    const kind = random.uniform();
    if (kind < 0.35) painter.gradient(patch, random);
    else if (kind < 0.6) painter.noise(patch, random);
    else if (kind < 0.7) painter.stripes(patch, random);
    else {
      const picture = anyPicture(random);
      const softness = random.chance(0.4) ? random.uniform(1, 4) : 0;
      // Small pieces: a second whole object beside the first would compete with it.
      painter.piece(patch, picture, anyPiece(picture, random, 0.12, 0.4), softness);
    }
  };

  /** Replaces what lies beyond the picture's edge, so that the edge itself teaches nothing. */
  const fillOutside = (image: Float32Array, picture: Picture, random: Random): void => {
    // A third keeps the repeated edge pixels that rendering leaves there.
    const repeat = random.chance(0.33);
    const stream = random.split(1);
    let painted = false;
    for (let pixel = 0; pixel < plane; pixel++) {
      const x = positions.x[pixel];
      const y = positions.y[pixel];
      if (x >= 0 && y >= 0 && x <= picture.width && y <= picture.height) continue;
      if (repeat) return;
      if (!painted) paintPatch(stream);
      painted = true;
      for (let channel = 0; channel < 3; channel++) {
        image[channel * plane + pixel] = patch[channel * plane + pixel];
      }
    }
  };

  /** Draws a rotated rectangle or ellipse over the crop and marks its pixels. */
  const drawOccluder = (image: Float32Array, occluded: Uint8Array, random: Random): void => {
    const [least, greatest] = settings.occlusion.size;
    const halfWidth = (size / 2) * random.uniform(least, greatest);
    const halfHeight = (size / 2) * random.uniform(least, greatest);
    const centerX = random.uniform(0, size);
    const centerY = random.uniform(0, size);
    const angle = random.uniform(0, Math.PI);
    const round = random.chance(0.5);
    const cos = Math.cos(angle);
    const sin = Math.sin(angle);
    paintPatch(random);
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const dx = column + 0.5 - centerX;
        const dy = row + 0.5 - centerY;
        const u = (cos * dx + sin * dy) / halfWidth;
        const v = (cos * dy - sin * dx) / halfHeight;
        if (round ? u * u + v * v > 1 : Math.abs(u) > 1 || Math.abs(v) > 1) continue;
        const pixel = row * size + column;
        occluded[pixel] = 1;
        for (let channel = 0; channel < 3; channel++) {
          image[channel * plane + pixel] = patch[channel * plane + pixel];
        }
      }
    }
  };

  const renderView = (
    from: PictureSet,
    picture: Picture,
    map: GridMap,
    image: Float32Array,
    random: Random,
  ): View => {
    const occluded = new Uint8Array(plane);
    fillSamplePositions(map, positions);
    const levelShift = random.uniform(-0.5, 1) * settings.softness;
    renderPicture(from, picture, map, positions, levelShift, image);
    fillOutside(image, picture, random.split(1));
    if (random.chance(settings.occlusion.share)) drawOccluder(image, occluded, random.split(2));
    augmentPhotometric(image, size, settings.photometric, random.split(3));
    return { map, width: picture.width, height: picture.height, occluded };
  };

  /** A piece of a picture that keeps clear of the middle of its canonical crop, or none after some tries. */
  const clearPiece = (picture: Picture, random: Random): Piece | undefined => {
    const { base, objectShare } = settings;
    const half = (base.side * objectShare * Math.min(picture.width, picture.height)) / 2;
    for (let attempt = 0; attempt < 30; attempt++) {
      const place = anyPiece(picture, random, 0.12, 0.5);
      // A little rotation makes the square reach further than half its side.
      const reach = half + 0.6 * place.side;
      const apartX = Math.abs(place.x - base.centerX * picture.width) >= reach;
      const apartY = Math.abs(place.y - base.centerY * picture.height) >= reach;
      if (apartX || apartY) return place;
    }
    return undefined;
  };

  const renderBackground = (image: Float32Array, random: Random): void => {
    const kind = random.uniform();
    if (kind < 0.45) {
      if (scenery.length > 0 && random.chance(0.7)) {
        const picture = scenery[random.int(scenery.length)];
        painter.piece(image, picture, anyPiece(picture, random, 0.2, 1), 0);
      } else {
        const picture = shownObjects[random.int(shownObjects.length)];
        // In frames the object may be anywhere.
        const place = hasObjects ? clearPiece(picture, random) : undefined;
        if (place) painter.piece(image, picture, place, 0);
        else painter.scrambled(image, picture, random);
      }
    } else if (kind < 0.65) painter.scrambled(image, anyPicture(random), random);
    else if (kind < 0.8) painter.noise(image, random);
    else if (kind < 0.88) painter.text(image, random);
    else if (kind < 0.95) painter.stripes(image, random);
    else painter.gradient(image, random);
    augmentPhotometric(image, size, settings.photometric, random.split(3));
  };

  return (step) => {
    const images = new Float32Array((2 * pairs + backgrounds) * 3 * plane);
    const targets = new Float32Array(pairs * queries * 2);
    const valid = new Float32Array(pairs * queries);
    const onLandmarks = fromAnnotated > 0 ? new Float32Array(pairs * queries) : undefined;
    const imageAt = (index: number): Float32Array =>
      images.subarray(index * 3 * plane, (index + 1) * 3 * plane);
    itemsOf(step).forEach((item, n) => {
      const random = createRandom(seed, streams.pair, step, n);
      const shown = shownBy(item);
      // Two pictures may differ in size: the same draw, each on its own scale.
      const [sourceMap] = warps.drawPair({ ...shown.source, base: shown.base }, random.split(0));
      const [, targetMap] = warps.drawPair({ ...shown.target, base: shown.base }, random.split(0));
      const source = renderView(shown.set, shown.source, sourceMap, imageAt(n), random.split(1));
      const target = renderView(shown.set, shown.target, targetMap, imageAt(pairs + n), random.split(2));
      const itsTargets = targets.subarray(n * queries * 2, (n + 1) * queries * 2);
      const part = (weights: Float32Array): Float32Array => weights.subarray(n * queries, (n + 1) * queries);
      if (shown.landmarks && onLandmarks) {
        correspondLandmarks(source, target, shown.landmarks, queryGrid, itsTargets, part(onLandmarks));
      } else {
        correspond(source, target, queryGrid, itsTargets, part(valid), shown.between);
      }
    });
    for (let k = 0; k < backgrounds; k++) {
      renderBackground(imageAt(2 * pairs + k), createRandom(seed, streams.background, step, k));
    }
    return { images, targets, valid, ...(onLandmarks && { annotated: onLandmarks }) };
  };
};
