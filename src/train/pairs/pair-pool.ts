import { InputError } from '../../errors.ts';
import type { FlowField } from '../../flow/optical-flow.ts';
import { allocate, pictureBytes, storePicture } from '../views/pictures.ts';
import type { Picture, PictureSet } from '../views/pictures.ts';
import type { RawPicture } from '../../media/raw-picture.ts';
import type { CropBase, PointMap } from '../views/warps.ts';

/** Two frames of one video and how the first moves into the second. */
export type FramePair = {
  /** Both of the same size. */ a: RawPicture;
  b: RawPicture;
  /** a → b, pixels, of the pictures' size. */ flow: FlowField;
  /** (H, W) how much each pixel of `a` counts, 0 (its flow is not valid) to 255. */ weights: Uint8Array;
  /** What 255 stands for, default 1. */ fullWeight?: number;
  /** How often it is drawn, against the other pairs of its recording; default 1. */ drawWeight?: number;
  /** Canonical crop of both. */ base: CropBase;
  /** Numbers of both frames in their video, where they are frames. */ frames?: readonly [number, number];
  /** (H, W) of both, 0 background to 255 object, where these are told apart. */ mattes?: {
    a: Uint8Array;
    b: Uint8Array;
  };
};

/** A pair inside a {@link PairPool}. */
export type PooledPair = {
  /** Index into `videos` of the pool. */ video: number;
  a: Picture;
  b: Picture;
  base: CropBase;
  /** Where its flow starts: all x, then all y. */ flow: number;
  /** Where its weights start. */ weights: number;
  /** What a weight of 255 stands for. */ fullWeight: number;
  /** How often it is drawn, against the other pairs of its recording. */ drawWeight: number;
  /** Numbers of both frames in their video, where they are frames. */ frames?: readonly [number, number];
  /** Where its mattes start, that of `a` and then that of `b`, if it has any. */ mattes?: number;
};

/** Pairs of many videos in memory that is shared where it can be, so that worker threads read them without a copy. */
export type PairPool = {
  /** Names. */ videos: string[];
  /**
   * For each video the recording that it is a clip of; each is a recording of its own where this is missing. Recordings
   * are drawn equally often, and two pairs of one never meet as each other's auxiliaries.
   */
  recordings?: string[];
  pairs: PooledPair[];
  bytes: Uint8Array;
  /** 1/64 px. */ flow: Int16Array;
  weights: Uint8Array;
  /** What is object and what background, of the pairs that say so. */ mattes?: Uint8Array;
};

const stepsPerPixel = 64;

/** The pool's frames as pictures: two of each pair. */
export const poolPictures = ({ bytes, pairs }: PairPool): PictureSet => ({
  bytes,
  pictures: pairs.flatMap(({ a, b }) => [a, b]),
});

/** Fills a pool pair by pair. */
export type PairPoolBuilder = {
  /**
   * @param video index into the pool's videos
   * @param order place among the pairs of its video; what comes in which order is of no matter
   * @throws InputError for a pair of another size, or one too many
   */
  add(video: number, order: number, pair: FramePair): void;
  finish(): PairPool;
};

/**
 * @param videos names @param capacity pairs at most @param side of the pictures, pixels: they are squares
 */
export const createPairPoolBuilder = (
  videos: readonly string[],
  capacity: number,
  side: number,
): PairPoolBuilder => {
  const area = side * side;
  const each = pictureBytes(side, side);
  // Address space only: the system gives memory to the pages that are written.
  const bytes = new Uint8Array(allocate(capacity * 2 * each));
  const flow = new Int16Array(allocate(capacity * 2 * area * 2));
  const weights = new Uint8Array(allocate(capacity * area));
  let mattes: Uint8Array | undefined;
  const pairs: { order: number; pair: PooledPair }[] = [];

  const add = (video: number, order: number, pair: FramePair): void => {
    for (const { width, height } of [pair.a, pair.b, pair.flow]) {
      if (width === side && height === side) continue;
      throw new InputError(
        `A pair of ${width}×${height} pixels does not fit into a pool of ${side}×${side}. Cut frames to that size.`,
      );
    }
    const index = pairs.length;
    if (index >= capacity) {
      throw new InputError(`A pool for ${capacity} pairs got one more. Make it larger.`);
    }
    const start = 2 * index * area;
    for (let i = 0; i < area; i++) {
      flow[start + i] = Math.round(stepsPerPixel * pair.flow.x[i]);
      flow[start + area + i] = Math.round(stepsPerPixel * pair.flow.y[i]);
    }
    weights.set(pair.weights, index * area);
    if (pair.mattes) {
      mattes ??= new Uint8Array(allocate(capacity * 2 * area));
      mattes.set(pair.mattes.a, start);
      mattes.set(pair.mattes.b, start + area);
    }
    pairs.push({
      order,
      pair: {
        video,
        a: storePicture(bytes, 2 * index * each, pair.a),
        b: storePicture(bytes, (2 * index + 1) * each, pair.b),
        base: pair.base,
        flow: start,
        weights: index * area,
        fullWeight: pair.fullWeight ?? 1,
        drawWeight: pair.drawWeight ?? 1,
        ...(pair.frames && { frames: pair.frames }),
        ...(pair.mattes && { mattes: start }),
      },
    });
  };

  const finish = (): PairPool => {
    // Workers deliver in any order; batches must not depend on it.
    pairs.sort((p, q) => p.pair.video - q.pair.video || p.order - q.order);
    return {
      ...{ videos: [...videos], pairs: pairs.map(({ pair }) => pair), bytes, flow, weights },
      ...(mattes && { mattes }),
    };
  };
  return { add, finish };
};

/**
 * The flow of a pair as a map from the first picture to the second, and how much each place counts: bilinear between
 * pixel centres, and not defined where one of the four around it is not valid.
 */
export const pairMap = (pool: PairPool, pair: PooledPair): PointMap => {
  const { flow, weights } = pool;
  const { width, height } = pair.a;
  const area = width * height;
  return (x, y, out) => {
    const px = Math.min(width - 1, Math.max(0, x - 0.5));
    const py = Math.min(height - 1, Math.max(0, y - 0.5));
    const column = Math.floor(px);
    const row = Math.floor(py);
    const u = px - column;
    const v = py - row;
    const a = row * width + column;
    const b = column < width - 1 ? a + 1 : a;
    const down = row < height - 1 ? width : 0;
    const c = a + down;
    const d = b + down;
    const known = Math.min(
      weights[pair.weights + a],
      weights[pair.weights + b],
      weights[pair.weights + c],
      weights[pair.weights + d],
    );
    if (known === 0) return 0;
    const mix = (values: ArrayLike<number>, start: number): number =>
      (1 - v) * ((1 - u) * values[start + a] + u * values[start + b]) +
      v * ((1 - u) * values[start + c] + u * values[start + d]);
    out[0] = x + mix(flow, pair.flow) / stepsPerPixel;
    out[1] = y + mix(flow, pair.flow + area) / stepsPerPixel;
    return (mix(weights, pair.weights) * pair.fullWeight) / 255;
  };
};

/** (H, W) of the first and of the second picture of a pair, 0 background to 255 object, where these are told apart. */
export const pairMattes = (
  { mattes }: PairPool,
  { mattes: start, a }: PooledPair,
): readonly [Uint8Array, Uint8Array] | undefined => {
  if (mattes === undefined || start === undefined) return undefined;
  const area = a.width * a.height;
  return [mattes.subarray(start, start + area), mattes.subarray(start + area, start + 2 * area)];
};
