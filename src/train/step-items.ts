import { createRandom } from './random.ts';
import type { Random } from './random.ts';

/** What one pair of a batch is made from: a picture (both views show it), or a pair of frames. */
export type StepItem =
  | { kind: 'picture'; /** Index among the pictures. */ index: number }
  | {
      kind: 'frames';
      /** Index among the videos. */ video: number;
      /** Index among the pairs of frames. */ index: number;
    };

export type StepItemsOptions = {
  /** Number of pictures. */ pictures: number;
  /** Video of each pair of frames; ascending. */ videoOfPair: readonly number[];
  /** Pairs of a batch. */ pairs: number;
  /** How many of them are pairs of frames. */ fromVideos: number;
  seed: number;
};

/** Streams of random numbers. */
const streams = { order: 0, videos: 3, frames: 4, places: 5 };

/** How many pairs of a batch come from videos. @param share wanted, 0–1, where there are both */
export const videoPairsOf = (pairs: number, share: number, pictures: number, videoPairs: number): number => {
  if (videoPairs === 0) return 0;
  return pictures === 0 ? pairs : Math.round(share * pairs);
};

/** An endless row of permutations of 0 … count − 1, cut into steps; no step holds the end of one and the start of the next. */
const createPasses = (
  count: number,
  perStep: number,
  seed: number,
  stream: number,
): ((step: number) => Int32Array) => {
  const stepsPerPass = Math.floor(count / perStep);
  let current = { pass: -1, order: new Int32Array(0) };
  return (step) => {
    const pass = Math.floor(step / stepsPerPass);
    if (current.pass !== pass) {
      const indices = Int32Array.from({ length: count }, (_, i) => i);
      current = { pass, order: createRandom(seed, stream, pass).shuffle(indices) };
    }
    const first = (step % stepsPerPass) * perStep;
    return current.order.subarray(first, first + perStep);
  };
};

/**
 * An order in which items of one group lie far apart, round and round: the auxiliaries of an item are the next ones, and
 * have to show other instances. No two neighbours are of one group unless it has more than half of all items.
 * @param groups group of each item
 * @returns indices into `groups`
 */
export const spreadGroups = (groups: readonly number[], random: Random): number[] => {
  const members = new Map<number, number[]>();
  for (const item of random.shuffle(groups.map((_, i) => i))) {
    members.set(groups[item], [...(members.get(groups[item]) ?? []), item]);
  }
  const largestFirst = [...members.values()].sort((a, b) => b.length - a.length);
  const count = groups.length;
  // Every `stride`-th place first, then their right neighbours, and so on.
  const stride = Math.max(2, Math.floor(count / largestFirst[0].length));
  const places: number[] = [];
  for (let column = 0; column < stride; column++) {
    for (let place = column; place < count; place += stride) places.push(place);
  }
  const order = groups.map(() => 0);
  largestFirst.flat().forEach((item, i) => {
    order[places[i]] = item;
  });
  return order;
};

/** Chooses what the pairs of each step are made from: a pure function of the step. */
export const createStepItems = (options: StepItemsOptions): ((step: number) => StepItem[]) => {
  const { pictures, videoOfPair, pairs, fromVideos, seed } = options;
  const fromPictures = pairs - fromVideos;
  const picturesOf = createPasses(pictures, Math.max(1, fromPictures), seed, streams.order);
  const pairsOf = new Map<number, number[]>();
  videoOfPair.forEach((video, pair) => pairsOf.set(video, [...(pairsOf.get(video) ?? []), pair]));
  const videos = [...pairsOf.keys()];

  /** Every video once before any comes again: long ones must not crowd out the others. */
  const videosOf = (step: number): number[] =>
    Array.from({ length: fromVideos }, (_, i) => {
      const turn = step * fromVideos + i;
      const pass = Math.floor(turn / videos.length);
      const order = videos.map((_video, v) => v);
      return videos[createRandom(seed, streams.videos, pass).shuffle(order)[turn % videos.length]];
    });

  return (step) => {
    const stills =
      fromPictures === 0
        ? []
        : Array.from(picturesOf(step), (index): StepItem => ({ kind: 'picture', index }));
    if (fromVideos === 0) return stills;
    const frames = videosOf(step).map((video, i): StepItem => {
      const own = pairsOf.get(video) ?? [];
      return {
        kind: 'frames',
        video,
        index: own[createRandom(seed, streams.frames, step, i).int(own.length)],
      };
    });
    const items = [...stills, ...frames];
    // Each picture is a group of its own.
    const groups = items.map((item) => (item.kind === 'frames' ? item.video : -1 - item.index));
    return spreadGroups(groups, createRandom(seed, streams.places, step)).map((i) => items[i]);
  };
};
