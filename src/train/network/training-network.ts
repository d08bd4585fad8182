/** Runs a network definition with batch statistics and gradients, over one flat parameter vector. */
import type { Value } from '../../onnx/graph.ts';
import { elementCount, Graph } from '../../onnx/graph.ts';
import * as op from '../../onnx/operators.ts';
import { Tape } from '../graph/autodiff.ts';
import * as d from '../graph/differentiable.ts';
import type { Activation, ConvLayer, Layers, NetworkSettings } from './networks.ts';
import { buildNetwork } from './networks.ts';
import type { Random } from '../../augment/random.ts';

/** One parameter tensor, or one batch-norm statistic, at its place in a flat vector. */
export type Slot = {
  name: string;
  shape: readonly number[];
  /** First element in the flat vector. */ offset: number;
};

export type ParameterLayout = {
  /** Weights, biases, gammas and betas. */ parameters: Slot[];
  /** Total length of the parameter vector. */ parameterCount: number;
  /** Running mean and variance of every batch norm. */ statistics: Slot[];
  statisticCount: number;
};

type Source = {
  parameter(name: string, shape: readonly number[]): Value;
  statistics(name: string, batch: { mean: Value; variance: Value }): void;
};

const activate = (tape: Tape, x: Value, activation: Activation): Value => {
  switch (activation.kind) {
    case 'none':
      return x;
    case 'relu':
      return d.relu(tape, x);
    case 'leaky-relu':
      return d.leakyRelu(tape, x, activation.slope);
  }
};

/** Padding that keeps the map's size (divided by the stride). */
export const samePad = ({ kernel, dilation = 1 }: ConvLayer): number => (dilation * (kernel - 1)) / 2;

const trainingLayers = (tape: Tape, source: Source): Layers => {
  const convolve = (name: string, x: Value, layer: ConvLayer, bias: boolean): Value => {
    const w = source.parameter(`${name}.weight`, [
      layer.channels,
      Number(x.shape[1]),
      layer.kernel,
      layer.kernel,
    ]);
    const b = bias ? source.parameter(`${name}.bias`, [layer.channels]) : undefined;
    const { stride = 1, dilation = 1 } = layer;
    return d.conv(tape, x, w, b, { stride, dilation, pad: samePad(layer) });
  };
  const norm = (name: string, x: Value, activation: Activation): Value => {
    const channels = Number(x.shape[1]);
    const gamma = source.parameter(`${name}.gamma`, [channels]);
    const beta = source.parameter(`${name}.beta`, [channels]);
    const { output, mean, variance } = d.batchNorm(tape, x, gamma, beta);
    source.statistics(name, { mean, variance });
    return activate(tape, output, activation);
  };
  return {
    conv: (name, x, layer) => convolve(name, x, layer, true),
    convNorm: (name, x, layer, activation) =>
      norm(`${name}.norm`, convolve(name, x, layer, layer.bias ?? false), activation),
    norm,
    averagePool: (x) => d.averagePool(tape, x, 2),
    maxPool: (x) => d.maxPool(tape, x, 2),
    upsample: (x) => d.upsample(tape, x, 2),
    add: (a, b) => d.add(tape, a, b),
  };
};

/** Names, shapes and places of everything a network learns, found by building it once on a scratch graph. */
export const parameterLayout = (settings: NetworkSettings, inputSize: number): ParameterLayout => {
  const graph = new Graph('layout');
  const layout: ParameterLayout = { parameters: [], parameterCount: 0, statistics: [], statisticCount: 0 };
  const source: Source = {
    parameter(name, shape) {
      layout.parameters.push({ name, shape, offset: layout.parameterCount });
      layout.parameterCount += elementCount(shape);
      return graph.input(name, 'float32', shape);
    },
    statistics(name, { mean }) {
      for (const part of ['mean', 'variance']) {
        const shape = [Number(mean.shape[0])];
        layout.statistics.push({ name: `${name}.${part}`, shape, offset: layout.statisticCount });
        layout.statisticCount += shape[0];
      }
    },
  };
  const image = graph.input('image', 'float32', [1, 3, inputSize, inputSize]);
  buildNetwork(trainingLayers(new Tape(graph), source), image, settings);
  return layout;
};

/** The part of a flat vector that belongs to one slot. */
export const slotData = (vector: Float32Array, slot: Slot): Float32Array =>
  vector.subarray(slot.offset, slot.offset + elementCount(slot.shape));

/** He initialisation (He et al. 2015) of weights; gamma 1, beta and biases 0. */
export const initialParameters = (layout: ParameterLayout, random: Random): Float32Array => {
  const vector = new Float32Array(layout.parameterCount);
  for (const slot of layout.parameters) {
    const data = slotData(vector, slot);
    if (slot.name.endsWith('.gamma')) data.fill(1);
    if (!slot.name.endsWith('.weight')) continue;
    const fanIn = slot.shape[1] * slot.shape[2] * slot.shape[3];
    const deviation = Math.sqrt(2 / fanIn);
    for (let i = 0; i < data.length; i++) data[i] = random.normal() * deviation;
  }
  return vector;
};

/** Running statistics before the first step: mean 0, variance 1. */
export const initialStatistics = (layout: ParameterLayout): Float32Array => {
  const vector = new Float32Array(layout.statisticCount);
  for (const slot of layout.statistics) {
    if (slot.name.endsWith('.variance')) slotData(vector, slot).fill(1);
  }
  return vector;
};

export type TrainingNetwork = {
  /** (B, C, H, W), not normalised. */ output: Value;
  /** Leaf values in the order of `layout.parameters`. */ leaves: Value[];
  /** Flat vector of the batch's statistics, in the order of `layout.statistics`. */ batchStatistics: Value;
};

/** Builds the network on the tape's graph. @param parameters the flat parameter vector */
export const buildTrainingNetwork = (
  tape: Tape,
  image: Value,
  parameters: Value,
  layout: ParameterLayout,
  settings: NetworkSettings,
): TrainingNetwork => {
  const { graph } = tape;
  const slots = new Map(layout.parameters.map((slot) => [slot.name, slot]));
  const leaves: Value[] = [];
  const statistics: Value[] = [];
  const source: Source = {
    parameter(name, shape) {
      const slot = slots.get(name);
      if (!slot) throw new Error(`Parameter "${name}" is missing in the layout.`);
      const flat = op.slice(graph, parameters, 0, slot.offset, slot.offset + elementCount(slot.shape));
      const leaf = tape.watch(op.reshape(graph, flat, shape));
      leaves.push(leaf);
      return leaf;
    },
    statistics(_name, { mean, variance }) {
      statistics.push(mean, variance);
    },
  };
  const output = buildNetwork(trainingLayers(tape, source), image, settings);
  return { output, leaves, batchStatistics: op.concat(graph, statistics, 0) };
};

/** Gradients of all leaves as one flat vector in the order of the layout. */
export const flatGradients = (tape: Tape, loss: Value, leaves: readonly Value[]): Value => {
  const gradients = tape.gradients(loss, leaves);
  const flat = gradients.map((gradient) => op.reshape(tape.graph, gradient, [elementCount(gradient.shape)]));
  return op.concat(tape.graph, flat, 0);
};
