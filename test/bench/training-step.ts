/**
 * How much a training step costs beyond its arithmetic: the whole step against graphs that hold nothing but
 * convolutions and matrix products, forward and backward. `own` are those of the step itself; `textbook` are those
 * that a plain backward pass would do, whatever the step does instead, with the gradients of weights as matrix products
 * of inputs that were shifted already; `convolutions` are the same with these gradients as convolutions, too. All run in
 * this process, in turns.
 *
 *     npx tsx test/bench/training-step.ts [--threads N] [--rounds N] [--device cpu|wasm] [--json]
 */
import { parseArgs } from 'node:util';
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { loadNodeRuntime, type NodeRuntime } from '../../src/model/runtime-node.ts';
import type { GraphNode, Value } from '../../src/onnx/graph.ts';
import { elementCount, Graph, staticShape } from '../../src/onnx/graph.ts';
import * as op from '../../src/onnx/operators.ts';
import { encodeModel } from '../../src/onnx/protobuf.ts';
import type { TrainingConfig } from '../../src/train/settings/config.ts';
import { parseConfig } from '../../src/train/settings/config.ts';
import { createRandom } from '../../src/augment/random.ts';
import { freshState, stepShape } from '../../src/train/trainer.ts';
import { parameterLayout } from '../../src/train/network/training-network.ts';
import { trainingGraph } from '../../src/train/step/training-step.ts';

/** Batch 8 at 96×96 with 24×24 queries, no background crops: what the prototype was measured with. */
const config: TrainingConfig = parseConfig({ batch: { pairs: 8, backgrounds: 0 } });

const arithmetic = new Set(['Conv', 'ConvTranspose', 'MatMul', 'Gemm']);

type Product = {
  operator: string;
  attributes: GraphNode['attributes'];
  inputs: number[][];
  output: number[];
};

const productOf = (graph: Graph, { operator, attributes, inputs, outputs }: GraphNode): Product => {
  const shape = (name: string): number[] => staticShape(operator, graph.value(name).shape);
  return { operator, attributes, inputs: inputs.map(shape), output: shape(outputs[0]) };
};

const matrixProduct = (a: number[], b: number[]): Product => ({
  operator: 'MatMul',
  attributes: {},
  inputs: [a, b],
  output: [...a.slice(0, -1), b[b.length - 1]],
});

/** The convolutions and matrix products that the training step itself consists of. */
const ownProducts = (whole: Graph): Product[] =>
  whole.nodes.filter(({ operator }) => arithmetic.has(operator)).map((node) => productOf(whole, node));

const integers = (...value: number[]): GraphNode['attributes'][string] => ({ kind: 'ints', value });

/** The gradient of a convolution's weights as one convolution: the input with its output's gradient as the kernel. */
const weightConvolution = ({ attributes, inputs, output }: Product): Product => {
  const [[n, c, height, width], [, , k]] = inputs;
  const [, o, h, w] = output;
  const stride = Math.round(height / h);
  const pad = (k - 1) / 2;
  const side = (size: number, kernel: number): number => size + 2 * pad - stride * (kernel - 1);
  return {
    operator: 'Conv',
    attributes: {
      ...attributes,
      kernel_shape: integers(h, w),
      strides: integers(1, 1),
      dilations: integers(stride, stride),
    },
    inputs: [
      [c, n, height, width],
      [o, n, h, w],
    ],
    output: [c, o, side(height, h), side(width, w)],
  };
};

/**
 * Those of a textbook: every forward convolution once more for the gradient of its input, and one product of its
 * output's gradient with k² shifted inputs (or one convolution) for that of its weights; every forward product with its
 * two transposes.
 */
const textbookProducts = (whole: Graph, weightGradient: 'product' | 'convolution'): Product[] => {
  const lossName = whole.nodes.find(({ outputs }) => outputs[0] === 'loss')?.inputs[0];
  const end = whole.nodes.findIndex(({ outputs }) => outputs[0] === lossName);
  const forward = whole.nodes.slice(0, end).filter(({ operator }) => arithmetic.has(operator));
  return forward.flatMap((node, index): Product[] => {
    const product = productOf(whole, node);
    const [a, b] = product.inputs;
    const y = product.output;
    if (node.operator !== 'Conv') {
      const swapped = (shape: number[]): number[] => [...shape.slice(0, -2), ...shape.slice(-2).reverse()];
      return [product, matrixProduct(y, swapped(b)), matrixProduct(swapped(a), y)];
    }
    const [n, o, h, w] = y;
    const [, c, k] = b;
    const columns =
      weightGradient === 'product'
        ? matrixProduct([n, o, h * w], [n, h * w, c * k * k])
        : weightConvolution(product);
    // The first convolution's input is the picture, which needs no gradient.
    const input: Product = { ...product, inputs: [y, [c, o, k, k]], output: a };
    return index === 0 ? [product, columns] : [product, input, columns];
  });
};

