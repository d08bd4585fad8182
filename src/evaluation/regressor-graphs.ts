/** The graphs of the paper's landmark regressor on a frozen embedding: its training step and its prediction. */
import type { Value } from '../onnx/graph.ts';
import { Graph } from '../onnx/graph.ts';
import * as op from '../onnx/operators.ts';
import { encodeModel } from '../onnx/protobuf.ts';
import { adam, defaultOptimizer, globalNorm, type OptimizerSettings } from '../train/graph/adam.ts';
import { Tape } from '../train/graph/autodiff.ts';
import * as d from '../train/graph/differentiable.ts';
import { flatGradients } from '../train/network/training-network.ts';

/** What the regressor sees of a picture: (C, G, G), G × G cells over the crop. */
export type FeatureShape = { channels: number; grid: number };

/** Plain Adam: neither clipped nor decayed apart from the gradient. */
export const adamSettings: OptimizerSettings = {
  ...defaultOptimizer,
  beta1: 0.9,
  beta2: 0.999,
  clip: 1e9,
  weightDecay: 0,
};

/** The loss is that of so many landmarks: MAFL's, whose results the settings were published with. */
const lossLandmarks = 5;

/** Cell centres with the crop spanning [−1, 1]. @returns (G·G, 2) */
const cellPositions = (grid: number): Float32Array =>
  Float32Array.from(
    Array.from({ length: grid * grid }, (_, cell) => [
      (2 * ((cell % grid) + 0.5)) / grid - 1,
      (2 * (Math.floor(cell / grid) + 0.5)) / grid - 1,
    ]).flat(),
  );

/**
 * Expected cell position under softmax over the cells of sharpness · ⟨filter, feature⟩.
 *
 * One rule for the whole chain: with P the softmax, dlogits = P ⊙ (dE · positionsᵀ − ⟨dE, E⟩), and the bracket is one
 * matrix product when the positions get a third column of ones. Nothing but P and dlogits has the full size.
 * @param filters (F, C), already times the sharpness
 * @param features (B, C, cells), not differentiated
 * @returns (B, F, 2), the crop spanning [−1, 1]
 */
export const spatialSoftArgmax = (tape: Tape, filters: Value, features: Value, grid: number): Value => {
  const { graph } = tape;
  const cells = grid * grid;
  const positions = graph.constant(cellPositions(grid), [cells, 2]);
  const share = op.softmax(graph, op.matMul(graph, filters, features), 2);
  const expected = op.matMul(graph, share, positions);
  return tape.record([filters], expected, (dy) => {
    const ones = graph.constant(new Float32Array(cells).fill(1), [1, cells]);
    const basis = op.concat(graph, [op.transpose(graph, positions, [1, 0]), ones], 0);
    const along = op.reduceSum(graph, op.mul(graph, dy, expected), [2]);
    const bracket = op.matMul(graph, op.concat(graph, [dy, op.neg(graph, along)], 2), basis);
    const dLogits = op.mul(graph, share, bracket);
    const perPicture = op.matMul(graph, dLogits, op.transpose(graph, features, [0, 2, 1]));
    return [op.reduceSum(graph, perPicture, [0], false)];
  });
};

/** Smooth L1 with its bend at 1, element by element: its slope is the error clipped to [−1, 1]. */
export const smoothL1 = (tape: Tape, error: Value): Value => {
  const { graph } = tape;
  const one = graph.scalar(1);
  const size = op.abs(graph, error);
  const bent = op.minimum(graph, size, one);
  const value = op.mul(graph, bent, op.sub(graph, size, op.mul(graph, bent, graph.scalar(0.5))));
  return tape.record([error], value, (dy) => {
    const clipped = op.maximum(graph, op.minimum(graph, error, one), graph.scalar(-1));
    return [op.mul(graph, dy, clipped)];
  });
};

/** What a regressor of some landmarks looks like. */
export type RegressorShape = FeatureShape & {
  /** Landmarks of the group. */ landmarks: number;
  points: number;
  sharpness: number;
};

