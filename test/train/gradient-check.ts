/** Central differences against the gradients of the tape, run by ONNX Runtime. */
import type { InferenceSession } from 'onnxruntime-common';
import { loadNodeRuntime } from '../../src/model/runtime-node.ts';
import type { Value } from '../../src/onnx/graph.ts';
import { elementCount, Graph, staticShape } from '../../src/onnx/graph.ts';
import { encodeModel } from '../../src/onnx/protobuf.ts';
import { Tape } from '../../src/train/graph/autodiff.ts';
import * as d from '../../src/train/graph/differentiable.ts';
import { createRandom } from '../../src/augment/random.ts';

type Input = { shape: readonly number[]; low?: number; high?: number };

export type GradientCheck = {
  /** Greatest |analytic − numeric| over (1 + |numeric|). */ worst: number;
  /** How many derivatives were compared. */ compared: number;
};

const runtime = await loadNodeRuntime({ threads: 1 });

export const createSession = (graph: Graph): Promise<InferenceSession> =>
  runtime.InferenceSession.create(encodeModel(graph), runtime.sessionOptions);

/**
 * Compares the gradient of a random weighting of `build`'s output with central differences, for up to 24
 * elements of every input.
 */
export const checkGradients = async (
  inputs: readonly Input[],
  build: (tape: Tape, values: Value[]) => Value,
  epsilon = 1e-2,
): Promise<GradientCheck> => {
  const random = createRandom(7);
  const graph = new Graph('gradient-check');
  const tape = new Tape(graph);
  const values = inputs.map(({ shape }, i) => tape.watch(graph.input(`x${i}`, 'float32', shape)));
  const output = build(tape, values);
  const count = elementCount(output.shape);
  const weights = Float32Array.from({ length: count }, () => random.uniform(-1, 1));
  const weighted = d.mul(tape, output, graph.constant(weights, staticShape('check', output.shape)));
  const loss = d.sum(tape, weighted);
  graph.output('loss', loss);
  tape.gradients(loss, values).forEach((gradient, i) => graph.output(`g${i}`, gradient));
  const session = await createSession(graph);
  const data = inputs.map(({ shape, low = -1, high = 1 }) =>
    Float32Array.from({ length: elementCount(shape) }, () => random.uniform(low, high)),
  );
  const run = async (): Promise<Record<string, Float32Array>> => {
    const feeds = Object.fromEntries(
      inputs.map(({ shape }, i) => [`x${i}`, new runtime.Tensor('float32', data[i], shape)]),
    );
    const outputs = await session.run(feeds);
    return Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, t.data as Float32Array]));
  };
  const analytic = await run();
  let worst = 0;
  let compared = 0;
  for (let i = 0; i < inputs.length; i++) {
    const stride = Math.max(1, Math.floor(data[i].length / 24));
    for (let j = 0; j < data[i].length; j += stride) {
      const kept = data[i][j];
      data[i][j] = kept + epsilon;
      const above = (await run()).loss[0];
      data[i][j] = kept - epsilon;
      const below = (await run()).loss[0];
      data[i][j] = kept;
      const numeric = (above - below) / (2 * epsilon);
      worst = Math.max(worst, Math.abs(analytic[`g${i}`][j] - numeric) / (1 + Math.abs(numeric)));
      compared += 1;
    }
  }
  await session.release();
  return { worst, compared };
};
