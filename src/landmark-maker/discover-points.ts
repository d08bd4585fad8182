/** Landmarks that nobody clicked: places that a network finds again in every picture, chosen by it alone. */
import { InputError } from '../errors.ts';
import { cellCenter, type Point } from '../geometry/coordinates.ts';
import { matchMaps, missedBy, type CellMatches } from '../correspond/match-maps.ts';
import { toCellRows, dot } from '../correspond/cell-rows.ts';
import {
  averageReferences,
  matchReferences,
  sampleEmbedding,
  sampleEmbeddings,
  type EmbeddingMap,
} from '../landmarks/matching.ts';
import { fitShape } from '../landmarks/shape-fit.ts';

export type DiscoverOptions = {
  /** Points to choose, K. */ count: number;
  /** Softmax temperature of the network's matching. */ temperature: number;
  /** ROI side over object size: what lies nearer to the rim is not the object. */ cropMargin: number;
  /** Rounds in which references are averaged and found anew. Default 3. */ rounds?: number;
  /** Pictures whose places are tried. Default 6. */ prototypes?: number;
  /** Some of the pictures turned, scaled and shifted a little: what is found there as well is repeatable. */
  views?: readonly OtherView[];
  onProgress?: (done: number, total: number) => void;
};

/** A picture's square seen otherwise. */
export type OtherView = {
  /** Which of the pictures. */ picture: number;
  map: EmbeddingMap;
  /** Where a place of the picture's own crop is in this one, crop pixels. */ place: (point: Point) => Point;
};

/** Places of the object, and where each picture shows them. */
export type Discovered = {
  /** (pictures) of (K) crop pixels. */ points: Point[][];
  /** (pictures) of (K) whether the place was found there and back. */ found: boolean[][];
};

/** What the way there and back, or round through a third picture, may miss; crop sides. */
const tolerance = 0.04;
/** A cell this far away, in cells, may look like a place's own surroundings. */
const surroundings = 5;
/** Share of the pictures in which a place has to be found again. */
const leastShare = 0.5;
/** Places that are tried for each that is wanted. */
const tried = 4;
/** Where many are wanted, so many more are tried at most: each is sought in every picture, round after round. */
const mostSpare = 100;
/** Share of those that are left to choose from: the steadiest. */
const steady = 0.5;
/** A miss that halves what a place counts, crop sides. */
const mildMiss = 0.015;

/** How unlike everything else in its picture each cell is: one less the greatest cosine further away. @returns (H·W) */
const distinctness = (map: EmbeddingMap): Float32Array => {
  const rows = toCellRows(map);
  const { width, height } = map;
  const distinct = new Float32Array(width * height);
  // Every other cell is enough to see what else is there.
  for (let cell = 0; cell < distinct.length; cell++) {
    const [column, row] = [cell % width, Math.floor(cell / width)];
    let greatest = -1;
    for (let r = 0; r < height; r += 2) {
      for (let c = 0; c < width; c += 2) {
        if (Math.abs(c - column) <= surroundings && Math.abs(r - row) <= surroundings) continue;
        const value = dot(
          rows.data,
          cell * rows.channels,
          rows.data,
          (r * width + c) * rows.channels,
          rows.channels,
        );
        if (value > greatest) greatest = value;
      }
    }
    distinct[cell] = 1 - greatest;
  }
  return distinct;
};

const cellAt = (x: number, y: number, map: EmbeddingMap): number => {
  const clamp = (value: number, cells: number): number =>
    Math.min(cells - 1, Math.max(0, Math.floor(value / map.stride)));
  return clamp(y, map.height) * map.width + clamp(x, map.width);
};

/**
 * How well each cell of one picture is found in the others, there and back and round through a third.
 * @returns (H·W) scores, and where each cell lies in the first picture, crop pixels
 */
const repeatability = (
  prototype: number,
  maps: readonly EmbeddingMap[],
  onward: readonly CellMatches[],
  temperature: number,
): { score: Float32Array; inFirst: (cell: number) => Point } => {
  const map = maps[prototype];
  const limit = tolerance * map.width * map.stride;
  const score = new Float32Array(map.width * map.height);
  const ways = maps.map((other, index) =>
    index === prototype ? undefined : matchMaps(map, other, { temperature }),
  );
  ways.forEach((way, index) => {
    if (way === undefined) return;
    const missed = missedBy(way.forward, way.backward, map.stride);
    const third = ways[(index + 1) % maps.length];
    for (let cell = 0; cell < score.length; cell++) {
      if (missed[cell] > limit) continue;
      if (third !== undefined) {
        // Picture to picture and home: a place that only looks right by chance seldom closes the circle.
        const there = cellAt(way.forward.x[cell], way.forward.y[cell], maps[index]);
        const on = cellAt(onward[index].x[there], onward[index].y[there], maps[index]);
        const home = cellCenter(cell % map.width, Math.floor(cell / map.width), map.stride);
        const away = Math.hypot(third.backward.x[on] - home.x, third.backward.y[on] - home.y);
        if (away > 2 * limit) continue;
      }
      score[cell] += Math.max(0, way.forward.cosine[cell]) / maps.length;
    }
  });
  const first = ways[0]?.forward;
  const inFirst = (cell: number): Point =>
    first === undefined
      ? cellCenter(cell % map.width, Math.floor(cell / map.width), map.stride)
      : { x: first.x[cell], y: first.y[cell] };
  return { score, inFirst };
};

