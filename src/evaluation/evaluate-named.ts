/** Few annotated pictures of anything: named points, some of them hidden, measured in the object's own size. */
import { createRandom } from '../augment/random.ts';
import { InputError } from '../errors.ts';
import type { Point } from '../geometry/coordinates.ts';
import { cropToImage, imageToCrop, type Roi } from '../geometry/roi.ts';
import { embedPoints } from '../landmarks/embed-points.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import type { Model } from '../model/model.ts';
import { lookFromMatches, refineLook } from '../pipeline/look.ts';
import { evaluatePoints, type PointFigures, type PointReport } from './evaluate-points.ts';

/** An annotated picture, cut out as the protocols do it. */
export type NamedCrop = {
  /** Tells pictures apart. */ path: string;
  /** (3, S, S) planar RGB 0–1. */ image: Float32Array;
  roi: Roi;
  /** (N) image pixels; null is a hidden point. */ points: readonly (Point | null)[];
};

/** Where the reference embeddings come from. */
export type NamedReferences =
  | {
      kind: 'pictures';
      /** Those of `test` among them are left out of the test when chosen. */ crops: readonly NamedCrop[];
      /** Pictures of a draw. */ shots: number;
      /** Draws to average over. */ draws: number;
      seed: number;
    }
  | { kind: 'set'; /** Points are found by their names. */ set: LandmarkSet };

export type NamedOptions = {
  model: Model;
  /** (N). */ names: readonly string[];
  test: readonly NamedCrop[];
  references: NamedReferences;
  /** Told how many pictures of how many are matched. */ onProgress?: (done: number, total: number) => void;
};

export type NamedReport = PointFigures & {
  /** Pictures that a draw is tested on. */ images: number;
  /** (N) one per name; NaN where a point is hidden in all of them. */ points: PointFigures[];
};

/** Finds the N points in a picture, image pixels; undefined for one that no reference picture shows. */
type Finder = {
  find: (crop: NamedCrop) => Promise<(Point | undefined)[]>;
  /** Pictures that references were taken from. */ used: ReadonlySet<string>;
};

/** The mean of the embeddings of each point over the pictures that show it, unit vectors. */
const drawFinder = async ({ model, names }: NamedOptions, chosen: readonly NamedCrop[]): Promise<Finder> => {
  const { inputSize, embeddingSize } = model.manifest;
  const sums = new Float32Array(names.length * embeddingSize);
  for (const { image, points, roi } of chosen) {
    const seen = points.flatMap((point, n) => (point === null ? [] : [{ point, n }]));
    const places = seen.map(({ point }) => imageToCrop(point, roi, inputSize));
    const embedded = await embedPoints(model, image, places);
    seen.forEach(({ n }, place) => {
      for (let c = 0; c < embeddingSize; c++)
        sums[n * embeddingSize + c] += embedded[place * embeddingSize + c];
    });
  }
  const known = names.flatMap((_, n) => (chosen.some(({ points }) => points[n] !== null) ? [n] : []));
  const references = new Float32Array(known.length * embeddingSize);
  known.forEach((n, row) => {
    const vector = sums.subarray(n * embeddingSize, (n + 1) * embeddingSize);
    const length = Math.hypot(...vector);
    vector.forEach((value, c) => (references[row * embeddingSize + c] = value / length));
  });
  return {
    used: new Set(chosen.map(({ path }) => path)),
    find: async ({ image, roi }) => {
      const matches = await model.match(image, references);
      const found: (Point | undefined)[] = names.map(() => undefined);
      known.forEach((n, row) => {
        const place = { x: matches[3 * row], y: matches[3 * row + 1] };
        found[n] = cropToImage(place, roi, inputSize);
      });
      return found;
    },
  };
};

/** @throws InputError for a name that the set has not */
const setFinder = ({ model, names }: NamedOptions, set: LandmarkSet): Finder => {
  const places = names.map((name) => {
    const place = set.names.indexOf(name);
    if (place >= 0) return place;
    throw new InputError(
      `the pictures have a point "${name}" but the landmark set has ${set.names.join(', ')}. Give a set of these points, or --references.`,
    );
  });
  const { inputSize } = model.manifest;
  // Anchors tell where the object is, which is known here.
  const { meanShape, references, evidence, refiner } = set;
  const own = { meanShape, references, evidence, ...(refiner === undefined ? {} : { refiner }) };
  return {
    used: new Set(),
    find: async ({ image, roi }) => {
      const { matches, embedding } = await model.matchAndEmbed(image, references);
      const look = lookFromMatches(matches, roi, own, inputSize);
      const found = refineLook(look, embedding, own, model.manifest);
      return places.map((place) => found[place]);
    },
  };
};

const createFinders = async (options: NamedOptions): Promise<Finder[]> => {
  const { references } = options;
  if (references.kind === 'set') return [setFinder(options, references.set)];
  const { crops, shots, draws, seed } = references;
  if (crops.length < shots) {
    throw new InputError(
      `${shots} reference pictures are asked for but only ${crops.length} can be used. Ask for fewer.`,
    );
  }
  const finders: Finder[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const order = createRandom(seed, draw).shuffle(crops.map((_, index) => index));
    finders.push(
      await drawFinder(
        options,
        order.slice(0, shots).map((index) => crops[index]),
      ),
    );
  }
  return finders;
};

const meanOf = (values: readonly number[]): number => {
  const known = values.filter(Number.isFinite);
  return known.reduce((sum, value) => sum + value, 0) / known.length;
};

const meanFigures = (figures: readonly PointFigures[]): PointFigures => ({
  count: Math.round(meanOf(figures.map(({ count }) => count))),
  tracked: meanOf(figures.map(({ tracked }) => tracked)),
  meanPixels: meanOf(figures.map(({ meanPixels }) => meanPixels)),
  medianPixels: meanOf(figures.map(({ medianPixels }) => medianPixels)),
  pck05: meanOf(figures.map(({ pck05 }) => pck05)),
  pck10: meanOf(figures.map(({ pck10 }) => pck10)),
});

/**
 * Reference embeddings from a few annotated pictures (or a landmark set), nearest neighbours in the others, by the
 * protocols' crop. Hidden points are left out; the object's size in a picture is the longer side of the box of its visible
 * points, as `evaluatePoints` takes it.
 * @returns the mean over the draws
 * @throws InputError for too few pictures, and for names that a landmark set has not
 */
export const evaluateNamed = async (options: NamedOptions): Promise<NamedReport> => {
  const { test, names, onProgress } = options;
  const reports: PointReport[] = [];
  const finders = await createFinders(options);
  for (const [draw, { find, used }] of finders.entries()) {
    const crops = test.filter(({ path }) => !used.has(path));
    if (crops.length === 0) {
      throw new InputError(
        `all ${test.length} pictures are references: none is left to measure. Give more pictures or fewer shots.`,
      );
    }
    const found: (Point | undefined)[][] = [];
    for (const [index, crop] of crops.entries()) {
      onProgress?.(draw * test.length + index, finders.length * test.length);
      found.push(await find(crop));
    }
    const labels = crops.map(({ points }, frame) => ({
      frame,
      points: points.map((point) => point ?? undefined),
    }));
    reports.push(evaluatePoints(found, labels));
  }
  onProgress?.(finders.length * test.length, finders.length * test.length);
  return {
    ...meanFigures(reports),
    images: reports[0].frames,
    points: names.map((_, n) => meanFigures(reports.map(({ points }) => points[n]))),
  };
};
