import type { Point } from '../geometry/coordinates.ts';
import { applySimilarity, fitSimilarity } from '../geometry/similarity.ts';
import {
  projectEmbedding,
  pullStrays,
  writeCoordinates,
  type LowRankMap,
  type Refiner,
  type ShapeModel,
} from '../landmarks/refiner.ts';
import { roundToFile } from '../landmarks/refiner-file.ts';
import { principalAxes } from './principal-axes.ts';
import { fitRidge } from './ridge.ts';

/** One look at a picture whose points are known. Points are in the frame of the fitted mean shape, sides of the ROI. */
export type RefinerLook = {
  /** Which picture. */ picture: number;
  /** (N) where the landmarks were matched. */ found: readonly Point[];
  /** (N) where they are. */ truth: readonly Point[];
  /** The embedding (C) of the crop at a point. */ embeddingAt: (point: Point) => Float32Array;
};

export type RefinerFit = {
  refiner: Refiner;
  /** Mean distance of the matches from the truth, sides of the ROI. */ before: number;
  /** The same refined, by maps that the picture had no part in. */ after: number;
  /** Whether the pictures say so beyond doubt: by more than two standard errors of the difference. */ wins: boolean;
  /** (looks) of (N) refined by maps that the picture had no part in. */ refined: Point[][];
};

const greatest = { components: 8, dimensions: 16, coordinateRank: 32, embeddingRank: 40 };
/** How much a coordinate weighs against a projected embedding: they differ in size. */
const coordinateWeight = 5;
/** Groups of pictures that are left out in turn. */
const groups = 5;

/** How shapes differ from their mean, once place, size and direction are taken away. */
const fitShapeModel = (shapes: readonly (readonly Point[])[], meanShape: readonly Point[]): ShapeModel => {
  const size = 2 * meanShape.length;
  const count = Math.min(greatest.components, Math.floor(shapes.length / 4), Math.max(size - 4, 0));
  const covariance = new Float64Array(size * size);
  for (const points of shapes) {
    const toMean = fitSimilarity(points, meanShape);
    const off = new Float32Array(size);
    writeCoordinates(
      points.map((point) => applySimilarity(toMean, point)),
      meanShape,
      off,
      0,
    );
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) covariance[i * size + j] += (off[i] * off[j]) / shapes.length;
    }
  }
  const { axes, variances } = principalAxes(covariance, size, count);
  return {
    components: roundToFile(Float32Array.from(axes)),
    variances: roundToFile(Float32Array.from(variances)),
  };
};

/** The directions in which embeddings differ most. @param embeddings (rows, C) */
const fitProjection = (embeddings: Float32Array, channels: number): Float32Array => {
  const covariance = new Float64Array(channels * channels);
  const rows = embeddings.length / channels;
  const mean = new Float64Array(channels);
  for (let i = 0; i < embeddings.length; i++) mean[i % channels] += embeddings[i] / rows;
  for (let row = 0; row < rows; row++) {
    for (let a = 0; a < channels; a++) {
      const off = embeddings[row * channels + a] - mean[a];
      for (let b = 0; b < channels; b++)
        covariance[a * channels + b] += off * (embeddings[row * channels + b] - mean[b]);
    }
  }
  const count = Math.min(greatest.dimensions, channels);
  return roundToFile(Float32Array.from(principalAxes(covariance, channels, count).axes));
};

const targetsOf = (points: readonly (readonly Point[])[], looks: readonly RefinerLook[]): Float32Array => {
  const size = 2 * looks[0].truth.length;
  const targets = new Float32Array(looks.length * size);
  looks.forEach(({ truth }, row) => {
    writeCoordinates(truth, points[row], targets, row * size);
  });
  return targets;
};

/** Rows of points, each moved by its row of predictions. */
const moveRows = (points: readonly (readonly Point[])[], predictions: Float32Array): Point[][] =>
  points.map((ofLook, row) =>
    ofLook.map(({ x, y }, n) => {
      const at = 2 * (row * ofLook.length + n);
      return { x: x + predictions[at], y: y + predictions[at + 1] };
    }),
  );