/** Points as far apart as their number allows, the best first. @param candidates best first @returns as many as there are */
const spreadOut = <Candidate extends Point>(
  candidates: readonly Candidate[],
  count: number,
  side: number,
): Candidate[] => {
  let chosen: Candidate[] = [];
  for (let least = side / 4; least > side / 200 && chosen.length < count; least *= 0.93) {
    chosen = [];
    for (const candidate of candidates) {
      if (chosen.length === count) break;
      if (chosen.every(({ x, y }) => Math.hypot(x - candidate.x, y - candidate.y) >= least)) {
        chosen.push(candidate);
      }
    }
  }
  return chosen;
};

const toPoints = (matches: Float32Array): Point[] =>
  Array.from({ length: matches.length / 3 }, (_, n) => ({ x: matches[3 * n], y: matches[3 * n + 1] }));

/** Finds references in every picture, and tells in which of them the arrangement agrees with the others'. */
const findAll = (
  maps: readonly EmbeddingMap[],
  references: Float32Array,
  shape: readonly Point[],
  temperature: number,
): Discovered => {
  const matches = maps.map((map) => matchReferences(map, references, { temperature }));
  const points = matches.map(toPoints);
  const found = points.map((ofPicture, picture) => {
    const cosines = shape.map((_, n) => Math.max(0, matches[picture][3 * n + 2]));
    const fit = fitShape(shape, ofPicture, cosines, { tolerance: 0.15 });
    return shape.map((_, n) => (fit?.residuals[n] ?? Infinity) < 0.15);
  });
  return { points, found };
};

/** Mean place of each point over the pictures, after which the next round is judged. */
const meanShapeOf = ({ points, found }: Discovered, count: number): Point[] =>
  Array.from({ length: count }, (_, n) => {
    const seen = points.filter((_place, picture) => found[picture][n]).map((places) => places[n]);
    const all = seen.length > 0 ? seen : points.map((places) => places[n]);
    return {
      x: all.reduce((sum, { x }) => sum + x, 0) / all.length,
      y: all.reduce((sum, { y }) => sum + y, 0) / all.length,
    };
  });

/** References: the mean of what is found at each point, in the pictures that agree. */
const meanReferences = (maps: readonly EmbeddingMap[], { points, found }: Discovered): Float32Array => {
  const { channels } = maps[0];
  const count = points[0].length;
  const references = new Float32Array(count * channels);
  for (let n = 0; n < count; n++) {
    const agreeing = maps.flatMap((map, picture) =>
      found[picture][n] ? [sampleEmbedding(map, points[picture][n])] : [],
    );
    const each = agreeing.length > 0 ? agreeing : maps.map((map, i) => sampleEmbedding(map, points[i][n]));
    references.set(averageReferences(each, channels), n * channels);
  }
  return references;
};

/**
 * Averages the descriptors of each place over the pictures and finds it anew, round after round.
 * @param start (K) where each place lies in the first picture, and (K, C) its embedding in one
 */
const selfTrain = (
  maps: readonly EmbeddingMap[],
  start: { shape: readonly Point[]; references: Float32Array },
  { rounds, temperature }: { rounds: number; temperature: number },
): { references: Float32Array; discovered: Discovered } => {
  let { shape, references } = start;
  let discovered = findAll(maps, references, shape, temperature);
  for (let round = 0; round < rounds; round++) {
    references = meanReferences(maps, discovered);
    shape = meanShapeOf(discovered, shape.length);
    discovered = findAll(maps, references, shape, temperature);
  }
  return { references, discovered };
};

/** Pictures that each is held against. */
const partners = 2;

/**
 * How steadily each place is found: where a view of a picture takes it, and where its embedding in one picture finds it in
 * others; as many times as it is found at all.
 * @returns (K) 0–1
 */
