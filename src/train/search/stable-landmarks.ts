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

/** How well a shape and its references are found in one crop. */
type Finding = {
  /** (N) crop sides. */ points: Point[];
  confidences: Float32Array;
  /** (N) whether the point agrees with the others. */ agrees: boolean[];
  /** Mean confidence times agreement, 0–1. */ score: number;
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
export const findSelfLandmarks = async (
  network: Model,
  crops: readonly Float32Array[],
  empty: readonly Float32Array[],
): Promise<LandmarkSet | undefined> => {
  const { inputSize, embeddingSize, category } = network.manifest;
  const maps: EmbeddingMap[] = [];
  for (const crop of crops) {
    maps.push(toEmbeddingMap(network.manifest, await network.embed(crop)));
  }
  const inPixels = ({ x, y }: Point): Point => ({ x: x * inputSize, y: y * inputSize });

  /** (N, C) embeddings of one picture at points in crop sides. */
  const embeddingsAt = (picture: number, points: readonly Point[]): Float32Array => {
    const embeddings = new Float32Array(points.length * embeddingSize);
    points.forEach((point, n) => {
      embeddings.set(sampleEmbedding(maps[picture], inPixels(point)), n * embeddingSize);
    });
    return embeddings;
  };

  const findIn = async (
    picture: number,
    shape: readonly Point[],
    references: Float32Array,
  ): Promise<Finding> => {
    const matches = await network.match(crops[picture], references);
    const points = shape.map((_, n) => ({
      x: matches[3 * n] / inputSize,
      y: matches[3 * n + 1] / inputSize,
    }));
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

  const findInAll = async (shape: readonly Point[], references: Float32Array): Promise<Finding[]> => {
    const findings: Finding[] = [];
    for (let picture = 0; picture < crops.length; picture++) {
      findings.push(await findIn(picture, shape, references));
    }
    return findings;
  };

  /** Mean place and embedding of each point over the pictures in which it agrees with the others. */
  const average = (
    findings: readonly Finding[],
    count: number,
  ): { shape: Point[]; references: Float32Array } => {
    const references = new Float32Array(count * embeddingSize);
    const shape = Array.from({ length: count }, (_, n): Point => {
      const seen = findings.flatMap(({ points, agrees }, picture) =>
        agrees[n] ? [{ point: points[n], embedding: embeddingsAt(picture, [points[n]]) }] : [],
      );
      const each = seen.map(({ embedding }) => embedding);
      references.set(averageReferences(each, embeddingSize), n * embeddingSize);
      const mean = (axis: 'x' | 'y'): number =>
        seen.reduce((sum, { point }) => sum + point[axis], 0) / seen.length;
      return { x: mean('x'), y: mean('y') };
    });
    return { shape, references };
  };

  const grid = gridPoints();
  let best: { score: number; findings: Finding[] } | undefined;
  const step = Math.max(1, Math.floor(crops.length / prototypes));
  for (let prototype = 0; prototype < crops.length; prototype += step) {
    const findings = await findInAll(grid, embeddingsAt(prototype, grid));
    const score = quantile(
      findings.map((finding) => finding.score),
      0.5,
    );
    if (score > (best?.score ?? -1)) best = { score, findings };
  }
  if (best === undefined) return undefined;
  const { findings } = best;
  const shareOf = (n: number): number => findings.filter(({ agrees }) => agrees[n]).length / findings.length;
  const sureness = (n: number): number =>
    findings.reduce((sum, { confidences, agrees }) => sum + (agrees[n] ? confidences[n] : 0), 0);
  const chosen = grid
    .map((_, n) => n)
    .filter((n) => shareOf(n) >= leastShare)
    .sort((a, b) => sureness(b) - sureness(a))
    .slice(0, greatestCount);
  if (chosen.length < leastCount) return undefined;

  const pick = ({ points, confidences, agrees, score }: Finding): Finding => ({
    points: chosen.map((n) => points[n]),
    confidences: Float32Array.from(chosen, (n) => confidences[n]),
    agrees: chosen.map((n) => agrees[n]),
    score,
  });
  const first = average(findings.map(pick), chosen.length);
  // Once more with the means: they are found in more pictures than those of one.
  const again = await findInAll(first.shape, first.references);
  const everywhere = first.shape.every((_, n) => again.some(({ agrees }) => agrees[n]));
  const { shape, references } = everywhere ? average(again, chosen.length) : first;

  /** Mean log-odds of the matches in each crop, the median of all. */
  const evidenceIn = async (pictures: readonly Float32Array[]): Promise<number> => {
    const each: number[] = [];
    for (const picture of pictures) {
      const matches = await network.match(picture, references);
      each.push(shape.reduce((sum, _, n) => sum + logOdds(matches[3 * n + 2]), 0) / shape.length);
    }
    return quantile(each, 0.5);
  };
  const evidence: EvidenceLevels = { object: await evidenceIn(crops), background: await evidenceIn(empty) };
  // It sees the object everywhere: whatever it would find is as good as a guess.
  if (evidence.object - evidence.background < leastContrast) return undefined;
  return {
    category,
    embeddingSize,
    names: shape.map((_, n) => `place ${n}`),
    connections: [],
    mirrorPairs: [],
    meanShape: shape,
    references,
    evidence,
  };
};
