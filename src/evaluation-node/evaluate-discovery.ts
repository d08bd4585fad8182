import { createRandom } from '../augment/random.ts';
import { InputError } from '../errors.ts';
import type { Point } from '../geometry/coordinates.ts';
import { cropToImage, imageToCrop } from '../geometry/roi.ts';
import { landmarkErrors, summarizeErrors } from '../evaluation/accuracy.ts';
import { protocolRoi, type AnnotatedFolder } from '../evaluation/annotations.ts';
import { renderCrop, type OnSkip } from '../evaluation/evaluation-model.ts';
import { applyRidge, fitRidge } from '../landmark-maker/ridge.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { sampleEmbedding, toEmbeddingMap } from '../landmarks/matching.ts';
import { interOcularDistance, selectPoints } from '../landmarks/point-sets.ts';
import type { Model } from '../model/model.ts';
import { applyGridMap } from '../train/views/grid-map.ts';
import { createGridMap } from '../train/views/warps.ts';
import { createWarpDrawer } from './evaluate-match.ts';
import { decodeAnnotated } from './load-evaluation-crops.ts';

export type DiscoveryEvaluationOptions = {
  model: Model;
  /** The set that was discovered, N landmarks. */ set: LandmarkSet;
  folder: AnnotatedFolder;
  /** Pictures to learn the linear map from; undefined: one half of `folder`, and the other is measured on. */
  regressFrom: AnnotatedFolder | undefined;
  seed: number;
  onProgress?: (done: number, total: number) => void;
  onSkip?: OnSkip;
};

export type DiscoveryEvaluation = {
  /** Share of the points found within 5 % of the IOD of where a warp takes them. */ warpRepeatability: number;
  /** Share of the points that their embeddings in one picture find in another within 5 % of the IOD of the point there. */
  pairRepeatability: number;
  /** Share of the middle of the crop within an eighth of its side of a point of the mean shape. */ coverage: number;
  /** Error of the linear map to the five points, shares of the IOD. */ regression: number;
  /** Pictures that the map was learnt on. */ learnt: number;
  /** Pictures that it was measured on. */ measured: number;
};

/** A point counts as found again within this share of the IOD. */
const rightWithin = 0.05;

/** A picture with the set's points in it. */
type Seen = {
  /** (N) crop pixels. */ points: Point[];
  /** (N, C) embeddings there. */ embeddings: Float32Array;
  crop: Float32Array;
  /** (5) crop pixels. */ truth: Point[];
  /** IOD, crop pixels. */ unit: number;
  /** (N) share of the IOD by which a warp misses each. */ missed: number[];
};

const toPoints = (matches: Float32Array, count: number): Point[] =>
  Array.from({ length: count }, (_, n) => ({ x: matches[3 * n], y: matches[3 * n + 1] }));

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

/** Finds a set's points in every picture of a folder, as it is and warped. */
const lookAtFolder = async (
  { model, set, seed, onProgress, onSkip }: DiscoveryEvaluationOptions,
  folder: AnnotatedFolder,
): Promise<Seen[]> => {
  const { inputSize, embeddingSize } = model.manifest;
  const count = set.names.length;
  const drawWarp = createWarpDrawer(inputSize);
  const seen: Seen[] = [];
  for (const [index, item] of folder.items.entries()) {
    onProgress?.(index, folder.items.length);
    try {
      const picture = await decodeAnnotated(folder, item);
      const roi = protocolRoi(item.box);
      const pose = { center: roi.center, width: roi.size, height: roi.size, rotation: 0 };
      const crop = renderCrop(picture, createGridMap(inputSize, pose));
      const { matches, embedding } = await model.matchAndEmbed(crop, set.references);
      const points = toPoints(matches, count);
      const map = toEmbeddingMap(model.manifest, embedding);
      const embeddings = new Float32Array(count * embeddingSize);
      points.forEach((point, n) => {
        embeddings.set(sampleEmbedding(map, point), n * embeddingSize);
      });
      const warp = drawWarp(roi, createRandom(seed, index));
      const warped = toPoints(await model.match(renderCrop(picture, warp), set.references), count);
      const unit = interOcularDistance(item.landmarks);
      const place = new Float64Array(2);
      const missed = warped.map((point, n) => {
        applyGridMap(warp, point.x, point.y, place);
        return distance({ x: place[0], y: place[1] }, cropToImage(points[n], roi, inputSize)) / unit;
      });
      const truth = selectPoints(item.landmarks, '5').map((point) => imageToCrop(point, roi, inputSize));
      seen.push({ points, embeddings, crop, truth, unit: (unit * inputSize) / roi.size, missed });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      onSkip?.(error.message);
    }
  }
  onProgress?.(folder.items.length, folder.items.length);
  return seen;
};

