import { createRandom, type Random } from '../augment/random.ts';
import {
  correspondSquares,
  embedSquare,
  fieldOf,
  followField,
  matchSquares,
  pointsOf,
  type EmbeddedSquare,
  type MatchOptions,
} from '../correspond/correspondence.ts';
import { locateSide } from '../correspond/correspond-pictures.ts';
import { InputError } from '../errors.ts';
import type { Point } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { protocolRoi, type AnnotatedFolder, type AnnotatedPicture } from '../evaluation/annotations.ts';
import type { OnSkip } from '../evaluation/evaluation-model.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { interOcularDistance, selectPoints } from '../landmarks/point-sets.ts';
import type { Model } from '../model/model.ts';
import { cropToTensor, type PixelImage } from '../pipeline/crop.ts';
import { createWarpDrawer, drawView } from './evaluate-match.ts';
import { decodeAnnotated } from './load-evaluation-crops.ts';

export type CorrespondenceEvaluationOptions = {
  model: Model;
  /** By which objects are found; undefined: they are where the annotated boxes are. */
  landmarkSet: LandmarkSet | undefined;
  folder: AnnotatedFolder;
  pairs: number;
  seed: number;
  tolerance?: number;
  roughness?: number;
  onProgress?: (done: number, total: number) => void;
  onSkip?: OnSkip;
};

