/** Pairs of views of one photographed object, drawn by its rig: how every pixel of the first moves into the second. */
import type { Random } from '../../augment/random.ts';
import type { FlowField } from '../../flow/optical-flow.ts';
import type { RawPicture } from '../../media/raw-picture.ts';
import { anglesOf } from '../rig/fit-rig.ts';
import type { RigScene } from '../rig/rig-scene.ts';
import { depthTolerance } from '../rig/rig-scene.ts';
import type { RigChange } from '../rig/rig-change.ts';
import type { RigView } from '../rig/rig-view.ts';
import type { RigSettings } from '../settings/rig-settings.ts';

const radians = Math.PI / 180;
/** Weight of what lies around the rig's surface: its depth is a guess, though drawn exactly. */
const surroundWeight = 96;
/** A surface that shrinks below or grows beyond these factors from one view to the other teaches nothing. */
const areaRange: readonly [number, number] = [0.2, 5];
/** Neighbours whose flows differ by more than this lie on both sides of an edge, pixels. */
const greatestStep = 3;

/** A random change of a scene. @param background what may stand around the head */
export const drawChange = (
  scene: RigScene,
  settings: RigSettings,
  random: Random,
  background?: RawPicture,
): RigChange => {
  const { rig } = scene.prepared;
  const angles = anglesOf(scene.fit.pose.rotation);
  // Towards a pose that is drawn evenly, wherever the photograph's own is.
  const towards = (own: number, most: number): number =>
    Math.max(-most, Math.min(most, random.uniform(-most, most) - own)) * radians;
  const expression = new Float64Array(rig.expressions.length);
  for (const { weights, probability } of rig.gestures) {
    if (!random.chance(probability * settings.expression)) continue;
    const amount = random.uniform(0.2, 1);
    for (const [name, weight] of Object.entries(weights)) {
      const index = rig.expressionNames.indexOf(name);
      if (index >= 0) expression[index] += amount * weight * random.uniform(0.85, 1);
    }
  }
  const identity = Float64Array.from({ length: scene.fit.identity.length }, () =>
    random.normal(0, settings.identity),
  );
  const strength = random.chance(settings.lightShare) ? random.uniform(0, settings.light) : 0;
  const [azimuth, height] = [random.uniform(-1.4, 1.4), random.uniform(-1, 0.4)];
  const isBright = random.uniform(0.25, 1);
  return {
    yaw: towards(angles.yaw, settings.yaw),
    pitch: towards(angles.pitch, settings.pitch),
    ...{ identity, expression },
    light: [
      strength * Math.sin(azimuth) * Math.cos(height),
      strength * Math.sin(height),
      -strength * Math.cos(azimuth) * Math.cos(height),
    ],
    iris: [90 * isBright, 66 * isBright, random.uniform(30, 90) * isBright],
    ...(background && random.chance(settings.backgroundShare) && { background }),
  };
};

/** Area of a triangle in a view, pixels, with its sign. */
const areaOf = (placed: Float32Array, triangles: Uint32Array, t: number): number => {
  const [a, b, c] = [3 * triangles[3 * t], 3 * triangles[3 * t + 1], 3 * triangles[3 * t + 2]];
  return (
    (placed[b] - placed[a]) * (placed[c + 1] - placed[a + 1]) -
    (placed[b + 1] - placed[a + 1]) * (placed[c] - placed[a])
  );
};

/**
 * How the pixels of one view move into another one, exactly: both are drawn from the same triangles.
 * @returns flow in pixels, and 0–255 how much each pixel counts: 0 where it is hidden in the second view
 */
export const flowBetween = (
  { triangles, rigTriangles, size }: RigScene,
  a: RigView,
  b: RigView,
): { flow: FlowField; weights: Uint8Array } => {
  const { width, height } = a.raster;
  const flow: FlowField = {
    ...{ width, height },
    x: new Float32Array(width * height),
    y: new Float32Array(width * height),
  };
  const weights = new Uint8Array(width * height);
  const tolerance = depthTolerance * size;
  for (let pixel = 0; pixel < width * height; pixel++) {
    const t = a.raster.triangle[pixel];
    if (t < 0) continue;
    const [wa, wb] = [a.raster.first[pixel], a.raster.second[pixel]];
    const [i, j, k] = [3 * triangles[3 * t], 3 * triangles[3 * t + 1], 3 * triangles[3 * t + 2]];
    const at = (axis: number): number =>
      wa * b.placed[i + axis] + wb * b.placed[j + axis] + (1 - wa - wb) * b.placed[k + axis];
    const [x, y] = [at(0), at(1)];
    flow.x[pixel] = x - (pixel % width) - 0.5;
    flow.y[pixel] = y - Math.floor(pixel / width) - 0.5;
    const [column, row] = [Math.floor(x), Math.floor(y)];
    if (column < 0 || row < 0 || column >= width || row >= height) continue;
    const target = row * width + column;
    if (at(2) > b.raster.depth[target] + tolerance) continue;
    const growth = areaOf(b.placed, triangles, t) / areaOf(a.placed, triangles, t);
    if (!(growth > areaRange[0] && growth < areaRange[1])) continue;
    const isSeen = a.covered[pixel] < 0.5 && b.covered[target] < 0.5;
    if (isSeen) weights[pixel] = t < rigTriangles ? 255 : surroundWeight;
  }
  dropEdges(flow, weights);
  return { flow, weights };
};

/** Between two pixels that move apart nothing in between is known. */
const dropEdges = ({ x, y, width, height }: FlowField, weights: Uint8Array): void => {
  const drop = new Uint8Array(weights.length);
  const compare = (p: number, q: number): void => {
    if (weights[p] === 0 || weights[q] === 0) return;
    if (Math.hypot(x[p] - x[q], y[p] - y[q]) > greatestStep) drop[p] = drop[q] = 1;
  };
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const pixel = row * width + column;
      if (column + 1 < width) compare(pixel, pixel + 1);
      if (row + 1 < height) compare(pixel, pixel + width);
    }
  }
  drop.forEach((isDropped, pixel) => {
    if (isDropped === 1) weights[pixel] = 0;
  });
};