/** Cells per side of the middle of the crop that coverage is counted on. */
const coverageCells = 24;
const coverageSpan = 0.55;

const coverageOf = (shape: readonly Point[]): number => {
  let covered = 0;
  for (let cell = 0; cell < coverageCells ** 2; cell++) {
    const at = (index: number): number => 0.5 + coverageSpan * ((index + 0.5) / coverageCells - 0.5);
    const place = { x: at(cell % coverageCells), y: at(Math.floor(cell / coverageCells)) };
    if (shape.some((point) => distance(point, place) < 0.125)) covered++;
  }
  return covered / coverageCells ** 2;
};

const groups = 5;

const flatten = (lists: readonly (readonly Point[])[], scale: number): Float32Array =>
  Float32Array.from(
    lists.flatMap((points) => points.flatMap(({ x, y }) => [x / scale - 0.5, y / scale - 0.5])),
  );

/** Error of the linear map from the set's points to the five annotated ones. */
const regressionOf = (learn: readonly Seen[], test: readonly Seen[], inputSize: number): number => {
  const features = 2 * learn[0].points.length;
  const outputs = 2 * learn[0].truth.length;
  const { map } = fitRidge(
    {
      inputs: flatten(
        learn.map(({ points }) => points),
        inputSize,
      ),
      targets: flatten(
        learn.map(({ truth }) => truth),
        inputSize,
      ),
      ...{ features, outputs },
    },
    learn.map((_, index) => index % groups),
    groups,
    Math.min(features, outputs),
  );
  const errors = test.map(({ points, truth, unit }) => {
    const out = new Float32Array(outputs);
    applyRidge(map, flatten([points], inputSize), out);
    const predicted = truth.map((_, n) => ({
      x: (out[2 * n] + 0.5) * inputSize,
      y: (out[2 * n + 1] + 0.5) * inputSize,
    }));
    return landmarkErrors(predicted, truth, unit);
  });
  return summarizeErrors(errors).nme;
};

/** Each picture is held against this many others. */
const partners = 2;

const pairRepeatabilityOf = async (model: Model, seen: readonly Seen[]): Promise<number> => {
  let [right, total] = [0, 0];
  for (const [index, { embeddings }] of seen.entries()) {
    for (let k = 1; k <= partners; k++) {
      const other = seen[(index + 7 * k) % seen.length];
      const found = toPoints(await model.match(other.crop, embeddings), other.points.length);
      found.forEach((point, n) => {
        if (distance(point, other.points[n]) / other.unit <= rightWithin) right++;
        total++;
      });
    }
  }
  return right / total;
};

/**
 * Holds discovered landmarks against annotated faces, as the literature does: whether they are found again in warps and
 * in other pictures, how much of the object they cover, and how well a linear map of them gives annotated points (Zhang
 * et al. 2018). Crops are the protocols', so that figures compare.
 * @throws InputError where too few pictures can be used
 */
export const evaluateDiscovery = async (
  options: DiscoveryEvaluationOptions,
): Promise<DiscoveryEvaluation> => {
  const { model, set, folder, regressFrom, seed } = options;
  const seen = await lookAtFolder(options, folder);
  let [learn, test] = [seen, seen];
  if (regressFrom === undefined) {
    const order = createRandom(seed).shuffle(seen.map((_, index) => index));
    const half = Math.floor(order.length / 2);
    [learn, test] = [order.slice(0, half), order.slice(half)].map((part) => part.map((index) => seen[index]));
  } else learn = await lookAtFolder(options, regressFrom);
  if (learn.length < groups || test.length === 0) {
    throw new InputError(
      `${learn.length} pictures to learn the map from and ${test.length} to measure it on: give ${groups} and 1 at least.`,
    );
  }
  const missed = seen.flatMap((one) => one.missed);
  return {
    warpRepeatability: missed.filter((value) => value <= rightWithin).length / missed.length,
    pairRepeatability: await pairRepeatabilityOf(model, seen),
    coverage: coverageOf(set.meanShape),
    regression: regressionOf(learn, test, model.manifest.inputSize),
    ...{ learnt: learn.length, measured: test.length },
  };
};
