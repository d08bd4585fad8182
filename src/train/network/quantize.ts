/**
 * 8-bit networks for wasm: the same network with quantise/dequantise pairs around every layer (the QDQ
 * form, which ONNX Runtime turns into integer kernels). Weights are int8 with one scale per output channel,
 * activations uint8 with one scale per map, chosen on sample crops. The last convolution stays in float: it
 * writes the embedding, and costs next to nothing.
 */
import { Graph } from '../../onnx/graph.ts';
import type { Value } from '../../onnx/graph.ts';
import * as op from '../../onnx/operators.ts';
import { encodeModel } from '../../onnx/protobuf.ts';
import type { Runtime } from '../../model/model.ts';
import { buildTrackingGraph } from './export.ts';
import type { TrainedWeights } from './inference-network.ts';
import { inferenceLayers } from './inference-network.ts';
import type { MatchingHeadSettings } from './matching-head.ts';
import type { Layers, NetworkSettings } from './networks.ts';
import { buildNetwork } from './networks.ts';
import type { ParameterLayout } from './training-network.ts';
import { standardize } from '../step/training-step.ts';

/** How float values of one map become uint8: q = round(x / scale) + zeroPoint. */
export type Quantization = { scale: number; zeroPoint: number };

const levels = 255;
/** Shares of the observed range that are tried: cutting off rare extremes makes all other steps finer. */
const rangeShares = [1, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5];

const quantizationOf = (low: number, high: number): Quantization => {
  const scale = Math.max((high - low) / levels, 1e-8);
  return { scale, zeroPoint: Math.min(levels, Math.max(0, Math.round(-low / scale))) };
};

const squaredError = (values: Float32Array, { scale, zeroPoint }: Quantization): number => {
  let sum = 0;
  for (const value of values) {
    const q = Math.min(levels, Math.max(0, Math.round(value / scale) + zeroPoint));
    sum += (value - (q - zeroPoint) * scale) ** 2;
  }
  return sum;
};

/** The range that leaves the least squared error on sample values. Zero is always represented exactly. */
export const chooseQuantization = (values: Float32Array): Quantization => {
  let low = 0;
  let high = 0;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const candidates = rangeShares.map((share) => quantizationOf(low * share, high * share));
  const errors = candidates.map((candidate) => squaredError(values, candidate));
  return candidates[errors.indexOf(Math.min(...errors))];
};

/** Layers that call `site` on every map that is to be quantised, in the order in which they are built. */
const withSites = (layers: Layers, site: (x: Value) => Value): Layers => ({
  ...layers,
  convNorm: (name, x, layer, activation) => site(layers.convNorm(name, x, layer, activation)),
  norm: (name, x, activation) => site(layers.norm(name, x, activation)),
  add: (a, b) => site(layers.add(a, b)),
});

/** A graph that gives every map of the network as an output of its own. */
const observationGraph = (
  layout: ParameterLayout,
  weights: TrainedWeights,
  network: NetworkSettings,
  inputSize: number,
): { bytes: Uint8Array; sites: string[] } => {
  const graph = new Graph('dve-observation');
  const sites: string[] = [];
  const observe = (x: Value): Value => {
    const name = `site${sites.length}`;
    sites.push(name);
    graph.output(name, x);
    return x;
  };
  const image = graph.input('image', 'float32', ['B', 3, inputSize, inputSize]);
  const input = observe(standardize(graph, image));
  buildNetwork(withSites(inferenceLayers(graph, layout, weights), observe), input, network);
  return { bytes: encodeModel(graph), sites };
};

/** Sample values kept per map and crop, at most. */
const samplesPerCrop = 4096;

/** Values of a map, of all channels and places: the stride is a prime, so that a small map gives each of them once. */
const sampleMap = (map: Float32Array): Float32Array =>
  Float32Array.from({ length: Math.min(samplesPerCrop, map.length) }, (_, i) => map[(i * 7919) % map.length]);

/**
 * Chooses the quantisation of every map by running sample crops.
 * @param images (B, 3, S, S) planar RGB 0–1
 */
const calibrate = async (
  runtime: Runtime,
  layout: ParameterLayout,
  weights: TrainedWeights,
  network: NetworkSettings,
  inputSize: number,
  images: Float32Array,
): Promise<Quantization[]> => {
  const { bytes, sites } = observationGraph(layout, weights, network, inputSize);
  const session = await runtime.InferenceSession.create(bytes, runtime.sessionOptions);
  const pixels = 3 * inputSize * inputSize;
  const crops = images.length / pixels;
  const samples = sites.map((): Float32Array[] => []);
  try {
    for (let crop = 0; crop < crops; crop++) {
      const data = images.slice(crop * pixels, (crop + 1) * pixels);
      const image = new runtime.Tensor('float32', data, [1, 3, inputSize, inputSize]);
      const outputs = await session.run({ image });
      sites.forEach((name, index) => {
        samples[index].push(sampleMap(outputs[name].data as Float32Array));
      });
    }
  } finally {
    await session.release();
  }
  return samples.map((parts) => {
    const values = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
    parts.reduce((offset, part) => (values.set(part, offset), offset + part.length), 0);
    return chooseQuantization(values);
  });
};

