import { cellCenter, type Point } from '../../geometry/coordinates.ts';
import { logOdds, type EvidenceLevels, type LandmarkSet } from '../../landmarks/landmark-set.ts';
import {
  averageReferences,
  sampleEmbedding,
  toEmbeddingMap,
  type EmbeddingMap,
} from '../../landmarks/matching.ts';
import { fitShape } from '../../landmarks/shape-fit.ts';
import type { Model } from '../../model/model.ts';

/** Places that are tried, per side. */
const gridSide = 10;
/** They lie in the middle of the crop: what is at its rim is mostly not the object. */
const gridSpan = 0.66;
/** Pictures that are tried as the one whose places are sought in the others. */
const prototypes = 6;
/** Landmarks at most and at least; fewer tell no place from another. */
const greatestCount = 32;
const leastCount = 8;
/** A place is found again where it is at most so far from where the others say it is, shares of their extent. */
const tolerance = 0.08;
/** Share of the pictures in which a place has to be found again. */
const leastShare = 0.4;
/** Log-odds of a match on the object over those elsewhere, at least. */
const leastContrast = 0.5;

const gridPoints = (): Point[] =>
  Array.from({ length: gridSide * gridSide }, (_, i) => {
    const cell = cellCenter(i % gridSide, Math.floor(i / gridSide), gridSpan / gridSide);
    return { x: cell.x + (1 - gridSpan) / 2, y: cell.y + (1 - gridSpan) / 2 };
  });

const quantile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
};

/** Places in crop sides, and what the network sees there. */
type Places = { /** (N). */ shape: Point[]; /** (N, C). */ references: Float32Array };

/** How well a shape and its references are found in one crop. */
type Finding = {
  /** (N) crop sides. */ points: Point[];
  confidences: Float32Array;
  /** (N) whether the point agrees with the others. */ agrees: boolean[];
  /** Mean confidence times agreement, 0–1. */ score: number;
};

/** Crops of different instances, in which places are sought. */
type Crops = {
  network: Model;
  images: readonly Float32Array[];
  /** Of each crop, what the network makes of it. */ maps: readonly EmbeddingMap[];
};

const embedCrops = async (network: Model, images: readonly Float32Array[]): Promise<Crops> => {
  const maps: EmbeddingMap[] = [];
  for (const image of images) maps.push(toEmbeddingMap(network.manifest, await network.embed(image)));
  return { network, images, maps };
};

/** @param point crop sides @returns (C) */
const embeddingAt = ({ network, maps }: Crops, picture: number, { x, y }: Point): Float32Array => {
  const { inputSize } = network.manifest;
  return sampleEmbedding(maps[picture], { x: x * inputSize, y: y * inputSize });
};

/** Places of one crop, as they look there. */
const placesOf = (crops: Crops, picture: number, shape: Point[]): Places => {
  const { embeddingSize } = crops.network.manifest;
  const references = new Float32Array(shape.length * embeddingSize);
  shape.forEach((point, n) => {
    references.set(embeddingAt(crops, picture, point), n * embeddingSize);
  });
  return { shape, references };
};

const findIn = async (
  network: Model,
  image: Float32Array,
  { shape, references }: Places,
): Promise<Finding> => {
  const { inputSize } = network.manifest;
  const matches = await network.match(image, references);
  const points = shape.map((_, n) => ({ x: matches[3 * n] / inputSize, y: matches[3 * n + 1] / inputSize }));
  const confidences = Float32Array.from(shape, (_, n) => matches[3 * n + 2]);
  const fit = fitShape(shape, points, confidences);
  const mean = confidences.reduce((sum, value) => sum + value, 0) / shape.length;
  return {
    points,
    confidences,
    agrees: shape.map((_, n) => (fit?.residuals[n] ?? Infinity) < tolerance),
    score: mean * (fit?.agreement ?? 0),
  };
};

const findInAll = async ({ network, images }: Crops, places: Places): Promise<Finding[]> => {
  const findings: Finding[] = [];
  for (const image of images) findings.push(await findIn(network, image, places));
  return findings;
};

/** The findings, in all crops, of the places of that crop whose places are found best. */
const findBestPrototype = async (crops: Crops, shape: Point[]): Promise<Finding[]> => {
  const count = crops.images.length;
  let best: { score: number; findings: Finding[] } = { score: -1, findings: [] };
  const step = Math.max(1, Math.floor(count / prototypes));
  for (let prototype = 0; prototype < count; prototype += step) {
    const findings = await findInAll(crops, placesOf(crops, prototype, shape));
    const scores = findings.map(({ score }) => score);
    const score = quantile(scores, 0.5);
    if (score > best.score) best = { score, findings };
  }
  return best.findings;
};

