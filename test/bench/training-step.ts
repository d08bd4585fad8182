/**
 * How much a training step costs beyond its arithmetic: the whole step against a graph that holds nothing but its
 * convolutions and matrix products, forward and backward, in the same shapes. Both run in this process, in turns.
 *
 *     npx tsx test/bench/training-step.ts [--threads N] [--rounds N] [--device cpu|wasm] [--json]
 */
import { parseArgs } from 'node:util';
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { loadNodeRuntime, type NodeRuntime } from '../../src/model/runtime-node.ts';
import type { Value } from '../../src/onnx/graph.ts';
import { elementCount, Graph, staticShape } from '../../src/onnx/graph.ts';
import * as op from '../../src/onnx/operators.ts';
import { encodeModel } from '../../src/onnx/protobuf.ts';
import type { TrainingConfig } from '../../src/train/config.ts';
import { parseConfig } from '../../src/train/config.ts';
import { createRandom } from '../../src/train/random.ts';
import { freshState, stepShape } from '../../src/train/trainer.ts';
import { parameterLayout } from '../../src/train/training-network.ts';
import { trainingGraph } from '../../src/train/training-step.ts';

/** Batch 8 at 96×96 with 24×24 queries, no background crops: what issues and facts speak of. */
const config: TrainingConfig = parseConfig({ batch: { pairs: 8, backgrounds: 0 } });

const arithmetic = new Set(['Conv', 'ConvTranspose', 'MatMul', 'Gemm']);

/** The convolutions and matrix products of `whole`, each on inputs of its own, and one number read from each. */
const bareGraph = (whole: Graph): Graph => {
  const bare = new Graph('bare');
  const inputs = new Map<string, Value>();
  const input = (shape: readonly number[], copy: number): Value => {
    const name = `x${copy}_${shape.join('_')}`;
    const known = inputs.get(name) ?? bare.input(name, 'float32', shape);
    inputs.set(name, known);
    return known;
  };
  const seen = new Map<string, number>();
  const results = whole.nodes
    .filter(({ operator }) => arithmetic.has(operator))
    .map((node) => {
      const shapes = node.inputs.map((name) => staticShape(node.operator, whole.value(name).shape));
      const signature = JSON.stringify([node.operator, node.attributes, shapes]);
      // Equal nodes on equal inputs would be run once only.
      const copy = seen.get(signature) ?? 0;
      seen.set(signature, copy + 1);
      const { type, shape } = whole.value(node.outputs[0]);
      const [result] = bare.node(
        node.operator,
        shapes.map((dims) => input(dims, copy)),
        node.attributes,
        [{ type, shape }],
      );
      return op.slice(bare, op.reshape(bare, result, [elementCount(shape)]), 0, 0, 1);
    });
  bare.output('numbers', op.concat(bare, results, 0));
  return bare;
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
// Read before the second graph asks for memory of its own.
const peakMegabytes = process.resourceUsage().maxRSS / 1000;
const bare = await createRunner(runtime, bareGraph(whole), {});
for (let i = 0; i < 3; i++) await bare.run();

const samples = { step: [] as Sample[], bare: [] as Sample[] };
for (let round = 0; round < Number(options.rounds); round++) {
  samples.step.push(await measure(step.run));
  samples.bare.push(await measure(bare.run));
}
await step.session.release();
await bare.session.release();

const wall = (of: readonly Sample[]): number => median(of.map((sample) => sample.wall));
const cpu = (of: readonly Sample[]): number => median(of.map((sample) => sample.cpu));
const round = (value: number, digits: number): number => Number(value.toFixed(digits));
const result = {
  step_ms: round(wall(samples.step), 1),
  bare_ms: round(wall(samples.bare), 1),
  ratio: round(wall(samples.step) / wall(samples.bare), 3),
  // On a machine that others use, too, the time of the processor is the one to trust.
  cpu_ratio: round(cpu(samples.step) / cpu(samples.bare), 3),
  step_cpu_ms: round(cpu(samples.step), 1),
  bare_cpu_ms: round(cpu(samples.bare), 1),
  peak_mb: round(peakMegabytes, 0),
  threads: Number(options.threads),
  device: runtime.device,
};
if (options.json) console.log(JSON.stringify(result));
else for (const [name, value] of Object.entries(result)) console.log(`${name.padEnd(12)} ${value}`);
