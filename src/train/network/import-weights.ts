/**
 * The weights of a trained network from its `model.onnx`, so that a training can start where another one ended whose
 * checkpoint is gone. Export folds batch norm into the convolutions; here it is put back as an identity: with the mean
 * and the variance that the outputs of a convolution have over some crops, batch norm gives exactly these outputs.
 */
import { ModelError } from '../../errors.ts';
import { formatShape, Graph } from '../../onnx/graph.ts';
import type { Value } from '../../onnx/graph.ts';
import * as op from '../../onnx/operators.ts';
import { decodeModel, encodeModel } from '../../onnx/protobuf.ts';
import { batchNormEpsilon } from '../graph/differentiable.ts';
import type { Runtime } from '../../model/model.ts';
import { standardize } from '../step/training-step.ts';
import type { TrainedWeights } from './inference-network.ts';
import { activate, inferenceLayers } from './inference-network.ts';
import type { Layers, NetworkSettings } from './networks.ts';
import { buildNetwork } from './networks.ts';
import type { ParameterLayout, Slot } from './training-network.ts';
import { initialStatistics, slotData } from './training-network.ts';

export type ImportOptions = {
  runtime: Runtime;
  network: NetworkSettings;
  /** Pixels. */ inputSize: number;
  /** (B, 3, S, S) crops of the kind that training shows. */ crops: Float32Array;
};

/** Norm of a convolution, and its gain where the running variance is 1. */
const normOf = (conv: string): string => `${conv}.norm`;
const unitGain = Math.sqrt(1 + batchNormEpsilon);

/** The vectors of a layout with what an exported network holds: every batch norm leaves its input as it is, plus the bias. */
const foldedWeights = (bytes: Uint8Array, layout: ParameterLayout): TrainedWeights => {
  const constants = new Map(decodeModel(bytes).initializers.map((one) => [one.value.name, one]));
  const parameters = new Float32Array(layout.parameterCount);
  const fill = (slot: Slot, constant: string): void => {
    const found = constants.get(constant);
    const data = slotData(parameters, slot);
    const shape = found === undefined ? 'no such weights' : formatShape(found.value.shape);
    if (found?.value.type !== 'float32' || shape !== formatShape(slot.shape)) {
      throw new ModelError(
        `"${constant}" of the network has ${formatShape(slot.shape)} by the config but the ONNX file has ${shape}. Give a model that "dve train" exported, with the config's network.`,
      );
    }
    // A copy: the bytes of a file need not start at a multiple of four.
    data.set(new Float32Array(Uint8Array.from(found.bytes).buffer));
  };
  const norms = new Set(layout.parameters.flatMap(({ name }) => /^(.*)\.norm\.gamma$/.exec(name)?.[1] ?? []));
  for (const slot of layout.parameters) {
    const part = slot.name.slice(slot.name.lastIndexOf('.') + 1);
    const owner = slot.name.slice(0, slot.name.lastIndexOf('.'));
    if (part === 'gamma') slotData(parameters, slot).fill(unitGain);
    else if (part === 'beta') fill(slot, `${owner.replace(/\.norm$/, '')}.bias`);
    else if (part === 'weight' || !norms.has(owner)) fill(slot, slot.name);
    // What is left is the bias of a normalised convolution, which its beta takes over.
  }
  return { parameters, statistics: initialStatistics(layout) };
};

/** A graph that gives mean and mean square of what every normalised convolution puts out, (1, C, 1, 1) each. */
const momentsGraph = (
  layout: ParameterLayout,
  weights: TrainedWeights,
  network: NetworkSettings,
  inputSize: number,
): Uint8Array => {
  const graph = new Graph('dve-moments');
  const layers = inferenceLayers(graph, layout, weights);
  const observe = (name: string, y: Value): Value => {
    graph.output(`${name}.mean`, op.reduceMean(graph, y, [0, 2, 3]));
    graph.output(`${name}.square`, op.reduceMean(graph, op.mul(graph, y, y), [0, 2, 3]));
    return y;
  };
  const observed: Layers = {
    ...layers,
    convNorm: (name, x, layer, activation) =>
      activate(graph, observe(normOf(name), layers.convNorm(name, x, layer, { kind: 'none' })), activation),
  };
  const image = graph.input('image', 'float32', ['B', 3, inputSize, inputSize]);
  buildNetwork(observed, standardize(graph, image), network);
  return encodeModel(graph);
};

/**
 * @param bytes `model.onnx` as a training exported it
 * @returns weights and batch-norm statistics that export to the same network
 * @throws ModelError for a network of other layers or sizes than `network`, or one that is no `light` or `smallnet`
 */
export const importWeights = async (
  bytes: Uint8Array,
  layout: ParameterLayout,
  { runtime, network, inputSize, crops }: ImportOptions,
): Promise<TrainedWeights> => {
  const lone = layout.statistics.find(({ name }) => {
    const norm = name.slice(0, name.lastIndexOf('.'));
    return !norm.endsWith('.norm') || network.kind === 'hourglass';
  });
  if (lone !== undefined) {
    throw new ModelError(
      `The network "${network.kind}" normalises without a convolution before (${lone.name}), which an export cannot be turned back from. Start from a checkpoint.`,
    );
  }
  const { parameters, statistics } = foldedWeights(bytes, layout);
  const session = await runtime.InferenceSession.create(
    momentsGraph(layout, { parameters, statistics }, network, inputSize),
    runtime.sessionOptions,
  );
  try {
    const count = crops.length / (3 * inputSize ** 2);
    const image = new runtime.Tensor('float32', crops, [count, 3, inputSize, inputSize]);
    const outputs = await session.run({ image });
    const slots = new Map([...layout.parameters, ...layout.statistics].map((slot) => [slot.name, slot]));
    const part = (vector: Float32Array, name: string): Float32Array => {
      const slot = slots.get(name);
      if (!slot) throw new ModelError(`The layout has no "${name}". Start from a checkpoint.`);
      return slotData(vector, slot);
    };
    for (const { name } of layout.parameters) {
      if (!name.endsWith('.gamma')) continue;
      const norm = name.slice(0, -'.gamma'.length);
      const mean = outputs[`${norm}.mean`].data as Float32Array;
      const square = outputs[`${norm}.square`].data as Float32Array;
      const beta = part(parameters, `${norm}.beta`);
      // Output = weights · input + bias has this mean; batch norm sees it without the bias and adds the whole mean.
      part(statistics, `${norm}.mean`).set(mean.map((value, c) => value - beta[c]));
      const variance = square.map((value, c) => Math.max(0, value - mean[c] ** 2));
      part(statistics, `${norm}.variance`).set(variance);
      part(parameters, name).set(variance.map((value) => Math.sqrt(value + batchNormEpsilon)));
      beta.set(mean);
    }
    return { parameters, statistics };
  } finally {
    await session.release();
  }
};
