import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readModelDirectory } from '../../src/model/model-directory-node.ts';
import { loadNodeRuntime } from '../../src/model/runtime-node.ts';
import type { NodeRuntime } from '../../src/model/runtime-node.ts';
import { Graph } from '../../src/onnx/graph.ts';
import type { Value } from '../../src/onnx/graph.ts';
import * as op from '../../src/onnx/operators.ts';
import { encodeModel } from '../../src/onnx/protobuf.ts';
import { Tape } from '../../src/train/graph/autodiff.ts';
import { readCheckpoint } from '../../src/train-node/checkpoint.ts';
import { parseConfig } from '../../src/train/settings/config.ts';
import { batchNormEpsilon } from '../../src/train/graph/differentiable.ts';
import { defaultMatchingHead, exportNetwork, unitVectors } from '../../src/train/network/export.ts';
import type { TrainedWeights } from '../../src/train/network/inference-network.ts';
import type { Activation, Layers, NetworkKind, NetworkSettings } from '../../src/train/network/networks.ts';
import { buildNetwork } from '../../src/train/network/networks.ts';
import { exportQuantized } from '../../src/train/network/quantize.ts';
import { createRandom } from '../../src/augment/random.ts';
import { runTraining } from '../../src/train-node/run.ts';
import { weightsOf } from '../../src/train/trainer.ts';
import type { ParameterLayout } from '../../src/train/network/training-network.ts';
import {
  buildTrainingNetwork,
  initialParameters,
  parameterLayout,
  samePad,
  slotData,
} from '../../src/train/network/training-network.ts';
import { standardize } from '../../src/train/step/training-step.ts';
import { smallSettings, writePictures } from '../fixtures/small-training.ts';
import { createTexture } from '../fixtures/drawn-clip.ts';

const crops = 4;
const embeddingSize = 8;
const settingsOf = (kind: NetworkKind): NetworkSettings => ({ kind, embeddingSize, widths: [8, 12, 16] });

/** (crops, 3, S, S) textures, planar, 0–1. */
const drawCrops = (inputSize: number): Float32Array => {
  const plane = inputSize * inputSize;
  const data = new Float32Array(crops * 3 * plane);
  for (let crop = 0; crop < crops; crop++) {
    const texture = createTexture(50 + crop);
    for (let i = 0; i < 3 * plane; i++) {
      const [channel, pixel] = [Math.floor(i / plane), i % plane];
      data[crop * 3 * plane + i] = texture(pixel % inputSize, Math.floor(pixel / inputSize), channel) / 255;
    }
  }
  return data;
};

/** Weights as after a training: no gamma is 1 any more, and no beta or bias 0. */
const someParameters = (layout: ParameterLayout): Float32Array => {
  const random = createRandom(3);
  const parameters = initialParameters(layout, random);
  for (const slot of layout.parameters) {
    if (slot.name.endsWith('.weight')) continue;
    const data = slotData(parameters, slot);
    data.forEach((value, i) => {
      data[i] = 0.8 * value + random.normal() * 0.2;
    });
  }
  return parameters;
};

let runtime: NodeRuntime;
beforeAll(async () => {
  runtime = await loadNodeRuntime({ threads: 1 });
});

type Feed = { data: Float32Array; dims: readonly number[] };

const run = async (model: Uint8Array, feeds: Record<string, Feed>): Promise<Record<string, Float32Array>> => {
  const session = await runtime.InferenceSession.create(model, runtime.sessionOptions);
  const tensors = Object.entries(feeds).map(
    ([name, { data, dims }]) => [name, new runtime.Tensor('float32', data, dims)] as const,
  );
  const outputs = await session.run(Object.fromEntries(tensors));
  const copied = session.outputNames.map(
    (name) => [name, Float32Array.from(outputs[name].data as Float32Array)] as const,
  );
  await session.release();
  return Object.fromEntries(copied);
};

const imageFeed = (inputSize: number): Feed => ({
  data: drawCrops(inputSize),
  dims: [crops, 3, inputSize, inputSize],
});