export const filterCount = ({ landmarks, points, channels }: RegressorShape): number =>
  landmarks * points * channels;
export const readoutCount = ({ landmarks, points }: RegressorShape): number => landmarks * 2 * points * 2;

/** Both weights out of the flat vector: filters (n·K, C) and read-out (n, 2K, 2). */
const splitWeights = (
  graph: Graph,
  parameters: Value,
  shape: RegressorShape,
): { filters: Value; readout: Value } => {
  const { landmarks, points, channels } = shape;
  const end = filterCount(shape);
  return {
    filters: op.reshape(graph, op.slice(graph, parameters, 0, 0, end), [landmarks * points, channels]),
    readout: op.reshape(graph, op.slice(graph, parameters, 0, end, end + readoutCount(shape)), [
      landmarks,
      2 * points,
      2,
    ]),
  };
};

/** @returns (n, B, 2) landmarks, the crop spanning [−1, 1] */
const predict = (
  tape: Tape,
  filters: Value,
  readout: Value,
  features: Value,
  shape: RegressorShape,
): Value => {
  const { landmarks, points, grid, sharpness } = shape;
  const sharp = d.scale(tape, filters, sharpness);
  const expected = spatialSoftArgmax(tape, sharp, features, grid);
  const [batch] = features.shape;
  const perLandmark = d.reshape(tape, expected, [Number(batch), landmarks, 2 * points]);
  return d.matMul(tape, d.transpose(tape, perLandmark, [1, 0, 2]), readout);
};

export const trainingGraph = (shape: RegressorShape, batch: number, weightDecay: number): Uint8Array => {
  const graph = new Graph('dve-regressor-step');
  const tape = new Tape(graph);
  const size = filterCount(shape) + readoutCount(shape);
  const features = graph.input('features', 'float32', [batch, shape.channels, shape.grid ** 2]);
  const targets = graph.input('targets', 'float32', [shape.landmarks, batch, 2]);
  const schedule = graph.input('schedule', 'float32', [3]);
  const parameters = graph.input('parameters', 'float32', [size]);
  const momentum = graph.input('momentum', 'float32', [size]);
  const velocity = graph.input('velocity', 'float32', [size]);
  const { filters, readout } = splitWeights(graph, parameters, shape);
  tape.watch(filters);
  tape.watch(readout);
  const found = predict(tape, filters, readout, features, shape);
  const error = d.sub(tape, found, targets);
  // The mean as it is over five landmarks, however many there are: each landmark has weights of its own, and with a
  // mean over all 68 the same weight decay would weigh fourteen times more and flatten the filters.
  const loss = d.scale(tape, d.sum(tape, smoothL1(tape, error)), 1 / (lossLandmarks * batch * 2));
  const data = flatGradients(tape, loss, [filters, readout]);
  const gradient = op.add(graph, data, op.mul(graph, parameters, graph.scalar(weightDecay)));
  const at = (index: number): Value => op.slice(graph, schedule, 0, index, index + 1);
  const next = adam(
    graph,
    { parameters, momentum, velocity, gradient, norm: globalNorm(graph, gradient) },
    { learningRate: at(0), momentumCorrection: at(1), velocityCorrection: at(2) },
    adamSettings,
  );
  graph.output('next_parameters', next.parameters);
  graph.output('next_momentum', next.momentum);
  graph.output('next_velocity', next.velocity);
  graph.output('loss', loss);
  return encodeModel(graph);
};

export const predictionGraph = (shape: RegressorShape, batch: number): Uint8Array => {
  const graph = new Graph('dve-regressor');
  const features = graph.input('features', 'float32', [batch, shape.channels, shape.grid ** 2]);
  const parameters = graph.input('parameters', 'float32', [filterCount(shape) + readoutCount(shape)]);
  const { filters, readout } = splitWeights(graph, parameters, shape);
  graph.output('landmarks', predict(new Tape(graph), filters, readout, features, shape));
  return encodeModel(graph);
};
