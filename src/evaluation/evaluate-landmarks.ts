import { InputError } from '../errors.ts';
import type { Point } from '../geometry/coordinates.ts';
import { cropToImage, imageToCrop } from '../geometry/roi.ts';
import { averageSummaries, landmarkErrors, summarizeErrors, type AccuracySummary } from './accuracy.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { lookFromMatches, refineLook } from '../pipeline/look.ts';
import { averageReferences } from '../landmarks/matching.ts';
import { ibugPointCount, outerEyeCorners, selectPoints, type PointSetName } from '../landmarks/point-sets.ts';
import { embedPoints } from '../landmarks/embed-points.ts';
import type { Model } from '../model/model.ts';
import type { EvaluationCrop } from './evaluation-model.ts';
import { createRandom } from '../augment/random.ts';

/** Where the reference embeddings come from. */
export type LandmarkReferences =
  | {
      kind: 'pictures';
      /** Annotated pictures to choose from; those of `test` among them are left out of the test when chosen. */
      crops: readonly EvaluationCrop[];
      /** Pictures per draw. */ shots: number;
      /** Draws to average over. */ draws: number;
      /** Default 1. */ seed?: number;
      /**
       * Makes a set of 68 landmarks, or as many as `points` has, of the pictures of a draw, as users make theirs. Without
       * it the references are plain averages, as in the paper.
       */
      makeSet?: (pictures: readonly EvaluationCrop[]) => Promise<RefiningSet>;
    }
  | {
      kind: 'set';
      /** N = 68, or as many as `points` has. Its refiner is used where it has one. */
      set: RefiningSet;
    };

/** What of a landmark set finds and refines matches. */
export type RefiningSet = Pick<LandmarkSet, 'references' | 'meanShape' | 'evidence' | 'refiner'>;

export type LandmarkEvaluationOptions = {
  model: Model;
  /** Pictures to find the landmarks in. */ test: readonly EvaluationCrop[];
  references: LandmarkReferences;
  points: PointSetName;
  /**
   * Pictures of the same annotators as `test`, none of them in it: what each point is off by on average there, in the
   * frame of the eyes' line, is taken out of what is found. Conventions of where a point lies differ between annotators.
   */
  offsetsFrom?: readonly EvaluationCrop[];
  /** Told how many pictures of how many are matched. */ onProgress?: (done: number, total: number) => void;
};

/** References of one draw, and the pictures they were made from. */
type Draw = {
  references: Float32Array;
  paths: ReadonlySet<string>;
  /** What refines the matches, if anything. */ set?: RefiningSet;
};

const drawReferences = async (
  model: Model,
  points: PointSetName,
  { crops, shots, draws, seed = 1, makeSet }: LandmarkReferences & { kind: 'pictures' },
): Promise<Draw[]> => {
  if (crops.length < shots) {
    throw new InputError(
      `${shots} reference pictures are asked for but only ${crops.length} can be used. Ask for fewer.`,
    );
  }
  const { inputSize, embeddingSize } = model.manifest;
  // A picture may be in several draws: embed it once.
  const known = new Map<number, Float32Array>();
  const embed = async (index: number): Promise<Float32Array> => {
    const found = known.get(index);
    if (found !== undefined) return found;
    const { image, landmarks, roi } = crops[index];
    const inCrop = selectPoints(landmarks, points).map((point) => imageToCrop(point, roi, inputSize));
    const embedded = await embedPoints(model, image, inCrop);
    known.set(index, embedded);
    return embedded;
  };
  const result: Draw[] = [];
  for (let draw = 0; draw < draws; draw += 1) {
    const chosen = createRandom(seed, draw)
      .shuffle(crops.map((_, index) => index))
      .slice(0, shots);
    const paths = new Set(chosen.map((index) => crops[index].path));
    if (makeSet !== undefined) {
      const set = await makeSet(chosen.map((index) => crops[index]));
      result.push({ references: set.references, paths, set });
      continue;
    }
    const embeddings: Float32Array[] = [];
    for (const index of chosen) embeddings.push(await embed(index));
    result.push({ references: averageReferences(embeddings, embeddingSize), paths });
  }
  return result;
};

const toPoints = (matches: Float32Array, crop: EvaluationCrop, inputSize: number): Point[] =>
  Array.from({ length: matches.length / 3 }, (_, index) =>
    cropToImage({ x: matches[3 * index], y: matches[3 * index + 1] }, crop.roi, inputSize),
  );

/** What was found in a picture, and what should have been. Image pixels. */
type Finding = {
  predicted: readonly Point[];
  truth: readonly Point[];
  /** The outer eye corners. */ eyes: EyeLine;
};

/** From the right outer eye corner to the left one, image pixels: the unit of length and the direction of a face. */
type EyeLine = { x: number; y: number };

