/** Ridge regression in closed form over groups, so that each group can be left out without counting the others again. */
import { factorizeInPlace, solveFactored } from '../geometry/positive-definite.ts';
import { roundToFile } from '../landmarks/refiner-file.ts';
import type { LowRankMap } from '../landmarks/refiner.ts';
import { principalAxes } from './principal-axes.ts';

/** Rows of inputs (F) and of what they are to give (T). */
export type RidgeData = { inputs: Float32Array; targets: Float32Array; features: number; outputs: number };

/** Sums over some rows: all that a least-squares fit needs of them. */
type Sums = {
  rows: number;
  /** (F, F), lower triangle. */ products: Float64Array;
  /** (T, F) */ mixed: Float64Array;
  /** (F) */ inputs: Float64Array;
  /** (T) */ targets: Float64Array;
  /** (T, T) */ outputs: number;
};

const sumsOf = ({ inputs, targets, features, outputs }: RidgeData, rows: readonly number[]): Sums => {
  const sums: Sums = {
    ...{ rows: rows.length, outputs },
    products: new Float64Array(features * features),
    mixed: new Float64Array(outputs * features),
    inputs: new Float64Array(features),
    targets: new Float64Array(outputs),
  };
  // Rows of A in blocks: a block stays in the cache while the whole triangle is gone through.
  const block = 32;
  const columns = new Float64Array(features * block);
  for (let start = 0; start < rows.length; start += block) {
    const some = rows.slice(start, start + block);
    columns.fill(0);
    some.forEach((row, k) => {
      for (let f = 0; f < features; f++) {
        const value = inputs[row * features + f];
        columns[f * block + k] = value;
        sums.inputs[f] += value;
      }
      for (let t = 0; t < outputs; t++) {
        const value = targets[row * outputs + t];
        sums.targets[t] += value;
        for (let f = 0; f < features; f++) sums.mixed[t * features + f] += value * inputs[row * features + f];
      }
    });
    for (let i = 0; i < features; i++) {
      const a = i * block;
      for (let j = 0; j <= i; j++) {
        const b = j * block;
        let sum = 0;
        for (let k = 0; k < block; k++) sum += columns[a + k] * columns[b + k];
        sums.products[i * features + j] += sum;
      }
    }
  }
  return sums;
};

const addInto = (sum: Float64Array, values: Float64Array): void => {
  for (let i = 0; i < sum.length; i++) sum[i] += values[i];
};

const together = (groups: readonly Sums[]): Sums => {
  const sum: Sums = {
    ...groups[0],
    products: groups[0].products.slice(),
    mixed: groups[0].mixed.slice(),
    inputs: groups[0].inputs.slice(),
    targets: groups[0].targets.slice(),
  };
  for (const group of groups.slice(1)) {
    sum.rows += group.rows;
    addInto(sum.products, group.products);
    addInto(sum.mixed, group.mixed);
    addInto(sum.inputs, group.inputs);
    addInto(sum.targets, group.targets);
  }
  return sum;
};

/** Takes the means out of sums, in place. */
const center = (sums: Sums): Sums => {
  const features = sums.inputs.length;
  const { rows } = sums;
  for (let i = 0; i < features; i++) {
    for (let j = 0; j <= i; j++) sums.products[i * features + j] -= (sums.inputs[i] * sums.inputs[j]) / rows;
  }
  for (let t = 0; t < sums.outputs; t++) {
    for (let f = 0; f < features; f++)
      sums.mixed[t * features + f] -= (sums.targets[t] * sums.inputs[f]) / rows;
  }
  return sums;
};

/** Orthonormal rows that span those of the inputs. */
type Basis = { /** (rows, F) */ axes: Float64Array; features: number };

/** Added to the diagonal of the rows' products, over its mean: rows may depend on each other. */
const jitter = 1e-10;

/**
 * The same data by coordinates along the rows themselves (L of X·Xᵀ = L·Lᵀ): a ridge solution lies in their span, and
 * where rows are fewer than features it is found there with the square of their number instead of the features'.
 */
const inRowSpace = (data: RidgeData): { data: RidgeData; basis: Basis } => {
  const { inputs, features } = data;
  const rows = inputs.length / features;
  const factor = new Float64Array(rows * rows);
  let trace = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let f = 0; f < features; f++) sum += inputs[i * features + f] * inputs[j * features + f];
      factor[i * rows + j] = sum;
    }
    trace += factor[i * rows + i];
  }
  for (let i = 0; i < rows; i++) factor[i * rows + i] += Math.max((jitter * trace) / rows, 1e-30);
  factorizeInPlace(factor, rows);
  const axes = Float64Array.from(inputs);
  for (let i = 0; i < rows; i++) {
    const row = axes.subarray(i * features, (i + 1) * features);
    for (let k = 0; k < i; k++) {
      const share = factor[i * rows + k];
      for (let f = 0; f < features; f++) row[f] -= share * axes[k * features + f];
    }
    for (let f = 0; f < features; f++) row[f] /= factor[i * rows + i];
  }
  const coordinates = Float32Array.from(factor, (value, at) => (at % rows <= at / rows ? value : 0));
  return { data: { ...data, inputs: coordinates, features: rows }, basis: { axes, features } };
};

/** Rows of coordinates along a basis, as rows of features. */
const outOfBasis = (rows: Float32Array, { axes, features }: Basis): Float32Array => {
  const size = axes.length / features;
  const result = new Float32Array((rows.length / size) * features);
  rows.forEach((value, at) => {
    const [row, k] = [Math.floor(at / size), at % size];
    for (let f = 0; f < features; f++) result[row * features + f] += value * axes[k * features + f];
  });
  return result;
};

