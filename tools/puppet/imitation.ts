/**
 * Imitates the tracker: how it places points when it sees a face, learnt from drawn heads. Faces that were never drawn, in any
 * number, get points as the tracker would place them: a linear map (matches follow part of the way), and mistakes that it made on
 * a head that was turned alike.
 */
import type { Random } from '../../src/augment/random.ts';
import { factorizeInPlace, solveFactored } from '../../src/geometry/positive-definite.ts';
import {
  canonicalize,
  decanonicalize,
  inputCount,
  intoFrame,
  pointCount,
  type PointRays,
} from '../../src/puppet/canonical-points.ts';
import { turnInFrame } from './turn-in-frame.ts';

/** A face as it is and as the tracker saw it. */
export type SeenFace = { truth: PointRays; seen: PointRays; rotation: ArrayLike<number> };

/** Weight of the ridge, of the number of faces. */
const ridge = 1e-4;
/** Mistakes of so many faces are looked at, and those of the one taken that is turned most alike. */
const candidates = 12;

const size = 2 * pointCount;

/** @returns makes points of a face as the tracker would see it */
export const learnToImitate = (faces: readonly SeenFace[]) => {
  const rows = faces.map(({ truth, seen, rotation }) => {
    const frame = canonicalize(truth);
    const target = new Float64Array(size);
    for (let i = 0; i < pointCount; i++) target.set(intoFrame(frame, seen.x[i], seen.y[i]), 2 * i);
    return { input: frame.values, target, turn: turnInFrame(frame, rotation) };
  });
  const width = inputCount + 1;
  const inputs = rows.map(({ input }) => Float64Array.of(...input, 1));
  const matrix = new Float64Array(width * width);
  const right = new Float64Array(size * width);
  inputs.forEach((input, n) => {
    for (let p = 0; p < width; p++) {
      for (let q = 0; q <= p; q++) matrix[p * width + q] += input[p] * input[q];
      for (let o = 0; o < size; o++) right[o * width + p] += input[p] * rows[n].target[o];
    }
  });
  for (let p = 0; p < width; p++) matrix[p * width + p] += ridge * faces.length;
  factorizeInPlace(matrix, width);
  const map = solveFactored(matrix, width, right);
  const predict = (input: Float64Array): Float64Array =>
    Float64Array.from({ length: size }, (_, o) => {
      let sum = 0;
      for (let p = 0; p < width; p++) sum += map[o * width + p] * input[p];
      return sum;
    });
  const mistakes = rows.map(({ target, turn }, n) => {
    const predicted = predict(inputs[n]);
    return { mistake: target.map((value, o) => value - predicted[o]), turn };
  });

  /** @param share of the mistakes that is made, 0–1 */
  return (truth: PointRays, rotation: ArrayLike<number>, random: Random, share: number): PointRays => {
    const frame = canonicalize(truth);
    const turn = turnInFrame(frame, rotation);
    let [best, least] = [mistakes[0], Infinity];
    for (let c = 0; c < candidates; c++) {
      const one = mistakes[random.int(mistakes.length)];
      const away = Math.hypot(...one.turn.map((value, axis) => value - turn[axis]));
      if (away < least) [best, least] = [one, away];
    }
    const values = predict(Float64Array.of(...frame.values, 1)).map(
      (value, o) => value + share * best.mistake[o],
    );
    const seen: PointRays = { x: new Float64Array(pointCount), y: new Float64Array(pointCount) };
    decanonicalize(frame, values, seen);
    return seen;
  };
};
