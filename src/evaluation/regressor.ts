/** Trains the paper's landmark regressor on a frozen embedding, and predicts with it. */
import { createRandom } from '../augment/random.ts';
import type { Runtime } from '../model/model.ts';
import {
  adamSettings,
  filterCount,
  predictionGraph,
  readoutCount,
  trainingGraph,
} from './regressor-graphs.ts';
import type { FeatureShape, RegressorShape } from './regressor-graphs.ts';

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

/** Landmarks are independent of each other, filters and all: training them in groups bounds the memory. */
const landmarksAtOnce = 17;

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
const initialWeights = (shape: RegressorShape, key: readonly number[]): Float32Array => {
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

/** Landmarks that are trained together, and their weights. */
type Group = {
  /** Index of its first landmark. */ first: number;
  shape: RegressorShape;
  parameters: Float32Array;
};

const createGroups = (landmarks: number, features: FeatureShape, settings: RegressorSettings): Group[] => {
  const { intermediatePoints: points, sharpness, seed } = settings;
  return Array.from({ length: Math.ceil(landmarks / landmarksAtOnce) }, (_, group) => {
    const first = group * landmarksAtOnce;
    const shape = { ...features, landmarks: Math.min(landmarksAtOnce, landmarks - first), points, sharpness };
    return { first, shape, parameters: initialWeights(shape, [seed, first]) };
  });
};

/** Targets of a group's landmarks in some pictures. @param out (n, B, 2) */
const gatherTargets = (
  { first, shape }: Group,
  targets: readonly Float32Array[],
  pictures: Int32Array,
  out: Float32Array,
): void => {
  const batch = pictures.length;
  for (let n = 0; n < shape.landmarks; n += 1) {
    for (let i = 0; i < batch; i += 1) {
      const from = targets[pictures[i]];
      out[(n * batch + i) * 2] = from[(first + n) * 2];
      out[(n * batch + i) * 2 + 1] = from[(first + n) * 2 + 1];
    }
  }
};

/** Learning rate and bias corrections of a step, as the graph takes them. @returns (3) */
const scheduleAt = (step: number, settings: RegressorSettings): Float32Array<ArrayBuffer> =>
  Float32Array.of(
    learningRateAt(step, settings),
    1 / (1 - adamSettings.beta1 ** (step + 1)),
    1 / (1 - adamSettings.beta2 ** (step + 1)),
  );

/**
 * @param order (steps · batch) pictures, step by step
 * @returns the group's trained weights
 */
const trainGroup = async (
  { InferenceSession, Tensor, sessionOptions }: Runtime,
  data: RegressionData,
  group: Group,
  order: Int32Array,
  settings: RegressorSettings,
  onStep: (step: number) => void,
): Promise<Float32Array> => {
  const { channels, grid, landmarks } = group.shape;
  const batch = order.length / settings.steps;
  const graph = trainingGraph(group.shape, batch, settings.weightDecay);
  const session = await InferenceSession.create(graph, sessionOptions);
  const features = new Float32Array(batch * channels * grid * grid);
  const targets = new Float32Array(landmarks * batch * 2);
  const size = [group.parameters.length];
  let { parameters } = group;
  let momentum = new Float32Array(parameters.length);
  let velocity = new Float32Array(parameters.length);
  for (let step = 0; step < settings.steps; step += 1) {
    const chosen = order.subarray(step * batch, (step + 1) * batch);
    gather(data.features, chosen, features);
    gatherTargets(group, data.targets, chosen, targets);
    const next = await session.run({
      features: new Tensor('float32', features, [batch, channels, grid * grid]),
      targets: new Tensor('float32', targets, [landmarks, batch, 2]),
      schedule: new Tensor('float32', scheduleAt(step, settings), [3]),
      parameters: new Tensor('float32', parameters, size),
      momentum: new Tensor('float32', momentum, size),
      velocity: new Tensor('float32', velocity, size),
    });
    parameters = next.next_parameters.data as Float32Array;
    momentum = next.next_momentum.data as Float32Array<ArrayBuffer>;
    velocity = next.next_velocity.data as Float32Array<ArrayBuffer>;
    onStep(step);
  }
  await session.release();
  return parameters;
};

/** Finds a group's landmarks in some pictures, a batch at a time. @param results of each picture, (N, 2) */
const predictGroup = async (
  { InferenceSession, Tensor, sessionOptions }: Runtime,
  { first, shape, parameters }: Group,
  pictures: readonly Float32Array[],
  batch: number,
  results: readonly Float32Array[],
): Promise<void> => {
  const { channels, grid } = shape;
  const session = await InferenceSession.create(predictionGraph(shape, batch), sessionOptions);
  const features = new Float32Array(batch * channels * grid * grid);
  for (let start = 0; start < pictures.length; start += batch) {
    const count = Math.min(batch, pictures.length - start);
    const indices = Array.from({ length: count }, (_, i) => start + i);
    gather(pictures, indices, features);
    const { landmarks } = await session.run({
      features: new Tensor('float32', features, [batch, channels, grid * grid]),
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
};

/**
 * Trains the regressor of Thewlis et al. 2019: per landmark K bias-free 1×1 filters, spatial softmax, expected
 * positions, a bias-free linear map of these to the landmark; smooth L1, Adam.
 * @param onProgress told how many steps of how many are done
 */
export const trainRegressor = async (
  runtime: Runtime,
  data: RegressionData,
  shape: FeatureShape,
  settings: RegressorSettings,
  onProgress?: (done: number, total: number) => void,
): Promise<Regressor> => {
  const all = data.targets[0].length / 2;
  const batch = Math.min(settings.batch, data.features.length);
  const order = drawOrder(data.features.length, settings.steps, batch, settings.seed);
  const groups = createGroups(all, shape, settings);
  for (const [place, group] of groups.entries()) {
    group.parameters = await trainGroup(runtime, data, group, order, settings, (step) => {
      onProgress?.(place * settings.steps + step + 1, groups.length * settings.steps);
    });
  }
  return {
    predict: async (pictures) => {
      const results = pictures.map(() => new Float32Array(all * 2));
      for (const group of groups) await predictGroup(runtime, group, pictures, batch, results);
      return results;
    },
  };
};