/** Which of some places are found again often enough, the surest first. @returns indices of the places */
const choosePlaces = (findings: readonly Finding[], count: number): number[] => {
  const shareOf = (n: number): number => findings.filter(({ agrees }) => agrees[n]).length / findings.length;
  const sureness = (n: number): number =>
    findings.reduce((sum, { confidences, agrees }) => sum + (agrees[n] ? confidences[n] : 0), 0);
  return Array.from({ length: count }, (_, n) => n)
    .filter((n) => shareOf(n) >= leastShare)
    .sort((a, b) => sureness(b) - sureness(a))
    .slice(0, greatestCount);
};

/** The finding of some of the places. */
const pick = ({ points, confidences, agrees, score }: Finding, chosen: readonly number[]): Finding => ({
  points: chosen.map((n) => points[n]),
  confidences: Float32Array.from(chosen, (n) => confidences[n]),
  agrees: chosen.map((n) => agrees[n]),
  score,
});

/** Mean place and embedding of each point over the pictures in which it agrees with the others. */
const average = (crops: Crops, findings: readonly Finding[], count: number): Places => {
  const { embeddingSize } = crops.network.manifest;
  const references = new Float32Array(count * embeddingSize);
  const shape = Array.from({ length: count }, (_, n): Point => {
    const seen = findings.flatMap(({ points, agrees }, picture) =>
      agrees[n] ? [{ point: points[n], embedding: embeddingAt(crops, picture, points[n]) }] : [],
    );
    const each = seen.map(({ embedding }) => embedding);
    references.set(averageReferences(each, embeddingSize), n * embeddingSize);
    const mean = (axis: 'x' | 'y'): number =>
      seen.reduce((sum, { point }) => sum + point[axis], 0) / seen.length;
    return { x: mean('x'), y: mean('y') };
  });
  return { shape, references };
};

/** Mean log-odds of the matches in each crop, the median of all. */
const evidenceIn = async (
  network: Model,
  images: readonly Float32Array[],
  { shape, references }: Places,
): Promise<number> => {
  const each: number[] = [];
  for (const image of images) {
    const matches = await network.match(image, references);
    each.push(shape.reduce((sum, _, n) => sum + logOdds(matches[3 * n + 2]), 0) / shape.length);
  }
  return quantile(each, 0.5);
};

/**
 * Chooses landmarks without annotations: places of one picture, on a grid, are sought in all others; those that are
 * found again, in the same arrangement, make up the set, each with the mean of its embeddings. The picture whose places
 * are found best is the prototype. What the matches look like on the object and elsewhere is measured on the same crops.
 *
 * @param crops (3, S, S) each, planar RGB 0–1: the object in its canonical crop, 8 or more
 * @param empty (3, S, S) each, without the object
 * @returns undefined where the network does not recognise enough places yet
 */
export const findStableLandmarks = async (
  network: Model,
  crops: readonly Float32Array[],
  empty: readonly Float32Array[],
): Promise<LandmarkSet | undefined> => {
  const { embeddingSize, category } = network.manifest;
  const objects = await embedCrops(network, crops);
  const grid = gridPoints();
  const findings = await findBestPrototype(objects, grid);
  const chosen = choosePlaces(findings, grid.length);
  if (chosen.length < leastCount) return undefined;

  const once = findings.map((finding) => pick(finding, chosen));
  const first = average(objects, once, chosen.length);
  // Once more with the means: they are found in more pictures than those of one.
  const again = await findInAll(objects, first);
  const isFound = chosen.every((_, n) => again.some(({ agrees }) => agrees[n]));
  const places = isFound ? average(objects, again, chosen.length) : first;

  const evidence: EvidenceLevels = {
    object: await evidenceIn(network, crops, places),
    background: await evidenceIn(network, empty, places),
  };
  // It sees the object everywhere: whatever it would find is as good as a guess.
  if (evidence.object - evidence.background < leastContrast) return undefined;
  return {
    category,
    embeddingSize,
    names: places.shape.map((_, n) => `place ${n}`),
    connections: [],
    mirrorPairs: [],
    meanShape: places.shape,
    references: places.references,
    evidence,
  };
};