/** `embedding` of a network as it would be shipped. */
const embed = async (model: Uint8Array, image: Feed): Promise<Float32Array> => {
  const references = { data: new Float32Array(embeddingSize), dims: [1, embeddingSize] };
  return (await run(model, { image, references })).embedding;
};

/** Unit vectors of the training network, which normalises by the batch, and what it normalised by. */
const embedAsInTraining = async (
  layout: ParameterLayout,
  parameters: Float32Array,
  settings: NetworkSettings,
  image: Feed,
): Promise<{ embedding: Float32Array; statistics: Float32Array }> => {
  const graph = new Graph('training forward');
  const input = graph.input('image', 'float32', image.dims);
  const vector = graph.input('parameters', 'float32', [layout.parameterCount]);
  const { output, batchStatistics } = buildTrainingNetwork(
    new Tape(graph),
    standardize(graph, input),
    vector,
    layout,
    settings,
  );
  graph.output('embedding', unitVectors(graph, output));
  graph.output('statistics', batchStatistics);
  const { embedding, statistics } = await run(encodeModel(graph), {
    image,
    parameters: { data: parameters, dims: [layout.parameterCount] },
  });
  return { embedding, statistics };
};

/** Layers with ONNX's own batch normalisation on running statistics: nothing folded. */
const unfoldedLayers = (graph: Graph, layout: ParameterLayout, weights: TrainedWeights): Layers => {
  const read = (name: string): Value => {
    const slot = [...layout.parameters, ...layout.statistics].find((entry) => entry.name === name);
    if (!slot) throw new Error(`no ${name}`);
    const vector = layout.parameters.includes(slot) ? weights.parameters : weights.statistics;
    return graph.constant(slotData(vector, slot), slot.shape);
  };
  const activate = (x: Value, activation: Activation): Value => {
    if (activation.kind === 'relu') return op.relu(graph, x);
    return activation.kind === 'none' ? x : op.leakyRelu(graph, x, activation.slope);
  };
  const norm = (name: string, x: Value, activation: Activation): Value => {
    const inputs = ['gamma', 'beta', 'mean', 'variance'].map((part) => read(`${name}.${part}`));
    const epsilon = { epsilon: { kind: 'float', value: batchNormEpsilon } } as const;
    const [y] = graph.node('BatchNormalization', [x, ...inputs], epsilon, [{ type: x.type, shape: x.shape }]);
    return activate(y, activation);
  };
  const conv = (name: string, x: Value, layer: Parameters<Layers['conv']>[2], bias: boolean): Value => {
    const { stride = 1, dilation = 1 } = layer;
    const b = bias ? read(`${name}.bias`) : undefined;
    return op.conv(graph, x, read(`${name}.weight`), b, { stride, dilation, pad: samePad(layer) });
  };
  return {
    conv: (name, x, layer) => conv(name, x, layer, true),
    convNorm: (name, x, layer, activation) =>
      norm(`${name}.norm`, conv(name, x, layer, layer.bias ?? false), activation),
    norm,
    averagePool: (x) => op.averagePool(graph, x, 2),
    maxPool: (x) => op.maxPool(graph, x, 2),
    upsample: (x) => op.upsample(graph, x, 2),
    add: (a, b) => op.add(graph, a, b),
  };
};

const embedUnfolded = async (
  layout: ParameterLayout,
  weights: TrainedWeights,
  settings: NetworkSettings,
  image: Feed,
): Promise<Float32Array> => {
  const graph = new Graph('unfolded');
  const input = standardize(graph, graph.input('image', 'float32', image.dims));
  const raw = buildNetwork(unfoldedLayers(graph, layout, weights), input, settings);
  graph.output('embedding', unitVectors(graph, raw));
  return (await run(encodeModel(graph), { image })).embedding;
};

