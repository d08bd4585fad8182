/** The paper's landmark regressor on a frozen embedding: its graphs, and training it. */
import type { Value } from '../onnx/graph.ts';
import { Graph } from '../onnx/graph.ts';
import * as op from '../onnx/operators.ts';
import { encodeModel } from '../onnx/protobuf.ts';
import { Tape } from '../train/graph/autodiff.ts';
import * as d from '../train/graph/differentiable.ts';
import type { Runtime } from '../model/model.ts';
import { adam, defaultOptimizer, globalNorm, type OptimizerSettings } from '../train/graph/adam.ts';
import { createRandom } from '../augment/random.ts';
import { flatGradients } from '../train/network/training-network.ts';

/** What the regressor sees of a picture: (C, G, G), G × G cells over the crop. */
export type FeatureShape = { channels: number; grid: number };

/** Pictures for the regressor. */
export type RegressionData = {
  /** Of each picture, (C, G·G). */ features: readonly Float32Array[];
  /** Of each picture, (N, 2): x, y with the crop spanning [−1, 1]. */ targets: readonly Float32Array[];
};

export type RegressorSettings = {
  /** Soft-argmax points per landmark, K. */ intermediatePoints: number;
  /** Factor on the filters' answers before the spatial softmax. */ sharpness: number;
  learningRate: number;
  /** Share of the steps, the last ones, over which the learning rate falls to zero. */ decayShare: number;
  /** L2 term on all weights, added to the gradient as in Adam without decoupling. */ weightDecay: number;
  /** Pictures a step. */ batch: number;
  steps: number;
  seed: number;
};

/** Plain Adam: neither clipped nor decayed apart from the gradient. */
const adamSettings: OptimizerSettings = {
  ...defaultOptimizer,
  beta1: 0.9,
  beta2: 0.999,
  clip: 1e9,
  weightDecay: 0,
};

/** Landmarks are independent of each other, filters and all: training them in groups bounds the memory. */
const landmarksAtOnce = 17;

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

type Shape = FeatureShape & {
  /** Landmarks of the group. */ landmarks: number;
  points: number;
  sharpness: number;
};

const filterCount = ({ landmarks, points, channels }: Shape): number => landmarks * points * channels;
const readoutCount = ({ landmarks, points }: Shape): number => landmarks * 2 * points * 2;

