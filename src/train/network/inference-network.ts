/** Runs a network definition for tracking: batch norm folded into the convolutions before it. */
import type { Graph, Value } from '../../onnx/graph.ts';
import * as op from '../../onnx/operators.ts';
import { batchNormEpsilon } from '../graph/differentiable.ts';
import type { Activation, ConvLayer, Layers } from './networks.ts';
import type { ParameterLayout, Slot } from './training-network.ts';
import { samePad, slotData } from './training-network.ts';

/** Trained weights with the batch-norm statistics that belong to them. */
export type TrainedWeights = { parameters: Float32Array; statistics: Float32Array };

/** Applies an activation. */
export const activate = (graph: Graph, x: Value, activation: Activation): Value => {
  switch (activation.kind) {
    case 'none':
      return x;
    case 'relu':
      return op.relu(graph, x);
    case 'leaky-relu':
      return op.leakyRelu(graph, x, activation.slope);
  }
};

/** Puts a convolution's weights and bias into the graph in another form; `undefined` leaves them float. */
export type WeightForm = (
  x: Value,
  w: { data: Float32Array; shape: readonly number[] },
  b: Float32Array,
  name: string,
) => { weight: Value; bias: Value } | undefined;

/** Layers that take their weights from flat vectors, on `graph`. */
export const inferenceLayers = (
  graph: Graph,
  layout: ParameterLayout,
  weights: TrainedWeights,
  form: WeightForm = () => undefined,
): Layers => {
  const slots = new Map<string, { slot: Slot; vector: Float32Array }>();
  for (const slot of layout.parameters) slots.set(slot.name, { slot, vector: weights.parameters });
  for (const slot of layout.statistics) slots.set(slot.name, { slot, vector: weights.statistics });
  const read = (name: string): Float32Array => {
    const found = slots.get(name);
    if (!found) throw new Error(`Parameter "${name}" is missing in the layout.`);
    return slotData(found.vector, found.slot);
  };

  /** Batch norm as y = slope · x + offset, per channel. */
  const affine = (name: string): { slope: Float32Array; offset: Float32Array } => {
    const beta = read(`${name}.beta`);
    const mean = read(`${name}.mean`);
    const variance = read(`${name}.variance`);
    const slope = read(`${name}.gamma`).map((gamma, c) => gamma / Math.sqrt(variance[c] + batchNormEpsilon));
    return { slope, offset: beta.map((value, c) => value - mean[c] * slope[c]) };
  };

  const convolve = (name: string, x: Value, layer: ConvLayer, w: Float32Array, b: Float32Array): Value => {
    const shape = [layer.channels, Number(x.shape[1]), layer.kernel, layer.kernel];
    const { stride = 1, dilation = 1 } = layer;
    const { weight, bias } = form(x, { data: w, shape }, b, name) ?? {
      weight: graph.constant(w, shape, `${name}.weight`),
      bias: graph.constant(b, [layer.channels], `${name}.bias`),
    };
    return op.conv(graph, x, weight, bias, { stride, dilation, pad: samePad(layer) });
  };

  return {
    conv: (name, x, layer) => convolve(name, x, layer, read(`${name}.weight`), read(`${name}.bias`)),
    convNorm: (name, x, layer, activation) => {
      const { slope, offset } = affine(`${name}.norm`);
      const taps = Number(x.shape[1]) * layer.kernel * layer.kernel;
      const w = read(`${name}.weight`).map((value, i) => value * slope[Math.floor(i / taps)]);
      const bias = layer.bias ? read(`${name}.bias`) : new Float32Array(layer.channels);
      const b = offset.map((value, c) => value + bias[c] * slope[c]);
      return activate(graph, convolve(name, x, layer, w, b), activation);
    },
    norm: (name, x, activation) => {
      const { slope, offset } = affine(name);
      const perChannel = [1, slope.length, 1, 1];
      const scaled = op.mul(graph, x, graph.constant(slope, perChannel));
      return activate(graph, op.add(graph, scaled, graph.constant(offset, perChannel)), activation);
    },
    averagePool: (x) => op.averagePool(graph, x, 2),
    maxPool: (x) => op.maxPool(graph, x, 2),
    upsample: (x) => op.upsample(graph, x, 2),
    add: (a, b) => op.add(graph, a, b),
  };
};
