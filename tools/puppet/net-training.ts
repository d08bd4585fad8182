/** Trains the puppet's network by the project's own training engine. */
import { createRandom } from '../../src/augment/random.ts';
import type { Runtime } from '../../src/model/model.ts';
import { Graph, type Value } from '../../src/onnx/graph.ts';
import * as op from '../../src/onnx/operators.ts';
import { encodeModel } from '../../src/onnx/protobuf.ts';
import type { Layer } from '../../src/puppet/net-layers.ts';
import { adam, defaultOptimizer, globalNorm } from '../../src/train/graph/adam.ts';
import { Tape } from '../../src/train/graph/autodiff.ts';
import * as d from '../../src/train/graph/differentiable.ts';
import { flatGradients } from '../../src/train/network/training-network.ts';

/** What a network learns from: inputs are standardised already. */
export type Samples = { inputs: readonly Float32Array[]; targets: readonly Float32Array[] };

export type NetTrainingOptions = {
  /** Numbers of every layer, inputs first. */ widths: readonly number[];
  /** (outputs) how much an error of each counts. */ outputWeights: Float32Array;
  steps: number;
  batch: number;
  learningRate: number;
  weightDecay: number;
  seed: number;
  /** Changes a sample's inputs, in place. */ disturb: (
    input: Float32Array,
    random: ReturnType<typeof createRandom>,
  ) => void;
};

const layerSizes = (widths: readonly number[]) =>
  widths.slice(1).map((outputs, i) => ({ outputs, inputs: widths[i], size: outputs * (widths[i] + 1) }));

const optimizer = { ...defaultOptimizer, beta1: 0.9, beta2: 0.999, clip: 10, weightDecay: 0 };

const stepGraph = ({ widths, batch, outputWeights, weightDecay }: NetTrainingOptions): Uint8Array => {
  const graph = new Graph('dve-puppet-step');
  const tape = new Tape(graph);
  const sizes = layerSizes(widths);
  const count = sizes.reduce((sum, { size }) => sum + size, 0);
  const inputs = graph.input('inputs', 'float32', [batch, widths[0]]);
  const targets = graph.input('targets', 'float32', [batch, outputWeights.length]);
  const schedule = graph.input('schedule', 'float32', [3]);
  const parameters = graph.input('parameters', 'float32', [count]);
  const momentum = graph.input('momentum', 'float32', [count]);
  const velocity = graph.input('velocity', 'float32', [count]);
  const leaves: Value[] = [];
  let [at, x] = [0, inputs];
  sizes.forEach(({ outputs, inputs: width, size }, l) => {
    const middle = at + outputs * width;
    const weights = op.reshape(graph, op.slice(graph, parameters, 0, at, middle), [width, outputs]);
    const biases = op.reshape(graph, op.slice(graph, parameters, 0, middle, at + size), [1, outputs]);
    tape.watch(weights);
    tape.watch(biases);
    leaves.push(weights, biases);
    const sum = d.add(tape, d.matMul(tape, x, weights), biases);
    x = l + 1 < sizes.length ? d.relu(tape, sum) : sum;
    at += size;
  });
  const weights = graph.constant(outputWeights.map(Math.sqrt), [1, outputWeights.length]);
  const error = d.mul(tape, d.sub(tape, x, targets), weights);
  const loss = d.scale(tape, d.sum(tape, d.mul(tape, error, error)), 1 / (batch * outputWeights.length));
  const data = flatGradients(tape, loss, leaves);
  const gradient = op.add(graph, data, op.mul(graph, parameters, graph.scalar(weightDecay)));
  const of = (index: number): Value => op.slice(graph, schedule, 0, index, index + 1);
  const next = adam(
    graph,
    { parameters, momentum, velocity, gradient, norm: globalNorm(graph, gradient) },
    { learningRate: of(0), momentumCorrection: of(1), velocityCorrection: of(2) },
    optimizer,
  );
  graph.output('next_parameters', next.parameters);
  graph.output('next_momentum', next.momentum);
  graph.output('next_velocity', next.velocity);
  graph.output('loss', loss);
  return encodeModel(graph);
};

/** Layers as they are run: (outputs, inputs) instead of (inputs, outputs). */
const layersOf = (widths: readonly number[], parameters: Float32Array): Layer[] => {
  let at = 0;
  return layerSizes(widths).map(({ outputs, inputs, size }) => {
    const own = parameters.subarray(at, at + size);
    at += size;
    const weights = Float32Array.from(
      { length: outputs * inputs },
      (_, i) => own[(i % inputs) * outputs + Math.floor(i / inputs)],
    );
    return { weights, biases: own.slice(outputs * inputs) };
  });
};

/** @returns the layers and the mean loss of the last hundred steps */
export const trainNet = async (
  { InferenceSession, Tensor, sessionOptions }: Runtime,
  { inputs, targets }: Samples,
  options: NetTrainingOptions,
  onStep: (step: number, loss: number) => void,
): Promise<Layer[]> => {
  const { widths, batch, steps, learningRate, seed, disturb } = options;
  const random = createRandom(seed);
  let parameters = Float32Array.from(
    layerSizes(widths).flatMap(({ inputs: width, outputs }) => [
      ...Array.from({ length: width * outputs }, () => random.normal(0, Math.sqrt(2 / width))),
      ...new Array<number>(outputs).fill(0),
    ]),
  );
  let [momentum, velocity] = [new Float32Array(parameters.length), new Float32Array(parameters.length)];
  const session = await InferenceSession.create(stepGraph(options), sessionOptions);
  const [x, y] = [new Float32Array(batch * widths[0]), new Float32Array(batch * targets[0].length)];
  for (let step = 0; step < steps; step++) {
    for (let b = 0; b < batch; b++) {
      const chosen = random.int(inputs.length);
      const input = x.subarray(b * widths[0], (b + 1) * widths[0]);
      input.set(inputs[chosen]);
      disturb(input, random);
      y.set(targets[chosen], b * targets[chosen].length);
    }
    const rate =
      learningRate * Math.min(1, (step + 1) / 100) * 0.5 * (1 + Math.cos((Math.PI * step) / steps));
    const schedule = Float32Array.of(rate, 1 / (1 - 0.9 ** (step + 1)), 1 / (1 - 0.999 ** (step + 1)));
    const size = [parameters.length];
    const next = await session.run({
      inputs: new Tensor('float32', x, [batch, widths[0]]),
      targets: new Tensor('float32', y, [batch, targets[0].length]),
      schedule: new Tensor('float32', schedule, [3]),
      parameters: new Tensor('float32', parameters, size),
      momentum: new Tensor('float32', momentum, size),
      velocity: new Tensor('float32', velocity, size),
    });
    parameters = next.next_parameters.data as Float32Array<ArrayBuffer>;
    momentum = next.next_momentum.data as Float32Array<ArrayBuffer>;
    velocity = next.next_velocity.data as Float32Array<ArrayBuffer>;
    onStep(step, (next.loss.data as Float32Array)[0]);
  }
  await session.release();
  return layersOf(widths, parameters);
};
