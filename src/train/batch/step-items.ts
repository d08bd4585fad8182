import { createRandom } from '../../augment/random.ts';
import type { Random } from '../../augment/random.ts';

/** What one pair of a batch is made from. */
export type StepItem =
  | { /** A picture that both views show. */ kind: 'picture'; /** Index among the pictures. */ index: number }
  | {
      /** Two pictures with the flow between them. */ kind: 'flow';
      /** Index among the pools. */ pool: number;
      /** Index among the pairs of the pool. */ index: number;
    }
  | {
      /** Two pictures with the same landmarks annotated. */ kind: 'annotated';
      /** Indices among the annotated pictures. */ source: number;
      target: number;
    };

export type StepItemsOptions = {
  /** Names of the pictures. */ pictures: readonly string[];
  /** For each pool, the name of the video (or picture) of each pair, and how many pairs of a batch it gives. */
  pools: readonly {
    names: readonly string[];
    /** How often each pair is drawn, against the others of its name; all alike by default. */
    drawWeights?: readonly number[];
    perBatch: number;
    /** Whether its pairs are made from the pictures, as turned views are. */ ofPictures?: boolean;
    /** Whether its pairs come last in a batch, where what goes through auxiliaries comes first. */ isLast?: boolean;
  }[];
  /** Pairs of a batch that show one picture twice. */ fromPictures: number;
  /** Names of the annotated pictures, and how many pairs of a batch they give. */
  annotated?: { names: readonly string[]; perBatch: number };
  seed: number;
};

/** Streams of random numbers. */
const streams = { order: 0, videos: 3, frames: 4, places: 5, annotated: 6, partners: 7 };

/** How many pairs of a batch come from pictures, and how many from each pool. */
export type PairCounts = { fromPictures: number; perPool: number[] };

/**
 * @param shares share of the pairs of a batch that each pool is to give, 0–1; pools without pairs have 0
 * @param hasPictures where there are none, the pools share the whole batch
 */
export const splitPairs = (pairs: number, shares: readonly number[], hasPictures: boolean): PairCounts => {
  const total = shares.reduce((sum, share) => sum + share, 0);
  const scale = total === 0 ? 0 : hasPictures ? Math.min(1, 1 / total) : 1 / total;
  let wanted = 0;
  let given = 0;
  const perPool = shares.map((share) => {
    wanted += share * scale * pairs;
    // Rounding the sums keeps what is lost in one pool for the next.
    const count = Math.round(wanted) - given;
    given += count;
    return count;
  });
  return { fromPictures: pairs - given, perPool };
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
export const spreadGroups = (groups: readonly string[], random: Random): number[] => {
  if (groups.length === 0) return [];
  const members = new Map<string, number[]>();
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

/** Draws one of some items, each as often as its weight says. */
const createWeightedDraw = (
  items: readonly number[],
  weightOf: (item: number) => number,
): ((random: Random) => number) => {
  let total = 0;
  const sums = items.map((item) => (total += weightOf(item)));
  return (random) => {
    const at = random.uniform(0, total);
    const found = sums.findIndex((sum) => at < sum);
    return items[found < 0 ? items.length - 1 : found];
  };
};

/** Every group once before any comes again: long videos must not crowd out the others. @returns one pair per place */
const createDraws = (
  { names, drawWeights, perBatch }: StepItemsOptions['pools'][number],
  seed: number,
  pool: number,
): ((step: number) => number[]) => {
  const members = new Map<string, number[]>();
  names.forEach((name, pair) => members.set(name, [...(members.get(name) ?? []), pair]));
  const groups = [...members.values()].map((pairs) =>
    createWeightedDraw(pairs, (pair) => drawWeights?.[pair] ?? 1),
  );
  let current = { pass: -1, order: new Int32Array(0) };
  return (step) =>
    Array.from({ length: perBatch }, (_, i) => {
      const turn = step * perBatch + i;
      const pass = Math.floor(turn / groups.length);
      if (current.pass !== pass) {
        const order = Int32Array.from({ length: groups.length }, (_group, g) => g);
        current = { pass, order: createRandom(seed, streams.videos, pool, pass).shuffle(order) };
      }
      return groups[current.order[turn % groups.length]](createRandom(seed, streams.frames, pool, turn));
    });
};

/** Both lists in one, each in its order, with the items of the first at even distances from each other. */
const mixEvenly = <Item>(a: readonly Item[], b: readonly Item[]): Item[] => {
  const count = a.length + b.length;
  const mixed: Item[] = [];
  for (let place = 0, next = 0; place < count; place++) {
    const isOfFirst = next < a.length && place >= Math.floor((next * count) / a.length);
    mixed.push(isOfFirst ? a[next++] : b[place - next]);
  }
  return mixed;
};

/** Chooses what the pairs of each step are made from: a pure function of the step. */
export const createStepItems = (options: StepItemsOptions): ((step: number) => StepItem[]) => {
  const { pictures, pools, fromPictures, seed } = options;
  const { names, perBatch } = options.annotated ?? { names: [], perBatch: 0 };
  const annotatedOf = createPasses(names.length, Math.max(1, perBatch), seed, streams.annotated);
  const picturesOf = createPasses(pictures.length, Math.max(1, fromPictures), seed, streams.order);
  const draws = pools.map((pool, index) => createDraws(pool, seed, index));

  return (step) => {
    const items: { item: StepItem; group: string }[] = [];
    if (fromPictures > 0) {
      for (const index of picturesOf(step))
        items.push({ item: { kind: 'picture', index }, group: pictures[index] });
    }
    // Pictures are all different: their order may stay.
    if (perBatch === 0 && pools.every((pool) => pool.perBatch === 0)) return items.map(({ item }) => item);
    draws.forEach((draw, pool) => {
      for (const index of draw(step)) {
        items.push({ item: { kind: 'flow', pool, index }, group: pools[pool].names[index] });
      }
    });
    if (perBatch > 0) {
      annotatedOf(step).forEach((source, i) => {
        const further = 1 + createRandom(seed, streams.partners, step, i).int(names.length - 1);
        const target = (source + further) % names.length;
        items.push({ item: { kind: 'annotated', source, target }, group: names[source] });
      });
    }
    const random = createRandom(seed, streams.places, step);
    const spread = (some: typeof items): typeof items =>
      spreadGroups(
        some.map(({ group }) => group),
        random,
      ).map((i) => some[i]);
    const kindOf = ({ item }: (typeof items)[number]): 'picture' | 'frame' | 'last' => {
      if (item.kind !== 'flow') return 'picture';
      const { ofPictures, isLast } = pools[item.pool];
      return isLast === true ? 'last' : ofPictures === true ? 'picture' : 'frame';
    };
    const spreadOf = (kind: ReturnType<typeof kindOf>): typeof items =>
      spread(items.filter((one) => kindOf(one) === kind));
    const last = spreadOf('last');
    // What goes through an auxiliary, which is the next one, comes first in a batch. With frames at even distances all
    // kinds occur as often as the batch has them: frames through pictures, pictures through frames, pictures through
    // pictures. A descriptor has to hold for all of these.
    const mixed = mixEvenly(spreadOf('frame'), spreadOf('picture'));
    return [...mixed, ...last].map(({ item }) => item);
  };
};
