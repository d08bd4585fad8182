/**
 * What the tracker's 68 points tell, by a small network: where the landmarks of the 3-D face are (matches follow what turns and
 * opens only part of the way), how the head is turned, and its expressions. Trained by `tools/puppet/train-net.ts` on drawn
 * heads, kept in `models/face/expressions.bin`.
 */
import { ModelError } from '../errors.ts';
import { inputCount, pointCount } from './canonical-points.ts';
import { arrayOf, unpackArrays } from './packed-arrays.ts';
import type { Layer } from './net-layers.ts';
import { parseTurnNet, type TurnNet } from './turn-net.ts';

export type PointNet = {
  /** (F): inputs are (value − mean) · gain. */ mean: Float32Array;
  gain: Float32Array;
  layers: readonly Layer[];
  /** Names of the 3-D face's expressions. */ expressions: readonly string[];
  /** Of them, those that points do not tell. */ untold: readonly string[];
  /** (68) how far corrected points lie off, standard deviation, cm. */ sigmas: Float64Array;
  /** Standard deviation of the turn, radians. */ turnSigma: number;
  /** What tells the turn from what the tracker's network saw; undefined in files of earlier versions. */
  seen: TurnNet | undefined;
};

/** What outputs are multiplied by in training: moves of points are small numbers. */
export const moveGain = 10;

/** Places of the outputs: moves of the points, rotation vector, expressions. */
export const outputPlaces = (expressions: number) => ({
  moves: 0,
  turn: 2 * pointCount,
  expressions: 2 * pointCount + 3,
  count: 2 * pointCount + 3 + expressions,
});

/** @throws ModelError for a file that is no such one */
export const parsePointNet = (file: ArrayBuffer | Uint8Array, where = 'expressions.bin'): PointNet => {
  const packed = unpackArrays(file, where);
  const { expressions, untold, layers: count, turnSigma } = packed.about;
  const isNames = (value: unknown): value is string[] =>
    Array.isArray(value) && value.every((entry) => typeof entry === 'string');
  if (
    !isNames(expressions) ||
    !isNames(untold) ||
    typeof count !== 'number' ||
    typeof turnSigma !== 'number'
  ) {
    throw new ModelError(`${where} does not say what it tells. Use the files of one version of the package.`);
  }
  const of = (name: string, ...shape: number[]): Float32Array => arrayOf(packed, name, shape, where);
  let inputs = inputCount;
  const layers = Array.from({ length: count }, (_, i): Layer => {
    const isLast = i + 1 === count;
    const biases = of(`biases${i}`, 1, isLast ? outputPlaces(expressions.length).count : NaN);
    const layer = { weights: of(`weights${i}`, biases.length, inputs), biases };
    inputs = biases.length;
    return layer;
  });
  return {
    ...{ mean: of('mean', inputCount), gain: of('gain', inputCount), layers, expressions, untold, turnSigma },
    sigmas: Float64Array.from(of('sigmas', pointCount)),
    seen: parseTurnNet(packed, where),
  };
};