/**
 * The map of greatest rank `rank` that ridge regression gives: the whole solution, then only the directions of the
 * outputs along which it says most (reduced-rank regression, Izenman 1975).
 * @param centered sums with their means taken out; left as they are
 * @param penalty over the mean diagonal of the inputs' products
 * @param basis what the inputs are coordinates along; the map then takes what those stand for
 */
const solveRidge = (centered: Sums, penalty: number, rank: number, basis?: Basis): LowRankMap => {
  const features = centered.inputs.length;
  const { outputs, rows } = centered;
  const factor = centered.products.slice();
  let trace = 0;
  for (let i = 0; i < features; i++) trace += factor[i * features + i];
  const added = Math.max((penalty * trace) / features, 1e-12);
  for (let i = 0; i < features; i++) factor[i * features + i] += added;
  factorizeInPlace(factor, features);
  const weights = solveFactored(factor, features, centered.mixed.slice());
  // What the solution says about the outputs together: Wᵀ·(AᵀA)·W is nearly Wᵀ·AᵀY, which is at hand.
  const said = new Float64Array(outputs * outputs);
  for (let s = 0; s < outputs; s++) {
    for (let t = 0; t < outputs; t++) {
      let sum = 0;
      for (let f = 0; f < features; f++) sum += weights[s * features + f] * centered.mixed[t * features + f];
      said[s * outputs + t] = sum;
    }
  }
  const { axes } = principalAxes(said, outputs, Math.min(rank, outputs));
  const kept = axes.length / outputs;
  let down: Float32Array = new Float32Array(kept * features);
  const up = new Float32Array(outputs * kept);
  for (let r = 0; r < kept; r++) {
    for (let t = 0; t < outputs; t++) {
      const share = axes[r * outputs + t];
      up[t * kept + r] = share;
      for (let f = 0; f < features; f++) down[r * features + f] += share * weights[t * features + f];
    }
  }
  let means: Float32Array = Float32Array.from(centered.inputs, (value) => value / rows);
  if (basis !== undefined) {
    down = outOfBasis(down, basis);
    means = outOfBasis(means, basis);
  }
  roundToFile(down);
  roundToFile(up);
  const offset = Float32Array.from(centered.targets, (value) => value / rows);
  for (let r = 0; r < kept; r++) {
    let inner = 0;
    for (let f = 0; f < means.length; f++) inner += down[r * means.length + f] * means[f];
    for (let t = 0; t < outputs; t++) offset[t] -= up[t * kept + r] * inner;
  }
  return { down, up, offset: roundToFile(offset) };
};

/** What is tried, over the mean diagonal. */
const penalties = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];

/** A map and how well it does on rows that it was not fitted to. */
export type CrossValidated = {
  map: LowRankMap;
  penalty: number;
  /** (rows, T) of the map that the row's group had no part in. */ predictions: Float32Array;
};

/** @param input (F) @param out (T), written */
export const applyRidge = (
  { down, up, offset }: LowRankMap,
  input: Float32Array,
  out: Float32Array,
): void => {
  const rank = up.length / offset.length;
  out.set(offset);
  for (let r = 0; r < rank; r++) {
    let inner = 0;
    for (let f = 0; f < input.length; f++) inner += down[r * input.length + f] * input[f];
    for (let t = 0; t < out.length; t++) out[t] += up[t * rank + r] * inner;
  }
};

/**
 * Fits a ridge map whose penalty does best on groups that are left out in turn.
 * @param groupOf (rows) 0 to groups − 1
 */
export const fitRidge = (
  given: RidgeData,
  groupOf: readonly number[],
  groups: number,
  rank: number,
): CrossValidated => {
  const count = given.inputs.length / given.features;
  const { data, basis } = count < given.features ? inRowSpace(given) : { data: given, basis: undefined };
  const { inputs, targets, features, outputs } = data;
  // The mean diagonal is that over the given features.
  const share = features / given.features;
  const rowsOf = Array.from({ length: groups }, (_, group) =>
    groupOf.flatMap((own, row) => (own === group ? [row] : [])),
  );
  const sums = rowsOf.map((rows) => sumsOf(data, rows));
  const others = sums.map((_, group) => center(together(sums.filter((__, own) => own !== group))));
  let best: { penalty: number; error: number; predictions: Float32Array } | undefined;
  for (const penalty of penalties) {
    const predictions = new Float32Array(targets.length);
    let error = 0;
    rowsOf.forEach((rows, group) => {
      const map = solveRidge(others[group], share * penalty, rank);
      for (const row of rows) {
        const out = predictions.subarray(row * outputs, (row + 1) * outputs);
        applyRidge(map, inputs.subarray(row * features, (row + 1) * features), out);
        for (let t = 0; t < outputs; t += 2) {
          const at = row * outputs + t;
          error += Math.hypot(predictions[at] - targets[at], predictions[at + 1] - targets[at + 1]);
        }
      }
    });
    if (best === undefined || error < best.error) best = { penalty, error, predictions };
    // Errors fall and then rise with the penalty.
    else if (error > 1.02 * best.error) break;
  }
  const { penalty, predictions } = best ?? { penalty: penalties[0], predictions: new Float32Array(0) };
  return { penalty, predictions, map: solveRidge(center(together(sums)), share * penalty, rank, basis) };
};