const steadinessOf = (
  maps: readonly EmbeddingMap[],
  views: readonly OtherView[],
  { references, discovered: { points, found } }: { references: Float32Array; discovered: Discovered },
  temperature: number,
): Float32Array => {
  const count = points[0].length;
  const side = maps[0].width * maps[0].stride;
  const settings = { temperature };
  /** Adds what one look tells of each place. */
  const judge = (sums: Float32Array, seen: readonly Point[], truth: readonly Point[]): void => {
    for (let n = 0; n < count; n++) {
      const missed = Math.hypot(seen[n].x - truth[n].x, seen[n].y - truth[n].y) / side;
      sums[n] += 1 / (1 + (missed / mildMiss) ** 2);
    }
  };
  const inViews = new Float32Array(count);
  for (const { picture, map, place } of views) {
    judge(inViews, toPoints(matchReferences(map, references, settings)), points[picture].map(place));
  }
  const inOthers = new Float32Array(count);
  maps.forEach((map, picture) => {
    const own = sampleEmbeddings(map, points[picture]);
    for (let k = 1; k <= partners; k++) {
      const other = (picture + 7 * k) % maps.length;
      judge(inOthers, toPoints(matchReferences(maps[other], own, settings)), points[other]);
    }
  });
  return inViews.map((sum, n) => {
    const share = found.filter((flags) => flags[n]).length / maps.length;
    if (share < leastShare) return 0;
    const mean = inOthers[n] / (partners * maps.length);
    return share * mean * (views.length === 0 ? 1 : sum / views.length);
  });
};

/** A place of one picture, by where it lies in the first one: so that places of different pictures can be told apart. */
type Candidate = Point & { prototype: number; own: Point; score: number };

/** Places that can be detected and described, the best first. */
const findCandidates = (
  maps: readonly EmbeddingMap[],
  { temperature, cropMargin, prototypes = 6, onProgress }: DiscoverOptions,
): Candidate[] => {
  const { width, height, stride } = maps[0];
  const side = width * stride;
  const onward = maps.map((map, i) => matchMaps(map, maps[(i + 1) % maps.length], { temperature }).forward);
  const rim = (1 - 1 / cropMargin) / 2;
  const candidates: Candidate[] = [];
  const step = Math.max(1, Math.floor(maps.length / prototypes));
  for (let prototype = 0; prototype < maps.length; prototype += step) {
    const { score: repeated, inFirst } = repeatability(prototype, maps, onward, temperature);
    const distinct = distinctness(maps[prototype]);
    for (let cell = 0; cell < width * height; cell++) {
      const own = cellCenter(cell % width, Math.floor(cell / width), stride);
      if ([own.x, own.y].some((value) => value < rim * side || value > (1 - rim) * side)) continue;
      if (repeated[cell] < leastShare) continue;
      candidates.push({ ...inFirst(cell), own, prototype, score: repeated[cell] * distinct[cell] });
    }
    onProgress?.(Math.min(prototype + step, maps.length), maps.length);
  }
  return candidates.sort((a, b) => b.score - a.score);
};

/**
 * Chooses places without annotations. A place is good where nothing else in its picture looks like it (it can be
 * detected), and where it is found in other pictures and back, and round through a third (it can be described). Several
 * times as many as are wanted, spread over the object, become clusters of descriptors: averaged over the pictures and found
 * anew, round after round. Of those the steadiest are kept, by how exactly they are found again in views of their pictures
 * and in other pictures, and of these the ones that are spread out.
 * @param maps embeddings of the object in its canonical crop, one per picture, 4 or more
 * @throws InputError where the network does not recognise enough places
 */
export const discoverPoints = (maps: readonly EmbeddingMap[], options: DiscoverOptions): Discovered => {
  const { count, temperature, rounds = 3, views = [] } = options;
  if (maps.length < 4) {
    throw new InputError(
      `${maps.length} pictures show the object, but finding landmarks takes 4. Give more.`,
    );
  }
  const { channels, width, stride } = maps[0];
  const side = width * stride;
  const pool = spreadOut(findCandidates(maps, options), Math.min(tried * count, count + mostSpare), side);
  const references = new Float32Array(pool.length * channels);
  pool.forEach((point, n) => {
    references.set(sampleEmbedding(maps[point.prototype], point.own), n * channels);
  });
  const refuse = (): never => {
    throw new InputError(
      `the network finds too few places again in all ${maps.length} pictures for ${count} landmarks. Ask for fewer, give pictures of one kind of object, or train it longer.`,
    );
  };
  if (pool.length < count) return refuse();
  const shape = pool.map(({ x, y }) => ({ x, y }));
  const clusters = selfTrain(maps, { shape, references }, { rounds, temperature });
  const steadiness = steadinessOf(maps, views, clusters, temperature);
  const places = meanShapeOf(clusters.discovered, pool.length);
  const order = [...places.keys()]
    .filter((n) => steadiness[n] > 0)
    .sort((a, b) => steadiness[b] - steadiness[a]);
  const best = order.slice(0, Math.max(count, Math.ceil(steady * order.length)));
  const chosen = spreadOut(
    best.map((n) => ({ ...places[n], n })),
    count,
    side,
  );
  if (chosen.length < count) return refuse();
  const ofChosen = <Value>(lists: readonly Value[][]): Value[][] =>
    lists.map((list) => chosen.map(({ n }) => list[n]));
  return { points: ofChosen(clusters.discovered.points), found: ofChosen(clusters.discovered.found) };
};