/** Both weights out of the flat vector: filters (n·K, C) and read-out (n, 2K, 2). */
const splitWeights = (graph: Graph, parameters: Value, shape: Shape): { filters: Value; readout: Value } => {
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
const predict = (tape: Tape, filters: Value, readout: Value, features: Value, shape: Shape): Value => {
  const { landmarks, points, grid, sharpness } = shape;
  const sharp = d.scale(tape, filters, sharpness);
  const expected = spatialSoftArgmax(tape, sharp, features, grid);
  const [batch] = features.shape;
  const perLandmark = d.reshape(tape, expected, [Number(batch), landmarks, 2 * points]);
  return d.matMul(tape, d.transpose(tape, perLandmark, [1, 0, 2]), readout);
};

const trainingGraph = (shape: Shape, batch: number, weightDecay: number): Uint8Array => {
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

const predictionGraph = (shape: Shape, batch: number): Uint8Array => {
  const graph = new Graph('dve-regressor');
  const features = graph.input('features', 'float32', [batch, shape.channels, shape.grid ** 2]);
  const parameters = graph.input('parameters', 'float32', [filterCount(shape) + readoutCount(shape)]);
  const { filters, readout } = splitWeights(graph, parameters, shape);
  graph.output('landmarks', predict(new Tape(graph), filters, readout, features, shape));
  return encodeModel(graph);
};

/** A trained regressor. */
export type Regressor = {
  /**
   * @param features of each picture, (C, G·G)
   * @returns of each picture, (N, 2): x, y with the crop spanning [−1, 1]
   */
  predict(features: readonly Float32Array[]): Promise<Float32Array[]>;
};

/** Copies some pictures' values side by side. @param out long enough for all of them */
const gather = (values: readonly Float32Array[], indices: ArrayLike<number>, out: Float32Array): void => {
  for (let i = 0; i < indices.length; i += 1) out.set(values[indices[i]], i * values[indices[i]].length);
};

/** Uniform in ±1/√(values that one output sums over), the usual start of linear layers. */
const initialWeights = (shape: Shape, key: readonly number[]): Float32Array => {
  const random = createRandom(...key);
  const filterBound = 1 / Math.sqrt(shape.channels);
  const readoutBound = 1 / Math.sqrt(2 * shape.points);
  const filters = filterCount(shape);
  return Float32Array.from({ length: filters + readoutCount(shape) }, (_, i) => {
    const bound = i < filters ? filterBound : readoutBound;
    return random.uniform(-bound, bound);
  });
};

/** Constant, then down to zero along a cosine over the last `decay` share of the steps. */
const learningRateAt = (step: number, { learningRate, steps, decayShare }: RegressorSettings): number => {
  const start = steps * (1 - decayShare);
  if (step < start) return learningRate;
  return learningRate * 0.5 * (1 + Math.cos((Math.PI * (step - start)) / (steps - start)));
};

/** Order of the pictures, one shuffled pass after the other. @returns (steps · batch) */
const drawOrder = (pictures: number, steps: number, batch: number, seed: number): Int32Array => {
  const order = new Int32Array(steps * batch);
  const pass = Int32Array.from({ length: pictures }, (_, i) => i);
  for (let i = 0; i < order.length; i += 1) {
    if (i % pictures === 0) createRandom(seed, i / pictures).shuffle(pass);
    order[i] = pass[i % pictures];
  }
  return order;
};

/**
 * Trains the regressor of Thewlis et al. 2019: per landmark K bias-free 1×1 filters, spatial softmax, expected
 * positions, a bias-free linear map of these to the landmark; smooth L1, Adam.
 * @param onProgress told how many steps of how many are done
 */
export const trainRegressor = async (
  runtime: Runtime,
  data: RegressionData,
  { channels, grid }: FeatureShape,
  settings: RegressorSettings,
  onProgress?: (done: number, total: number) => void,
): Promise<Regressor> => {
  const { InferenceSession, Tensor, sessionOptions } = runtime;
  const all = data.targets[0].length / 2;
  const batch = Math.min(settings.batch, data.features.length);
  const groups: { first: number; shape: Shape; parameters: Float32Array }[] = [];
  for (let first = 0; first < all; first += landmarksAtOnce) {
    const landmarks = Math.min(landmarksAtOnce, all - first);
    const shape = {
      channels,
      grid,
      landmarks,
      points: settings.intermediatePoints,
      sharpness: settings.sharpness,
    };
    groups.push({ first, shape, parameters: initialWeights(shape, [settings.seed, first]) });
  }
  const order = drawOrder(data.features.length, settings.steps, batch, settings.seed);
  const features = new Float32Array(batch * channels * grid * grid);
  const featureDims = [batch, channels, grid * grid];

  for (const [place, group] of groups.entries()) {
    const { first, shape } = group;
    const session = await InferenceSession.create(
      trainingGraph(shape, batch, settings.weightDecay),
      sessionOptions,
    );
    const size = [group.parameters.length];
    const targets = new Float32Array(shape.landmarks * batch * 2);
    let momentum = new Float32Array(group.parameters.length);
    let velocity = new Float32Array(group.parameters.length);
    for (let step = 0; step < settings.steps; step += 1) {
      const chosen = order.subarray(step * batch, (step + 1) * batch);
      gather(data.features, chosen, features);
      for (let n = 0; n < shape.landmarks; n += 1) {
        for (let i = 0; i < batch; i += 1) {
          const from = data.targets[chosen[i]];
          targets[(n * batch + i) * 2] = from[(first + n) * 2];
          targets[(n * batch + i) * 2 + 1] = from[(first + n) * 2 + 1];
        }
      }
      const schedule = Float32Array.of(
        learningRateAt(step, settings),
        1 / (1 - adamSettings.beta1 ** (step + 1)),
        1 / (1 - adamSettings.beta2 ** (step + 1)),
      );
      const next = await session.run({
        features: new Tensor('float32', features, featureDims),
        targets: new Tensor('float32', targets, [shape.landmarks, batch, 2]),
        schedule: new Tensor('float32', schedule, [3]),
        parameters: new Tensor('float32', group.parameters, size),
        momentum: new Tensor('float32', momentum, size),
        velocity: new Tensor('float32', velocity, size),
      });
      group.parameters = next.next_parameters.data as Float32Array;
      momentum = next.next_momentum.data as Float32Array<ArrayBuffer>;
      velocity = next.next_velocity.data as Float32Array<ArrayBuffer>;
      onProgress?.(place * settings.steps + step + 1, groups.length * settings.steps);
    }
    await session.release();
  }

  const predictAll = async (pictures: readonly Float32Array[]): Promise<Float32Array[]> => {
    const results = pictures.map(() => new Float32Array(all * 2));
    for (const { first, shape, parameters } of groups) {
      const session = await InferenceSession.create(predictionGraph(shape, batch), sessionOptions);
      for (let start = 0; start < pictures.length; start += batch) {
        const count = Math.min(batch, pictures.length - start);
        gather(
          pictures,
          Array.from({ length: count }, (_, i) => start + i),
          features,
        );
        const { landmarks } = await session.run({
          features: new Tensor('float32', features, featureDims),
          parameters: new Tensor('float32', parameters, [parameters.length]),
        });
        const found = landmarks.data as Float32Array;
        for (let n = 0; n < shape.landmarks; n += 1) {
          for (let i = 0; i < count; i += 1) {
            const at = (n * batch + i) * 2;
            results[start + i].set(found.subarray(at, at + 2), (first + n) * 2);
          }
        }
      }
      await session.release();
    }
    return results;
  };
  return { predict: predictAll };
};