const distances = (points: readonly (readonly Point[])[], looks: readonly RefinerLook[]): number[] =>
  looks.map(({ truth }, row) => {
    const sum = points[row].reduce(
      (total, { x, y }, n) => total + Math.hypot(x - truth[n].x, y - truth[n].y),
      0,
    );
    return sum / truth.length;
  });

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Whether the mean over pictures of what is gained is more than two standard errors above nothing. */
const isGain = (gains: readonly number[], looks: readonly RefinerLook[]): boolean => {
  const byPicture = new Map<number, number[]>();
  looks.forEach(({ picture }, row) => {
    byPicture.set(picture, [...(byPicture.get(picture) ?? []), gains[row]]);
  });
  const each = [...byPicture.values()].map(meanOf);
  const mean = meanOf(each);
  const variance = each.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / Math.max(each.length - 1, 1);
  return mean > 2 * Math.sqrt(variance / each.length);
};

/** Moves nothing. */
const nothing = (outputs: number): LowRankMap => ({
  ...{ down: new Float32Array(0), up: new Float32Array(0), offset: new Float32Array(outputs) },
});

/** The second map, fitted where the first one has brought the points. */
const fitEmbeddingMap = (
  looks: readonly RefinerLook[],
  nearer: readonly (readonly Point[])[],
  meanShape: readonly Point[],
  groupOf: readonly number[],
): { projection: Float32Array; map: LowRankMap; refined: Point[][] } => {
  const count = meanShape.length;
  const channels = looks[0].embeddingAt(nearer[0][0]).length;
  const seen = new Float32Array(looks.length * count * channels);
  looks.forEach(({ embeddingAt }, row) => {
    nearer[row].forEach((point, n) => {
      seen.set(embeddingAt(point), (row * count + n) * channels);
    });
  });
  const projection = fitProjection(seen, channels);
  const dimensions = projection.length / channels;
  const features = count * (dimensions + 2);
  const inputs = new Float32Array(looks.length * features);
  looks.forEach((_, row) => {
    for (let n = 0; n < count; n++) {
      const at = (row * count + n) * channels;
      projectEmbedding(projection, seen.subarray(at, at + channels), inputs, row * features + n * dimensions);
    }
    const coordinates = inputs.subarray(row * features + count * dimensions, (row + 1) * features);
    writeCoordinates(nearer[row], meanShape, coordinates, 0);
    coordinates.forEach((value, i) => (coordinates[i] = coordinateWeight * value));
  });
  const data = { inputs, targets: targetsOf(nearer, looks), features, outputs: 2 * count };
  const { map, predictions } = fitRidge(data, groupOf, groups, greatest.embeddingRank);
  const rank = map.up.length / (2 * count);
  for (let r = 0; r < rank; r++) {
    const row = map.down.subarray(r * features + count * dimensions, (r + 1) * features);
    row.forEach((value, i) => (row[i] = coordinateWeight * value));
  }
  roundToFile(map.down);
  const refined = moveRows(nearer, predictions);
  const isBetter = meanOf(distances(refined, looks)) < meanOf(distances(nearer, looks));
  return isBetter
    ? { projection, map, refined }
    : { projection, map: nothing(2 * count), refined: nearer.map((points) => [...points]) };
};

/**
 * Fits a refiner to looks at annotated pictures, and finds out what it is worth on pictures that are left out.
 * @param shapes (pictures) of (N) annotated points, any frame
 * @param looks of at least as many pictures as there are groups to leave out
 */
export const fitRefiner = (
  looks: readonly RefinerLook[],
  shapes: readonly (readonly Point[])[],
  meanShape: readonly Point[],
): RefinerFit => {
  const shape = fitShapeModel(shapes, meanShape);
  const groupOf = looks.map(({ picture }) => picture % groups);
  const size = 2 * meanShape.length;
  const pulled = looks.map(({ found }) => pullStrays(found, meanShape, shape));
  const inputs = new Float32Array(looks.length * size);
  pulled.forEach((points, row) => {
    writeCoordinates(points, meanShape, inputs, row * size);
  });
  const data = { inputs, targets: targetsOf(pulled, looks), features: size, outputs: size };
  const first = fitRidge(data, groupOf, groups, greatest.coordinateRank);
  // The second map learns from what the first one says of pictures that it does not know, as it will be used.
  const nearer = moveRows(pulled, first.predictions);
  const { projection, map, refined } = fitEmbeddingMap(looks, nearer, meanShape, groupOf);
  const before = distances(
    looks.map(({ found }) => found),
    looks,
  );
  const after = distances(refined, looks);
  return {
    refiner: { shape, projection, fromCoordinates: first.map, fromEmbeddings: map },
    before: meanOf(before),
    after: meanOf(after),
    wins: isGain(
      before.map((value, row) => value - after[row]),
      looks,
    ),
    refined,
  };
};