/** Nothing but these products, each on inputs of its own, and one number read from each. */
const bareGraph = (products: readonly Product[]): Graph => {
  const graph = new Graph('bare');
  const inputs = new Map<string, Value>();
  const input = (shape: readonly number[], copy: number): Value => {
    const name = `x${copy}_${shape.join('_')}`;
    const known = inputs.get(name) ?? graph.input(name, 'float32', shape);
    inputs.set(name, known);
    return known;
  };
  const seen = new Map<string, number>();
  const numbers = products.map((product) => {
    const { operator, attributes, output } = product;
    // Equal nodes on equal inputs would be run once only.
    const signature = JSON.stringify(product);
    const copy = seen.get(signature) ?? 0;
    seen.set(signature, copy + 1);
    const values = product.inputs.map((shape) => input(shape, copy));
    const [result] = graph.node(operator, values, attributes, [{ type: 'float32', shape: output }]);
    return op.slice(graph, op.reshape(graph, result, [elementCount(output)]), 0, 0, 1);
  });
  graph.output('numbers', op.concat(graph, numbers, 0));
  return graph;
};

type Runner = () => Promise<void>;

const createRunner = async (
  { InferenceSession, Tensor, sessionOptions }: NodeRuntime,
  graph: Graph,
  values: Record<string, Float32Array>,
): Promise<{ run: Runner; session: InferenceSession }> => {
  const session = await InferenceSession.create(encodeModel(graph), sessionOptions);
  const random = createRandom(1);
  const feeds: Record<string, Tensor> = {};
  for (const { name, shape } of graph.inputs) {
    const data =
      name in values
        ? values[name]
        : Float32Array.from({ length: elementCount(shape) }, () => random.uniform());
    feeds[name] = new Tensor('float32', data, staticShape(name, shape));
  }
  return {
    session,
    run: async () => {
      await session.run(feeds);
    },
  };
};

type Sample = { wall: number; cpu: number };

const measure = async (run: Runner): Promise<Sample> => {
  const cpuStart = process.cpuUsage();
  const start = performance.now();
  await run();
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(cpuStart);
  return { wall, cpu: (user + system) / 1000 };
};

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const { values: options } = parseArgs({
  options: {
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '15' },
    device: { type: 'string', default: 'cpu' },
    json: { type: 'boolean', default: false },
  },
});
const device = options.device === 'wasm' ? 'wasm' : 'cpu';
const runtime = await loadNodeRuntime({ device, threads: Number(options.threads) });
const layout = parameterLayout(config.network, config.batch.inputSize);
const whole = trainingGraph(layout, config.network, config.loss, config.optimizer, stepShape(config));
const random = createRandom(2);
const feeds = {
  ...freshState(config, layout),
  targets: Float32Array.from({ length: 8 * 24 * 24 * 2 }, () => random.uniform(0, 96)),
  valid: new Float32Array(8 * 24 * 24).fill(1),
  schedule: Float32Array.of(1e-3, 1, 1, 0.9),
};
const step = await createRunner(runtime, whole, feeds);
for (let i = 0; i < 3; i++) await step.run();
// Read before the other graphs ask for memory of their own.
const peakMegabytes = process.resourceUsage().maxRSS / 1000;
const runners = {
  step,
  own: await createRunner(runtime, bareGraph(ownProducts(whole)), {}),
  textbook: await createRunner(runtime, bareGraph(textbookProducts(whole, 'product')), {}),
  convolutions: await createRunner(runtime, bareGraph(textbookProducts(whole, 'convolution')), {}),
};
const kinds = ['step', 'own', 'textbook', 'convolutions'] as const;
const samples: Record<(typeof kinds)[number], Sample[]> = {
  step: [],
  own: [],
  textbook: [],
  convolutions: [],
};
for (let round = -2; round < Number(options.rounds); round++) {
  for (const kind of kinds) {
    const sample = await measure(runners[kind].run);
    // The first rounds warm up.
    if (round >= 0) samples[kind].push(sample);
  }
}
for (const kind of kinds) await runners[kind].session.release();

const medians = (measure: keyof Sample): Record<(typeof kinds)[number], number> => ({
  step: median(samples.step.map((sample) => sample[measure])),
  own: median(samples.own.map((sample) => sample[measure])),
  textbook: median(samples.textbook.map((sample) => sample[measure])),
  convolutions: median(samples.convolutions.map((sample) => sample[measure])),
});
const wall = medians('wall');
// On a machine that others use, too, the time of the processor is the one to trust.
const cpu = medians('cpu');
const round = (value: number, digits: number): number => Number(value.toFixed(digits));
const result = {
  step_ms: round(wall.step, 1),
  own_products_ms: round(wall.own, 1),
  textbook_products_ms: round(wall.textbook, 1),
  convolutions_ms: round(wall.convolutions, 1),
  ratio_own: round(wall.step / wall.own, 3),
  ratio_textbook: round(wall.step / wall.textbook, 3),
  ratio_convolutions: round(wall.step / wall.convolutions, 3),
  cpu_ratio_own: round(cpu.step / cpu.own, 3),
  cpu_ratio_textbook: round(cpu.step / cpu.textbook, 3),
  cpu_ratio_convolutions: round(cpu.step / cpu.convolutions, 3),
  peak_mb: round(peakMegabytes, 0),
  threads: Number(options.threads),
  device: runtime.device,
};
if (options.json) console.log(JSON.stringify(result));
else for (const [name, value] of Object.entries(result)) console.log(`${name.padEnd(22)} ${value}`);
