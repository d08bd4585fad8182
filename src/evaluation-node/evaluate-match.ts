import { InputError } from '../errors.ts';
import type { Point } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { selectPoints } from '../landmarks/point-sets.ts';
import { protocolRoi, type AnnotatedFolder, type AnnotatedPicture } from '../evaluation/annotations.ts';
import { renderCrop, type OnSkip } from '../evaluation/evaluation-model.ts';
import { decodeAnnotated } from './load-evaluation-crops.ts';
import type { RawPicture } from '../media/raw-picture.ts';
import { embedPoints } from '../landmarks/embed-points.ts';
import type { Model } from '../model/model.ts';
import { createRandom, type Random } from '../augment/random.ts';
import { invertGridMap, type GridMap } from '../train/views/warps.ts';

/** Strengths of the protocol's warps; lengths in the paper's units, in which the crop spans [−1, 1]. */
const warp = {
  /** Spline coefficients: of all controls, and added for a random half of them. */ splineSd: 0.0005,
  splineSubsetSd: 0.005,
  translationSd: 0.05,
  /** Of the factor around 1. */ scaleSd: 0.05,
  /** Radians. */ rotationSd: (2.5 * Math.PI) / 180,
} as const;

/** Spline controls per side, evenly over [−1, 1]. */
const controlsPerSide = 10;
/** Lattice of the rendered map per side of the crop: 2 to 3 pixels of a 96-pixel crop. */
const latticeCells = 40;
/** Side of the picture that errors are scaled to, pixels. */
const reportedSide = 70;

/** Thin-plate kernel r² log r. */
const kernel = (x: number, y: number): number => {
  const squared = x * x + y * y;
  return squared > 0 ? 0.5 * squared * Math.log(squared) : 0;
};

/** Draws warps of crops. */
export type WarpDrawer = (roi: Roi, random: Random) => GridMap;

/**
 * The protocol's warps, as this project reads the paper's numbers: x_source = scale · R(rotation) · x + translation
 * + Σ_i w_i · U(x − c_i), U = r² log r over a 10 × 10 grid of controls c_i, with w_i ~ N(0, 0.0005) plus, for a
 * random half of them, N(0, 0.005); x in [−1, 1] over the crop. It is a map from the warped picture back to the
 * unwarped one.
 */
export const createWarpDrawer = (size: number): WarpDrawer => {
  const nodes = latticeCells + 1;
  const controls = controlsPerSide ** 2;
  const toUnit = (index: number, count: number): number => (2 * index) / (count - 1) - 1;
  const basis = new Float64Array(nodes * nodes * controls);
  for (let node = 0; node < nodes * nodes; node += 1) {
    const x = toUnit(node % nodes, nodes);
    const y = toUnit(Math.floor(node / nodes), nodes);
    for (let control = 0; control < controls; control += 1) {
      const dx = x - toUnit(control % controlsPerSide, controlsPerSide);
      const dy = y - toUnit(Math.floor(control / controlsPerSide), controlsPerSide);
      basis[node * controls + control] = kernel(dx, dy);
    }
  }
  return (roi, random) => {
    const scale = random.normal(1, warp.scaleSd);
    const rotation = random.normal(0, warp.rotationSd);
    const [cos, sin] = [scale * Math.cos(rotation), scale * Math.sin(rotation)];
    const [shiftX, shiftY] = [random.normal(0, warp.translationSd), random.normal(0, warp.translationSd)];
    const weights = Float64Array.from({ length: 2 * controls }, () => random.normal(0, warp.splineSd));
    for (let control = 0; control < controls; control += 1) {
      if (!random.chance(0.5)) continue;
      weights[2 * control] += random.normal(0, warp.splineSubsetSd);
      weights[2 * control + 1] += random.normal(0, warp.splineSubsetSd);
    }
    const map: GridMap = {
      size,
      cells: latticeCells,
      x: new Float64Array(nodes * nodes),
      y: new Float64Array(nodes * nodes),
    };
    for (let node = 0; node < nodes * nodes; node += 1) {
      const x = toUnit(node % nodes, nodes);
      const y = toUnit(Math.floor(node / nodes), nodes);
      let u = cos * x - sin * y + shiftX;
      let v = sin * x + cos * y + shiftY;
      for (let control = 0; control < controls; control += 1) {
        u += basis[node * controls + control] * weights[2 * control];
        v += basis[node * controls + control] * weights[2 * control + 1];
      }
      map.x[node] = roi.center.x + (u * roi.size) / 2;
      map.y[node] = roi.center.y + (v * roi.size) / 2;
    }
    return map;
  };
};

