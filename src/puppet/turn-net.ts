/**
 * How a head is turned, by a small network from what the tracker's network saw of it in little (a gist) and from its points, all
 * as seen along the ray through the square's middle: a head looks the same there wherever it is in the picture. Trained by
 * `tools/puppet/train-turn.ts` on drawn heads, kept in `models/face/expressions.bin` beside the other one.
 */
import { ModelError } from '../errors.ts';
import type { Gist } from '../landmarks/gist.ts';
import { pointCount } from './canonical-points.ts';
import { arrayOf, type PackedFile } from './packed-arrays.ts';
import { createNetRunner, type Layer } from './net-layers.ts';
import { multiplyInto, rotationOfVector, rotationToAxis } from './solid-rotation.ts';

/** The square that a network saw, pixels; `rotation` clockwise, radians. */
type SeenSquare = { center: { x: number; y: number }; size: number; rotation: number };

/** What a network saw of a head. */
export type Glance = {
  gist: Gist;
  roi: SeenSquare;
};

/** Cells of a gist. */
export const gistCells = 64;

export type TurnNet = {
  /** (D, C): what of an embedding counts. */ projection: Float32Array;
  /** C. */ channels: number;
  /** (D · 64 + 136 + 1): inputs are (value − mean) · gain. */ mean: Float32Array;
  gain: Float32Array;
  layers: readonly Layer[];
  /** Standard deviation of what it tells, radians. */ sigma: number;
  /** The network whose gists it learnt from, as gists name it; undefined in files of earlier versions. */
  network: string | undefined;
};

/** Turns rays so that the middle of the square lies straight ahead and the square is upright. */
type SquareView = {
  /** (9). */ turn: Float64Array;
  /** Of the square, as a share of the focal length. */ size: number;
};

type Lens = { focalLength: number; width: number; height: number };

export const viewOfSquare = (
  { center, size, rotation }: SeenSquare,
  { focalLength, width, height }: Lens,
): SquareView => {
  const ahead = rotationToAxis(
    (center.x - width / 2) / focalLength,
    (height / 2 - center.y) / focalLength,
    -1,
  );
  const upright = rotationOfVector(0, 0, rotation);
  return { turn: multiplyInto(upright, ahead, new Float64Array(9)), size: size / focalLength };
};

/** Numbers that the network sees beside the gist. */
export const pointInputs = 2 * pointCount + 1;

/** Points in the square, sides of it from its middle, y up, and how large it is. @param out from `at` on */
export const writePoints = (
  { turn: q, size }: SquareView,
  { x, y }: { x: ArrayLike<number>; y: ArrayLike<number> },
  out: Float32Array,
  at: number,
): void => {
  for (let i = 0; i < pointCount; i++) {
    const depth = q[8] - q[6] * x[i] - q[7] * y[i];
    out[at + 2 * i] = (q[0] * x[i] + q[1] * y[i] - q[2]) / depth / size;
    out[at + 2 * i + 1] = (q[3] * x[i] + q[4] * y[i] - q[5]) / depth / size;
  }
  out[at + 2 * pointCount] = size;
};

/** What of a gist counts. @param projection (D, C) @param out from 0 on, (D, 64) */
export const projectGist = (projection: Float32Array, gist: Int8Array, out: Float32Array): void => {
  const channels = gist.length / gistCells;
  for (let d = 0, at = 0; at < projection.length; d++) {
    const row = out.subarray(d * gistCells, (d + 1) * gistCells).fill(0);
    for (let c = 0; c < channels; c++, at++) {
      const weight = projection[at] / 127;
      for (let i = 0, from = c * gistCells; i < gistCells; i++, from++) row[i] += weight * gist[from];
    }
  }
};

/** @returns undefined for a file of an earlier version, which has none. @throws ModelError for one that is broken */
export const parseTurnNet = (packed: PackedFile, where: string): TurnNet | undefined => {
  const { seen } = packed.about as { seen?: { layers?: unknown; sigma?: unknown; network?: unknown } };
  if (seen === undefined) return undefined;
  const { layers: count, sigma, network } = seen;
  if (typeof count !== 'number' || typeof sigma !== 'number') {
    throw new ModelError(`${where} does not say what it tells. Use the files of one version of the package.`);
  }
  const of = (name: string, ...shape: number[]): Float32Array => arrayOf(packed, name, shape, where);
  const mean = of('seenMean', NaN);
  const dimensions = (mean.length - pointInputs) / gistCells;
  const projection = of('seenProjection', dimensions, NaN);
  let inputs = mean.length;
  const layers = Array.from({ length: count }, (_, i): Layer => {
    const biases = of(`seenBiases${i}`, 1, i + 1 === count ? 3 : NaN);
    const layer = { weights: of(`seenWeights${i}`, biases.length, inputs), biases };
    inputs = biases.length;
    return layer;
  });
  const channels = projection.length / dimensions;
  const about = { sigma, network: typeof network === 'string' ? network : undefined };
  return { projection, channels, mean, gain: of('seenGain', mean.length), layers, ...about };
};

/** Makes what tells turns: rotations from head to camera coordinates. */
export const createTurnTeller = (net: TurnNet) => {
  const run = createNetRunner(net);
  const input = new Float32Array(net.mean.length);
  const places = net.mean.length - pointInputs;
  let projected: Int8Array | undefined;
  return (
    { gist: { means: gist }, roi }: Glance,
    points: { x: ArrayLike<number>; y: ArrayLike<number> },
    lens: Lens,
  ): Float64Array => {
    const view = viewOfSquare(roi, lens);
    // Asked twice a frame, for smoothed points and for raw ones: the gist is the same.
    if (gist !== projected) projectGist(net.projection, gist, input);
    projected = gist;
    writePoints(view, points, input, places);
    const [x, y, z] = run(input);
    const q = view.turn;
    const back = Float64Array.of(q[0], q[3], q[6], q[1], q[4], q[7], q[2], q[5], q[8]);
    return multiplyInto(back, rotationOfVector(x, y, z), new Float64Array(9));
  };
};
