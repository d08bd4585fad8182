import { expect, test } from 'vitest';
import { createRandom } from '../../src/augment/random.ts';
import { factorizeInPlace, solveFactored } from '../../src/geometry/positive-definite.ts';
import { applyRidge, fitRidge, type RidgeData } from '../../src/landmark-maker/ridge.ts';

const outputs = 2;

const draw = (rows: number, features: number): { data: RidgeData; groupOf: number[] } => {
  const random = createRandom(7, rows);
  const truth = Array.from({ length: outputs * features }, () => random.normal(0, 0.3));
  const inputs = Float32Array.from({ length: rows * features }, () => random.normal(0.5, 1));
  const targets = new Float32Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    for (let t = 0; t < outputs; t++) {
      let sum = 3 + random.normal(0, 0.05);
      for (let f = 0; f < features; f++) sum += truth[t * features + f] * inputs[row * features + f];
      targets[row * outputs + t] = sum;
    }
  }
  return {
    data: { inputs, targets, features, outputs },
    groupOf: Array.from({ length: rows }, (_, i) => i % 5),
  };
};

/** Ridge regression by its normal equations over the features, with a mean of its own. */
const byNormalEquations = ({ inputs, targets, features }: RidgeData, penalty: number) => {
  const rows = inputs.length / features;
  const mean = (values: Float32Array, width: number, at: number): number =>
    Array.from({ length: rows }, (_, row) => values[row * width + at]).reduce((a, b) => a + b, 0) / rows;
  const x = Array.from({ length: features }, (_, f) => mean(inputs, features, f));
  const y = Array.from({ length: outputs }, (_, t) => mean(targets, outputs, t));
  const matrix = new Float64Array(features * features);
  const right = new Float64Array(outputs * features);
  let trace = 0;
  for (let i = 0; i < features; i++) {
    for (let row = 0; row < rows; row++) {
      const own = inputs[row * features + i] - x[i];
      for (let j = 0; j < features; j++)
        matrix[i * features + j] += own * (inputs[row * features + j] - x[j]);
      for (let t = 0; t < outputs; t++) right[t * features + i] += own * (targets[row * outputs + t] - y[t]);
    }
    trace += matrix[i * features + i];
  }
  for (let i = 0; i < features; i++) matrix[i * features + i] += (penalty * trace) / features;
  factorizeInPlace(matrix, features);
  const weights = solveFactored(matrix, features, right);
  return (input: Float32Array): number[] =>
    y.map((own, t) => x.reduce((sum, m, f) => sum + weights[t * features + f] * (input[f] - m), own));
};

/** Rows of a problem, and again the same. */
const twice = ({ data, groupOf }: ReturnType<typeof draw>): ReturnType<typeof draw> => ({
  data: {
    ...data,
    inputs: Float32Array.from([...data.inputs, ...data.inputs]),
    targets: Float32Array.from([...data.targets, ...data.targets]),
  },
  groupOf: [...groupOf, ...groupOf],
});

test.each([
  ['fewer rows than features', draw(30, 48)],
  ['more rows than features', draw(60, 12)],
  ['few rows that are all there twice', twice(draw(10, 48))],
])('is the ridge solution with %s', (_, { data, groupOf }) => {
  const { features } = data;
  const { map, penalty } = fitRidge(data, groupOf, 5, outputs);
  const expected = byNormalEquations(data, penalty);
  const random = createRandom(11);
  for (let i = 0; i < 20; i++) {
    const input = Float32Array.from({ length: features }, () => random.normal(0.5, 1));
    const out = new Float32Array(outputs);
    applyRidge(map, input, out);
    // Maps are rounded as their file keeps them.
    expected(input).forEach((value, t) => {
      expect(Math.abs(out[t] - value)).toBeLessThan(0.02);
    });
  }
});