const greatestDifference = (a: Float32Array, b: Float32Array): number => {
  expect(a.length).toBe(b.length);
  return a.reduce((greatest, value, i) => Math.max(greatest, Math.abs(value - b[i])), 0);
};

/** Mean cosine between the vectors of the same cell. */
const meanCosine = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + value * b[i], 0) / (a.length / embeddingSize);

/** A network with weights as after a training, and its own forward pass on some crops. */
const someNetwork = async (kind: NetworkKind, inputSize: number) => {
  const settings = settingsOf(kind);
  const layout = parameterLayout(settings, inputSize);
  const parameters = someParameters(layout);
  const image = imageFeed(inputSize);
  const trained = await embedAsInTraining(layout, parameters, settings, image);
  // Running statistics lag behind those of any batch.
  const statistics = trained.statistics.map((value, i) => value * (1 + 0.2 * Math.sin(i)));
  return { settings, layout, image, trained, parameters, weights: { parameters, statistics } };
};

describe('an exported network', { timeout: 300_000 }, () => {
  // The deepest map of hourglass has 1/32 of the input's side, and batch statistics over a handful of values turn
  // rounding errors into another embedding: 64 pixels are the least that can be compared.
  test.each([
    ['light', 32],
    ['smallnet', 32],
    ['hourglass', 64],
  ] as const)(
    'embeds as the training network does, and as unfolded layers do on running statistics: %s',
    async (kind, inputSize) => {
      const { settings, layout, image, trained, parameters, weights } = await someNetwork(kind, inputSize);
      const { statistics } = trained;
      const same = exportNetwork(layout, { parameters, statistics }, settings, inputSize);
      expect(greatestDifference(await embed(same, image), trained.embedding)).toBeLessThan(1e-4);
      const exported = await embed(exportNetwork(layout, weights, settings, inputSize), image);
      expect(greatestDifference(exported, trained.embedding)).toBeGreaterThan(1e-2);
      const unfolded = await embedUnfolded(layout, weights, settings, image);
      expect(greatestDifference(exported, unfolded)).toBeLessThan(1e-4);
    },
  );

  test.each(['light', 'smallnet'] as const)('in 8 bits embeds nearly as in 32: %s', async (kind) => {
    const { settings, layout, image, weights } = await someNetwork(kind, 32);
    const int8 = await exportQuantized(layout, weights, {
      ...{ runtime, network: settings, inputSize: 32, head: defaultMatchingHead, samples: image.data },
    });
    const exported = await embed(exportNetwork(layout, weights, settings, 32), image);
    const cosine = meanCosine(await embed(int8, image), exported);
    expect(cosine).toBeGreaterThan(0.99);
    // Not the same network by mistake.
    expect(cosine).toBeLessThan(1 - 1e-7);
  });
});

describe('a model directory', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'dve-export-'));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  test('holds the network of its checkpoint: averaged weights, running statistics', async () => {
    const [pictures, out] = [join(root, 'pictures'), join(root, 'model')];
    await writePictures(pictures);
    const config = parseConfig({ ...smallSettings, steps: 8, checkpointEvery: 100 });
    await runTraining({ config, images: pictures, out, resume: false, runtime });
    const { state } = await readCheckpoint(join(out, 'checkpoint.bin'));
    const image = imageFeed(config.batch.inputSize);
    const layout = parameterLayout(config.network, config.batch.inputSize);
    const { contents } = await readModelDirectory(out);
    const shipped = await embed(contents.model, image);
    const expected = await embedUnfolded(layout, weightsOf(config, state), config.network, image);
    expect(greatestDifference(shipped, expected)).toBeLessThan(1e-4);
    const last = { parameters: state.parameters, statistics: state.statistics };
    const unaveraged = await embedUnfolded(layout, last, config.network, image);
    expect(greatestDifference(shipped, unaveraged)).toBeGreaterThan(1e-3);
    const cosine = meanCosine(await embed(contents.int8 ?? new Uint8Array(), image), shipped);
    expect(cosine).toBeGreaterThan(0.98);
  });
});