/** Convolution weights as int8 constants behind a DequantizeLinear, one scale per output channel. */
const quantizeWeights = (
  graph: Graph,
  { data, shape }: { data: Float32Array; shape: readonly number[] },
): { weight: Value; scales: Float32Array } => {
  const [channels] = shape;
  const taps = data.length / channels;
  const scales = new Float32Array(channels);
  const bytes = new Int8Array(data.length);
  for (let c = 0; c < channels; c++) {
    const row = data.subarray(c * taps, (c + 1) * taps);
    const greatest = row.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-12);
    scales[c] = greatest / 127;
    row.forEach((value, i) => {
      bytes[c * taps + i] = Math.round(value / scales[c]);
    });
  }
  const q = graph.initializer('int8', shape, new Uint8Array(bytes.buffer));
  const zero = graph.initializer('int8', [channels], new Uint8Array(channels));
  return { weight: op.dequantizeLinear(graph, q, graph.constant(scales, [channels]), zero, 0), scales };
};

/** A bias as int32 in units of input scale × weight scale: what an integer convolution adds up in. */
const quantizeBias = (graph: Graph, b: Float32Array, inputScale: number, scales: Float32Array): Value => {
  const units = scales.map((scale) => scale * inputScale);
  const q = Int32Array.from(b, (value, c) => Math.round(value / units[c]));
  const channels = b.length;
  const value = graph.initializer('int32', [channels], new Uint8Array(q.buffer));
  const zero = graph.initializer('int32', [channels], new Uint8Array(4 * channels));
  return op.dequantizeLinear(graph, value, graph.constant(units, [channels]), zero, 0);
};

/** The layer whose weights and output stay in float. */
const floatLayer = 'embedding';

/** Layers in QDQ form. @param quantizations of every site, the network's input first */
const quantizedLayers = (
  graph: Graph,
  layout: ParameterLayout,
  weights: TrainedWeights,
  quantizations: readonly Quantization[],
): Layers => {
  let next = 0;
  const known = new Map<string, Quantization>();
  const through = (x: Value, quantization: Quantization): Value => {
    const scale = graph.scalar(quantization.scale);
    const zero = graph.initializer('uint8', [], Uint8Array.of(quantization.zeroPoint));
    const y = op.dequantizeLinear(graph, op.quantizeLinear(graph, x, scale, zero), scale, zero);
    known.set(y.name, quantization);
    return y;
  };
  const site = (x: Value): Value => through(x, quantizations[next++]);
  const float = inferenceLayers(graph, layout, weights, (x, w, b, name) => {
    const input = known.get(x.name);
    if (name === floatLayer || !input) return undefined;
    const { weight, scales } = quantizeWeights(graph, w);
    return { weight, bias: quantizeBias(graph, b, input.scale, scales) };
  });
  /** Pooling and enlarging keep the range, so they keep the scale. */
  const keep = (x: Value, y: Value): Value => {
    const quantization = known.get(x.name);
    return quantization ? through(y, quantization) : y;
  };
  const layers = withSites(float, site);
  return {
    ...layers,
    convNorm: (name, x, layer, activation) =>
      layers.convNorm(name, next === 0 ? site(x) : x, layer, activation),
    averagePool: (x) => keep(x, float.averagePool(x)),
    maxPool: (x) => keep(x, float.maxPool(x)),
    upsample: (x) => keep(x, float.upsample(x)),
  };
};

/** What {@link exportQuantized} needs besides the weights. */
export type QuantizedExport = {
  runtime: Runtime;
  network: NetworkSettings;
  inputSize: number;
  head: MatchingHeadSettings;
  /** (B, 3, S, S) sample crops, planar RGB 0–1, of the kind that the network will see. */ samples: Float32Array;
};

/** `model.int8.onnx`: the tracking graph with 8-bit layers. */
export const exportQuantized = async (
  layout: ParameterLayout,
  weights: TrainedWeights,
  { runtime, network, inputSize, head, samples }: QuantizedExport,
): Promise<Uint8Array> => {
  const quantizations = await calibrate(runtime, layout, weights, network, inputSize, samples);
  return encodeModel(
    buildTrackingGraph(
      (graph) => quantizedLayers(graph, layout, weights, quantizations),
      network,
      inputSize,
      head,
    ),
  );
};