/** Of each draw, what its references find in the pictures; pictures that a draw took references from are left out. */
const findAll = async (
  { model, points, onProgress }: Pick<LandmarkEvaluationOptions, 'model' | 'points' | 'onProgress'>,
  draws: readonly Draw[],
  crops: readonly EvaluationCrop[],
): Promise<Finding[][]> => {
  const { inputSize, embeddingSize } = model.manifest;
  const wanted = Number(points);
  const perDraw = draws[0].references.length / embeddingSize;
  const findings: Finding[][] = draws.map(() => []);
  for (const [done, crop] of crops.entries()) {
    onProgress?.(done, crops.length);
    // One run a picture for all draws that do not use it as a reference.
    const active = draws.flatMap(({ paths }, draw) => (paths.has(crop.path) ? [] : [draw]));
    if (active.length === 0) continue;
    const together = new Float32Array(active.length * perDraw * embeddingSize);
    active.forEach((draw, place) => {
      together.set(draws[draw].references, place * perDraw * embeddingSize);
    });
    const { matches, embedding } = await model.matchAndEmbed(crop.image, together);
    const truth = selectPoints(crop.landmarks, points);
    const [right, left] = outerEyeCorners.map((index) => crop.landmarks[index]);
    const eyes = { x: left.x - right.x, y: left.y - right.y };
    active.forEach((draw, place) => {
      const { set } = draws[draw];
      const own = matches.subarray(place * perDraw * 3, (place + 1) * perDraw * 3);
      const found =
        set?.refiner === undefined
          ? toPoints(own, crop, inputSize)
          : refineLook(lookFromMatches(own, crop.roi, set, inputSize), embedding, set, model.manifest);
      const predicted = perDraw === wanted ? found : selectPoints(found, points);
      findings[draw].push({ predicted, truth, eyes });
    });
  }
  onProgress?.(crops.length, crops.length);
  return findings;
};

/** What each point is off by on average, in lengths of the eyes' line, along it and across. */
const meanOffsets = (findings: readonly Finding[]): Point[] =>
  findings[0].truth.map((_, n) => {
    const sum = { x: 0, y: 0 };
    for (const { predicted, truth, eyes } of findings) {
      const squared = eyes.x ** 2 + eyes.y ** 2;
      const off = { x: predicted[n].x - truth[n].x, y: predicted[n].y - truth[n].y };
      sum.x += (off.x * eyes.x + off.y * eyes.y) / squared;
      sum.y += (off.y * eyes.x - off.x * eyes.y) / squared;
    }
    return { x: sum.x / findings.length, y: sum.y / findings.length };
  });

const takeOut = (offsets: readonly Point[], { predicted, eyes }: Finding): Point[] =>
  predicted.map(({ x, y }, n) => ({
    x: x - (offsets[n].x * eyes.x - offsets[n].y * eyes.y),
    y: y - (offsets[n].x * eyes.y + offsets[n].y * eyes.x),
  }));

/**
 * Few annotated pictures (Thewlis et al. 2019, table 5): reference embeddings from them, averaged, and nearest
 * neighbours in the other pictures; or a landmark set of them, which may refine. Errors are measured in the pictures' own pixels and divided by the inter-ocular
 * distance of each.
 *
 * Of the five-point set every point has a reference of its own, taken at the point itself (the middle of the eye).
 * @returns shares (0.05 is 5 %), averaged over the draws; `images` is what one draw is tested on
 * @throws InputError when there are too few pictures, or the references are not of these points
 */
export const evaluateLandmarks = async (options: LandmarkEvaluationOptions): Promise<AccuracySummary> => {
  const { model, test, references, points, offsetsFrom } = options;
  const { embeddingSize } = model.manifest;
  const wanted = Number(points);
  const draws: Draw[] =
    references.kind === 'set'
      ? [{ references: references.set.references, paths: new Set(), set: references.set }]
      : await drawReferences(model, points, references);
  const perDraw = draws[0].references.length / embeddingSize;
  if (perDraw !== wanted && perDraw !== ibugPointCount) {
    throw new InputError(
      `the landmark set has ${perDraw} points but ${wanted} are to be measured. Use a set of ${wanted} or of the ${ibugPointCount} iBUG points.`,
    );
  }
  const findings = await findAll(options, draws, test);
  if (findings.some((ofDraw) => ofDraw.length === 0)) {
    throw new InputError(
      `all ${test.length} pictures are references: none is left to measure. Give more pictures or fewer shots.`,
    );
  }
  const others = offsetsFrom === undefined ? undefined : await findAll(options, draws, offsetsFrom);
  if (others?.some((ofDraw) => ofDraw.length === 0)) {
    throw new InputError(
      `all ${offsetsFrom?.length} pictures for the offsets are references: none is left to learn them on. Give more pictures or fewer shots.`,
    );
  }
  return averageSummaries(
    findings.map((ofDraw, draw) => {
      const offsets = others === undefined ? undefined : meanOffsets(others[draw]);
      return summarizeErrors(
        ofDraw.map((finding) => {
          const { predicted, truth, eyes } = finding;
          const found = offsets === undefined ? predicted : takeOut(offsets, finding);
          return landmarkErrors(found, truth, Math.hypot(eyes.x, eyes.y));
        }),
      );
    }),
  );
};