export type CorrespondenceEvaluation = {
  /** Mean error of the five points in pictures of other people, shares of the IOD. */ differentIod: number;
  /** The same read from the dense field. */ differentFieldIod: number;
  /** Mean error in another warp of the same picture, crop pixels. */ samePixels: number;
  /** The same read from the dense field. */ sameFieldPixels: number;
  /** Share of the points of other people that found their way there and back. */ mutualKept: number;
  /** Share of those within 10 % of the IOD. */ mutualRight: number;
  /** Pairs of other people measured. */ pairs: number;
  /** Pictures in which the object was not found. */ notFound: number;
  /** The field both ways over one run of the network, processor time. */ cost: number;
};

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Least processor time of several tries, milliseconds: others on the machine only ever add to it. */
const timeOf = async (work: () => unknown, tries: number): Promise<number> => {
  let least = Infinity;
  for (let i = 0; i < tries; i++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
};

/** A picture that can be matched. */
type Subject = { item: AnnotatedPicture; square: EmbeddedSquare };

/** Opens pictures and finds the object in them; each is searched once. */
const createOpener = ({ model, landmarkSet, folder, onSkip }: CorrespondenceEvaluationOptions) => {
  const rois = new Map<AnnotatedPicture, Roi | undefined>();
  const locate = async (item: AnnotatedPicture, image: PixelImage): Promise<Roi | undefined> => {
    if (landmarkSet === undefined) return protocolRoi(item.box);
    if (rois.has(item)) return rois.get(item);
    const roi = await locateSide(model, { image }, landmarkSet, item.image).catch((error: unknown) => {
      if (!(error instanceof InputError)) throw error;
      onSkip?.(error.message);
      return undefined;
    });
    rois.set(item, roi);
    return roi;
  };
  const open = async (item: AnnotatedPicture): Promise<Subject | undefined> => {
    const { rgb, width, height } = await decodeAnnotated(folder, item);
    const image: PixelImage = { data: rgb, width, height, channels: 3 };
    const roi = await locate(item, image);
    if (roi === undefined) return undefined;
    return {
      item,
      square: await embedSquare(model, cropToTensor(image, roi, model.manifest.inputSize), roi),
    };
  };
  const notFound = (): number => [...rois.values()].filter((roi) => roi === undefined).length;
  return { open, notFound };
};

/** Errors between two warps of one picture, crop pixels: of points, and of the field at them. */
const compareWarps = async (
  { model, folder, seed }: CorrespondenceEvaluationOptions,
  item: AnnotatedPicture,
  pair: number,
  matching: MatchOptions,
): Promise<{ points: number; field: number }> => {
  const { inputSize } = model.manifest;
  const drawWarp = createWarpDrawer(inputSize);
  const picture = await decodeAnnotated(folder, item);
  const roi: Roi = { center: { x: inputSize / 2, y: inputSize / 2 }, size: inputSize, rotation: 0 };
  const [source, again] = [1, 2].map((part) =>
    drawView(drawWarp, picture, item, createRandom(seed, pair, part)),
  );
  const a = await embedSquare(model, source.image, roi);
  const b = await embedSquare(model, again.image, roi);
  const matches = matchSquares(a, [b], matching, source.points);
  const found = pointsOf(matches, matching);
  const field = fieldOf(matches, matching);
  return {
    points: mean(found.map((point, n) => distance(point, again.points[n]))),
    field: mean(
      source.points.map((point, n) => {
        const there = followField(field, point);
        return there === undefined ? NaN : distance(there, again.points[n]);
      }),
    ),
  };
};

const twoOf = (items: readonly AnnotatedPicture[], random: Random): [AnnotatedPicture, AnnotatedPicture] => {
  const first = random.int(items.length);
  const second = (first + 1 + random.int(items.length - 1)) % items.length;
  return [items[first], items[second]];
};

/** Pairs of which the same picture is warped twice: of each warp every pixel is rendered anew. */
const mostWarps = 100;

/**
 * Holds correspondence against annotated faces: five points of one person sought in a picture of another, and in another
 * warp of the same picture (the warps of `evaluateMatching`).
 * @throws InputError with fewer than two usable pictures
 */
export const evaluateCorrespondence = async (
  options: CorrespondenceEvaluationOptions,
): Promise<CorrespondenceEvaluation> => {
  const { model, folder, pairs, seed, tolerance, roughness, onProgress } = options;
  if (folder.items.length < 2) throw new InputError(`${folder.path} has one picture but a pair needs two.`);
  const matching = {
    temperature: model.manifest.temperature,
    ...(tolerance === undefined ? {} : { tolerance }),
    ...(roughness === undefined ? {} : { roughness }),
  };
  const { open, notFound } = createOpener(options);
  const errors: { point: number; field: number; mutual: boolean }[] = [];
  const same: { points: number; field: number }[] = [];
  let measured = 0;
  let example: [EmbeddedSquare, EmbeddedSquare] | undefined;
  for (let pair = 0; pair < pairs; pair++) {
    onProgress?.(pair, pairs);
    const [one, other] = twoOf(folder.items, createRandom(seed, pair));
    if (pair < mostWarps) same.push(await compareWarps(options, one, pair, matching));
    const [a, b] = [await open(one), await open(other)];
    if (a === undefined || b === undefined) continue;
    const points = selectPoints(one.landmarks, '5');
    const matches = matchSquares(a.square, [b.square], matching, points);
    const field = fieldOf(matches, matching);
    const truth = selectPoints(other.landmarks, '5');
    const unit = interOcularDistance(other.landmarks);
    pointsOf(matches, matching).forEach((found, n) => {
      const inField = followField(field, points[n]);
      errors.push({
        point: distance(found, truth[n]) / unit,
        field: inField === undefined ? NaN : distance(inField, truth[n]) / unit,
        mutual: found.mutual,
      });
    });
    example = [a.square, b.square];
    measured++;
  }
  onProgress?.(pairs, pairs);
  if (example === undefined) {
    throw new InputError(`in ${folder.path} no two objects are found. Give pictures that show them.`);
  }
  const [a, b] = example;
  const crop = new Float32Array(3 * model.manifest.inputSize ** 2).fill(0.5);
  const kept = errors.filter(({ mutual }) => mutual);
  return {
    differentIod: mean(errors.map(({ point }) => point)),
    differentFieldIod: mean(errors.map(({ field }) => field).filter(Number.isFinite)),
    samePixels: mean(same.map(({ points }) => points)),
    sameFieldPixels: mean(same.map(({ field }) => field).filter(Number.isFinite)),
    mutualKept: kept.length / errors.length,
    mutualRight: kept.filter(({ point }) => point <= 0.1).length / kept.length,
    pairs: measured,
    notFound: notFound(),
    cost:
      (await timeOf(() => correspondSquares(a, [b], matching), 20)) /
      (await timeOf(() => model.embed(crop), 20)),
  };
};
