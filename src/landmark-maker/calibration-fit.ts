import { misfit, sigmoid, type Calibration } from '../landmarks/calibration.ts';
import { logOdds } from '../landmarks/log-odds.ts';

/** Landmarks of one look, and which of them were right. */
export type CalibrationLook = {
  /** (N) as the network gives them, 0–1. */ confidences: ArrayLike<number>;
  /** (N) of the shape fit, shares of the shape's extent; undefined where there was none. */
  residuals: ArrayLike<number> | undefined;
  /** (N) whether each lay within the tolerance; undefined where nobody knows, as of a hidden one. */
  right: readonly (boolean | undefined)[];
};

/** Weights that all landmarks share: own, mean, misfit, and the offset that each starts from. */
const shared = 4;
/** Penalty on how far a landmark's offset is from the common one: as if it had been seen this often besides. */
const offsetPenalty = 3;
/** Keeps the shared weights finite where one of them tells right from wrong without fail. */
const weightPenalty = 1e-3;
const maxRounds = 40;

/** The shared inputs of every landmark of every look, (looks · N, shared). */
const inputsOf = (looks: readonly CalibrationLook[], count: number): Float64Array => {
  const inputs = new Float64Array(looks.length * count * shared);
  looks.forEach(({ confidences, residuals }, look) => {
    const own = Array.from({ length: count }, (_, n) => logOdds(confidences[n]));
    const mean = own.reduce((sum, value) => sum + value, 0) / count;
    own.forEach((value, n) => {
      inputs.set([value, mean, misfit(residuals?.[n]), 1], (look * count + n) * shared);
    });
  });
  return inputs;
};

/** Of each look the landmarks of which it is known. */
const judgedOf = (looks: readonly CalibrationLook[]): { isRight: boolean; n: number }[][] =>
  looks.map(({ right }) => right.flatMap((isRight, n) => (isRight === undefined ? [] : [{ isRight, n }])));

/** Solves A·x = b for a small symmetric positive definite A (n × n, row-major) by elimination; both are overwritten. */
const solve = (matrix: Float64Array, right: Float64Array): Float64Array => {
  const n = right.length;
  for (let column = 0; column < n; column++) {
    for (let row = column + 1; row < n; row++) {
      const factor = matrix[row * n + column] / matrix[column * n + column];
      for (let k = column; k < n; k++) matrix[row * n + k] -= factor * matrix[column * n + k];
      right[row] -= factor * right[column];
    }
  }
  for (let row = n - 1; row >= 0; row--) {
    for (let k = row + 1; k < n; k++) right[row] -= matrix[row * n + k] * right[k];
    right[row] /= matrix[row * n + row];
  }
  return right;
};

/**
 * Fits a calibration: penalised maximum likelihood by Newton's method. The offsets of single landmarks touch nothing but
 * their own landmark and the shared weights, so that each round solves no more than the shared ones.
 * @param looks at least one, all of the same N landmarks
 * @param tolerance what `right` was decided by, kept in the calibration
 */
export const fitCalibration = (looks: readonly CalibrationLook[], tolerance: number): Calibration => {
  const count = looks[0].right.length;
  const inputs = inputsOf(looks, count);
  const judged = judgedOf(looks);
  let [weights, offsets] = [new Float64Array(shared), new Float64Array(count)];

  const logit = (w: Float64Array, d: Float64Array, sample: number): number => {
    let sum = d[sample % count];
    for (let i = 0; i < shared; i++) sum += w[i] * inputs[sample * shared + i];
    return sum;
  };
  const loss = (w: Float64Array, d: Float64Array): number => {
    let sum = 0;
    for (const value of w) sum += 0.5 * weightPenalty * value * value;
    for (const value of d) sum += 0.5 * offsetPenalty * value * value;
    judged.forEach((ofLook, look) => {
      ofLook.forEach(({ isRight, n }) => {
        const value = logit(w, d, look * count + n);
        // ln(1 + e^±z) without overflow.
        const wrongness = isRight ? -value : value;
        sum += Math.max(wrongness, 0) + Math.log1p(Math.exp(-Math.abs(wrongness)));
      });
    });
    return sum;
  };

  let current = loss(weights, offsets);
  for (let round = 0; round < maxRounds; round++) {
    const slope = weights.map((weight) => weightPenalty * weight);
    const slopeOfOffsets = offsets.map((offset) => offsetPenalty * offset);
    const curve = new Float64Array(shared * shared);
    for (let i = 0; i < shared; i++) curve[i * shared + i] = weightPenalty;
    const mixed = new Float64Array(count * shared);
    const curveOfOffsets = new Float64Array(count).fill(offsetPenalty);
    judged.forEach((ofLook, look) => {
      ofLook.forEach(({ isRight, n }) => {
        const at = (look * count + n) * shared;
        const p = sigmoid(logit(weights, offsets, look * count + n));
        const excess = p - (isRight ? 1 : 0);
        const spread = p * (1 - p);
        slopeOfOffsets[n] += excess;
        curveOfOffsets[n] += spread;
        for (let i = 0; i < shared; i++) {
          slope[i] += excess * inputs[at + i];
          mixed[n * shared + i] += spread * inputs[at + i];
          for (let j = 0; j < shared; j++) curve[i * shared + j] += spread * inputs[at + i] * inputs[at + j];
        }
      });
    });
    // Schur complement: the offsets eliminated.
    for (let n = 0; n < count; n++) {
      for (let i = 0; i < shared; i++) {
        const share = mixed[n * shared + i] / curveOfOffsets[n];
        slope[i] -= share * slopeOfOffsets[n];
        for (let j = 0; j < shared; j++) curve[i * shared + j] -= share * mixed[n * shared + j];
      }
    }
    const step = solve(curve, slope);
    const stepOfOffsets = slopeOfOffsets.map((value, n) => {
      let sum = value;
      for (let i = 0; i < shared; i++) sum -= mixed[n * shared + i] * step[i];
      return sum / curveOfOffsets[n];
    });
    // A whole step can overshoot where nearly all landmarks are right.
    let length = 1;
    let next = current;
    for (; length > 1e-3; length /= 2) {
      const tried = weights.map((weight, i) => weight - length * step[i]);
      const triedOffsets = offsets.map((offset, n) => offset - length * stepOfOffsets[n]);
      next = loss(tried, triedOffsets);
      if (next <= current) {
        [weights, offsets] = [tried, triedOffsets];
        break;
      }
    }
    if (!(current - next > 1e-6 * looks.length)) break;
    current = next;
  }
  const [own, mean, misfitWeight, common] = weights;
  return {
    tolerance,
    ...{ own, mean, misfit: misfitWeight },
    offsets: Array.from(offsets, (offset) => common + offset),
  };
};
