/** What the puppet's network learns from: drawn heads, as the tracker has seen them, and mirrored. */
import {
  canonicalize,
  intoFrame,
  pointCount,
  type CanonicalFrame,
  type PointRays,
} from '../../src/puppet/canonical-points.ts';
import { moveGain, outputPlaces } from '../../src/puppet/point-net.ts';
import { createRandom } from '../../src/augment/random.ts';
import type { Rig } from '../../src/train/rig/rig.ts';
import { camera, drawPlace, usualLimits } from './draw-place.ts';
import { learnToImitate, type SeenFace } from './imitation.ts';
import { project } from './pinhole-view.ts';
import { mirrorOf, type Tracked, type View, type Views } from './read-views.ts';
import { turnInFrame } from './turn-in-frame.ts';

export type Sample = {
  frame: CanonicalFrame;
  target: Float32Array;
  /** cm of one canonical unit at the head. */ unit: number;
};

const raysOf = (
  points: readonly (readonly number[])[],
  focalLength: number,
  { width, height }: Views,
): PointRays => ({
  x: Float64Array.from(points, ([x]) => (x - width / 2) / focalLength),
  y: Float64Array.from(points, ([, y]) => (height / 2 - y) / focalLength),
});

const mirrorRays = ({ x, y }: PointRays): PointRays => ({
  x: Float64Array.from(mirrorOf, (i) => -x[i]),
  y: Float64Array.from(mirrorOf, (i) => y[i]),
});

/** Where an expression goes in a mirror. */
const mirrorName = (name: string): string =>
  name
    .replace(/_([LR])$/, (_, side) => (side === 'L' ? '_R' : '_L'))
    .replace(/(Left|Right)$/, (side) => (side === 'Left' ? 'Right' : 'Left'));

const sampleOf = (
  depth: number,
  seen: PointRays,
  truth: PointRays,
  rotation: readonly number[],
  expression: readonly number[],
): Sample => {
  const frame = canonicalize(seen);
  const places = outputPlaces(expression.length);
  const target = new Float32Array(places.count);
  for (let i = 0; i < pointCount; i++) {
    const [x, y] = intoFrame(frame, truth.x[i], truth.y[i]);
    target[2 * i] = moveGain * (x - frame.values[2 * i]);
    target[2 * i + 1] = moveGain * (y - frame.values[2 * i + 1]);
  }
  target.set(turnInFrame(frame, rotation), places.turn);
  target.set(expression, places.expressions);
  return { frame, target, unit: frame.values[2 * pointCount] * depth };
};

/** @param isMirrored also in the mirror */
export const samplesOf = (
  views: Views,
  tracked: ReadonlyMap<string, Tracked>,
  items: readonly View[],
  isMirrored: boolean,
): Sample[] => {
  const swapped = views.expressions.map((name) => views.expressions.indexOf(mirrorName(name)));
  return items.flatMap((view) => {
    const points = tracked.get(view.image)?.points ?? null;
    if (points === null) return [];
    const seen = raysOf(points, view.focalLength, views);
    const truth = raysOf(view.landmarks, view.focalLength, views);
    const own = sampleOf(-view.translation[2], seen, truth, view.rotation, view.expression);
    if (!isMirrored) return [own];
    const turned = view.rotation.map((value, i) => ([1, 2, 3, 6].includes(i) ? -value : value));
    const weights = swapped.map((k) => view.expression[k]);
    return [own, sampleOf(-view.translation[2], mirrorRays(seen), mirrorRays(truth), turned, weights)];
  });
};

/** Faces of the views, as they are and as they were seen, also in the mirror. */
const facesOf = (views: Views, tracked: ReadonlyMap<string, Tracked>, items: readonly View[]): SeenFace[] =>
  items.flatMap((view) => {
    const points = tracked.get(view.image)?.points ?? null;
    if (points === null) return [];
    const seen = raysOf(points, view.focalLength, views);
    const truth = raysOf(view.landmarks, view.focalLength, views);
    const rotation = view.rotation.map((value, i) => ([1, 2, 3, 6].includes(i) ? -value : value));
    return [
      { seen, truth, rotation: view.rotation },
      { seen: mirrorRays(seen), truth: mirrorRays(truth), rotation },
    ];
  });

/** (L, 3) landmarks of the rig in a shape. */
const landmarksOf = (rig: Rig, identity: readonly number[], expression: readonly number[]): Float64Array => {
  const { landmarks, neutral } = rig;
  const out = new Float64Array(3 * landmarks.length);
  landmarks.forEach((v, l) => {
    for (let axis = 0; axis < 3; axis++) {
      let value = neutral[3 * v + axis];
      identity.forEach((weight, k) => (value += weight * rig.identity[k][3 * v + axis]));
      expression.forEach((weight, k) => (value += weight * rig.expressions[k][3 * v + axis]));
      out[3 * l + axis] = value;
    }
  });
  return out;
};

export type Imagined = {
  count: number;
  seed: number;
  /** Share of the tracker's mistakes, least and most: drawn heads are harder than real ones. */
  mistakes: readonly [number, number];
};

/** Samples of faces that were never drawn: of anybody, with points as the tracker would place them. */
export const imagineSamples = (
  views: Views,
  tracked: ReadonlyMap<string, Tracked>,
  items: readonly View[],
  rig: Rig,
  { count, seed, mistakes }: Imagined,
): Sample[] => {
  const imitate = learnToImitate(facesOf(views, tracked, items));
  return Array.from({ length: count }, (_, i) => {
    const random = createRandom(seed, 77, i);
    const identity = rig.identity.map(() => random.normal());
    const view = drawPlace(rig, identity, random, usualLimits);
    const shape = landmarksOf(rig, identity, view.expression);
    const points = rig.landmarks.map((_, l) =>
      project(view, [shape[3 * l], shape[3 * l + 1], shape[3 * l + 2]]),
    );
    const truth = raysOf(points, view.focalLength, { ...views, ...camera });
    const seen = imitate(truth, view.rotation, random, random.uniform(...mistakes));
    return sampleOf(-view.translation[2], seen, truth, view.rotation, view.expression);
  });
};