/** A warped picture and where its five points are. */
export type View = { /** (3, S, S). */ image: Float32Array; /** (5) crop pixels. */ points: Point[] };

/** Redraws of a warp that pushed a point out of the crop; at the protocol's strengths one is rare. */
const attempts = 20;

export const drawView = (
  drawWarp: WarpDrawer,
  picture: RawPicture,
  item: AnnotatedPicture,
  random: Random,
): View => {
  const targets = selectPoints(item.landmarks, '5');
  const inverse = new Float64Array(2);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const map = drawWarp(protocolRoi(item.box), random.split(attempt));
    const points: Point[] = [];
    for (const { x, y } of targets) {
      if (!invertGridMap(map, x, y, inverse)) break;
      points.push({ x: inverse[0], y: inverse[1] });
    }
    if (points.length === targets.length) return { image: renderCrop(picture, map), points };
  }
  throw new InputError(
    `${item.image}: its box does not hold its landmarks. Repair the box, or leave it out of landmarks.json.`,
  );
};

export type MatchEvaluationOptions = {
  model: Model;
  folder: AnnotatedFolder;
  /** Default 500. */ pairs?: number;
  /** Default 1. */ seed?: number;
  onProgress?: (done: number, total: number) => void;
  onSkip?: OnSkip;
};

export type MatchEvaluation = {
  /** Mean error between two warps of one picture, pixels of a 70-pixel picture. */ samePixels: number;
  /** The same between pictures of different people. */ differentPixels: number;
  /** Pairs measured, five points each. */ pairs: number;
};

const meanDistance = (matches: Float32Array, first: number, points: readonly Point[]): number =>
  points.reduce((sum, point, index) => {
    const at = (first + index) * 3;
    return sum + Math.hypot(matches[at] - point.x, matches[at + 1] - point.y);
  }, 0) / points.length;

/**
 * The matching protocol of Thewlis et al. 2019 (table 1): embeddings at the five points of a warped picture are
 * looked for in another warp of it, and in a warped picture of another person (any other picture of the folder).
 * Crop: square on the centre of the box, side 1.6 × its longer side.
 * @throws InputError with fewer than two usable pictures
 */
export const evaluateMatching = async ({
  model,
  folder,
  pairs = 500,
  seed = 1,
  onProgress,
  onSkip,
}: MatchEvaluationOptions): Promise<MatchEvaluation> => {
  const { inputSize } = model.manifest;
  const drawWarp = createWarpDrawer(inputSize);
  const usable = [...folder.items];
  const open = async (item: AnnotatedPicture): Promise<RawPicture | undefined> => {
    try {
      return await decodeAnnotated(folder, item);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      usable.splice(usable.indexOf(item), 1);
      onSkip?.(error.message);
      return undefined;
    }
  };
  const drawPictures = async (random: Random) => {
    while (usable.length >= 2) {
      const first = random.int(usable.length);
      const second = (first + 1 + random.int(usable.length - 1)) % usable.length;
      const [item, other] = [usable[first], usable[second]];
      const [picture, otherPicture] = [await open(item), await open(other)];
      if (picture !== undefined && otherPicture !== undefined) return { item, picture, other, otherPicture };
    }
    throw new InputError(
      `${folder.path} has ${usable.length} usable pictures but a pair needs two. Give more pictures.`,
    );
  };

  let same = 0;
  let different = 0;
  const targets = new Float32Array(2 * 3 * inputSize * inputSize);
  for (let pair = 0; pair < pairs; pair += 1) {
    onProgress?.(pair, pairs);
    const { item, picture, other, otherPicture } = await drawPictures(createRandom(seed, pair));
    const source = drawView(drawWarp, picture, item, createRandom(seed, pair, 1));
    const again = drawView(drawWarp, picture, item, createRandom(seed, pair, 2));
    const stranger = drawView(drawWarp, otherPicture, other, createRandom(seed, pair, 3));
    const references = await embedPoints(model, source.image, source.points);
    targets.set(again.image, 0);
    targets.set(stranger.image, again.image.length);
    const matches = await model.match(targets, references);
    same += meanDistance(matches, 0, again.points);
    different += meanDistance(matches, again.points.length, stranger.points);
  }
  onProgress?.(pairs, pairs);
  const scale = reportedSide / inputSize / pairs;
  return { samePixels: same * scale, differentPixels: different * scale, pairs };
};
