/** Writes trained weights as the network that trackers run. */
import { Graph } from '../../onnx/graph.ts';
import type { Value } from '../../onnx/graph.ts';
import * as op from '../../onnx/operators.ts';
import { encodeModel } from '../../onnx/protobuf.ts';
import { l2Epsilon } from '../graph/differentiable.ts';
import type { TrainedWeights } from './inference-network.ts';
import { inferenceLayers } from './inference-network.ts';
import type { MatchingHeadSettings } from './matching-head.ts';
import { matchingHead, sumOfChannels } from './matching-head.ts';
import type { Layers, NetworkSettings } from './networks.ts';
import { buildNetwork, networkStride } from './networks.ts';
import type { ParameterLayout } from './training-network.ts';
import { standardize } from '../step/training-step.ts';

export const defaultMatchingHead: MatchingHeadSettings = {
  temperature: 0.08,
  confidence: { slope: 20, midpoint: 0.75 },
};

/** Unit vectors over the channels. (B, C, H, W) → the same shape */
export const unitVectors = (graph: Graph, x: Value): Value => {
  const [batch, channels, height, width] = x.shape;
  const cells = Number(height) * Number(width);
  const flat = op.reshape(graph, op.mul(graph, x, x), [batch, channels, cells]);
  const squared = op.reshape(graph, sumOfChannels(graph, flat), [batch, 1, height, width]);
  return op.div(graph, x, op.sqrt(graph, op.add(graph, squared, graph.scalar(l2Epsilon))));
};

/**
 * The graph that trackers run, around the layers that `layersOn` gives (fp32, or 8-bit ones).
 * Inputs `image` (B, 3, S, S) planar RGB 0–1 and `references` (N, C); outputs `embedding` (B, C, H, W)
 * unit vectors and `matches` (B, N, 3).
 */
export const buildTrackingGraph = (
  layersOn: (graph: Graph) => Layers,
  network: NetworkSettings,
  inputSize: number,
  head: MatchingHeadSettings,
): Graph => {
  const graph = new Graph('dve-tracking');
  const image = graph.input('image', 'float32', ['B', 3, inputSize, inputSize]);
  const references = graph.input('references', 'float32', ['N', network.embeddingSize]);
  const raw = buildNetwork(layersOn(graph), standardize(graph, image), network);
  const embedding = unitVectors(graph, raw);
  graph.output('matches', matchingHead(graph, embedding, references, networkStride(network), head));
  graph.output('embedding', embedding);
  return graph;
};

/** `model.onnx`: fp32, batch norm folded, input normalisation and matching head inside. */
export const exportNetwork = (
  layout: ParameterLayout,
  weights: TrainedWeights,
  network: NetworkSettings,
  inputSize: number,
  head: MatchingHeadSettings = defaultMatchingHead,
): Uint8Array =>
  encodeModel(
    buildTrackingGraph((graph) => inferenceLayers(graph, layout, weights), network, inputSize, head),
  );
