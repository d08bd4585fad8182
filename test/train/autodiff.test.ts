import { describe, expect, it } from 'vitest';
import type { Value } from '../../src/onnx/graph.ts';
import { Graph } from '../../src/onnx/graph.ts';
import * as op from '../../src/onnx/operators.ts';
import { Tape } from '../../src/train/graph/autodiff.ts';
import * as d from '../../src/train/graph/differentiable.ts';
import { expectedDistance } from '../../src/train/step/dve-loss.ts';
import { checkGradients } from './gradient-check.ts';

type Rule = {
  name: string;
  inputs: { shape: number[]; low?: number; high?: number }[];
  build: (tape: Tape, values: Value[]) => Value;
};

const map = { shape: [2, 3, 8, 8] };

const rules: Rule[] = [
  { name: 'add', inputs: [map, map], build: (t, [a, b]) => d.add(t, a, b) },
  { name: 'add with broadcast', inputs: [map, { shape: [3, 1, 1] }], build: (t, [a, b]) => d.add(t, a, b) },
  { name: 'sub with broadcast', inputs: [map, { shape: [1, 8] }], build: (t, [a, b]) => d.sub(t, a, b) },
  { name: 'mul', inputs: [map, map], build: (t, [a, b]) => d.mul(t, a, b) },
  { name: 'mul with itself', inputs: [map], build: (t, [a]) => d.mul(t, a, a) },
  {
    name: 'mul with broadcast',
    inputs: [map, { shape: [2, 1, 1, 8] }],
    build: (t, [a, b]) => d.mul(t, a, b),
  },
  { name: 'scale', inputs: [map], build: (t, [a]) => d.scale(t, a, -3) },
  // Kinks lie at zero: keep clear of it by more than the step of the differences.
  {
    name: 'relu, positive side',
    inputs: [{ shape: [40], low: 0.1, high: 1 }],
    build: (t, [a]) => d.relu(t, a),
  },
  {
    name: 'relu, negative side',
    inputs: [{ shape: [40], low: -1, high: -0.1 }],
    build: (t, [a]) => d.relu(t, a),
  },
  {
    name: 'leakyRelu, negative side',
    inputs: [{ shape: [40], low: -1, high: -0.1 }],
    build: (t, [a]) => d.leakyRelu(t, a, 0.2),
  },
  {
    name: 'leakyRelu, positive side',
    inputs: [{ shape: [40], low: 0.1, high: 1 }],
    build: (t, [a]) => d.leakyRelu(t, a, 0.2),
  },
  {
    name: 'conv 3×3 with bias',
    inputs: [map, { shape: [4, 3, 3, 3] }, { shape: [4] }],
    build: (t, [x, w, b]) => d.conv(t, x, w, b, { pad: 1 }),
  },
  {
    name: 'conv 1×1',
    inputs: [map, { shape: [5, 3, 1, 1] }],
    build: (t, [x, w]) => d.conv(t, x, w, undefined),
  },
  {
    name: 'conv 5×5 stride 2',
    inputs: [map, { shape: [4, 3, 5, 5] }],
    build: (t, [x, w]) => d.conv(t, x, w, undefined, { pad: 2, stride: 2 }),
  },
  {
    name: 'conv 3×3 dilation 2',
    inputs: [map, { shape: [4, 3, 3, 3] }],
    build: (t, [x, w]) => d.conv(t, x, w, undefined, { pad: 2, dilation: 2 }),
  },
  {
    name: 'conv on a map of 256 cells or more (one product a picture)',
    inputs: [{ shape: [2, 2, 16, 16] }, { shape: [3, 2, 3, 3] }],
    build: (t, [x, w]) => d.conv(t, x, w, undefined, { pad: 1 }),
  },
  {
    name: 'conv 5×5 dilation 2 on such a map',
    inputs: [{ shape: [1, 2, 18, 18] }, { shape: [2, 2, 5, 5] }],
    build: (t, [x, w]) => d.conv(t, x, w, undefined, { pad: 4, dilation: 2 }),
  },
  {
    name: 'conv 3×3 without padding, on an oblong map',
    inputs: [{ shape: [2, 2, 7, 10] }, { shape: [3, 2, 3, 3] }],
    build: (t, [x, w]) => d.conv(t, x, w, undefined),
  },
  {
    name: 'conv 7×7 stride 2 on a large map',
    inputs: [{ shape: [1, 2, 36, 32] }, { shape: [2, 2, 7, 7] }],
    build: (t, [x, w]) => d.conv(t, x, w, undefined, { pad: 3, stride: 2 }),
  },
  {
    name: 'conv 2×2 stride 2, then 3×3 stride 3',
    inputs: [{ shape: [1, 2, 12, 12] }, { shape: [2, 2, 2, 2] }, { shape: [2, 2, 3, 3] }],
    build: (t, [x, v, w]) => {
      const y = d.conv(t, x, v, undefined, { stride: 2 });
      return d.conv(t, y, w, undefined, { stride: 3 });
    },
  },
  {
    name: 'batchNorm',
    inputs: [map, { shape: [3], low: 0.5, high: 2 }, { shape: [3] }],
    build: (t, [x, gamma, beta]) => d.batchNorm(t, x, gamma, beta).output,
  },
  { name: 'averagePool', inputs: [map], build: (t, [x]) => d.averagePool(t, x, 2) },
  { name: 'upsample', inputs: [map], build: (t, [x]) => d.upsample(t, x, 2) },
  { name: 'reshape', inputs: [map], build: (t, [x]) => d.reshape(t, x, [6, 64]) },
  { name: 'transpose', inputs: [map], build: (t, [x]) => d.transpose(t, x, [2, 0, 3, 1]) },
  { name: 'slice', inputs: [map], build: (t, [x]) => d.slice(t, x, 1, 1, 3) },
  { name: 'concat', inputs: [map, map], build: (t, [a, b]) => d.concat(t, [a, b, a], 1) },
  {
    name: 'matMul',
    inputs: [{ shape: [2, 4, 5] }, { shape: [2, 5, 3] }],
    build: (t, [a, b]) => d.matMul(t, a, b),
  },
  { name: 'softmax', inputs: [{ shape: [4, 6] }], build: (t, [x]) => d.softmax(t, x, 1) },
  { name: 'l2Normalize', inputs: [{ shape: [2, 5, 7] }], build: (t, [x]) => d.l2Normalize(t, x, 1) },
  { name: 'sum', inputs: [map], build: (t, [x]) => d.sum(t, x) },
  { name: 'mean', inputs: [map], build: (t, [x]) => d.mean(t, x) },
  {
    name: 'expectedDistance',
    inputs: [{ shape: [2, 4, 6] }, { shape: [2, 4, 9] }],
    build: (t, [queries, keys]) => {
      const distance = t.graph.constant(
        Float32Array.from({ length: 54 }, (_, i) => (i * 7) % 5),
        [6, 9],
      );
      return expectedDistance(t, queries, keys, [distance, distance], 0.5);
    },
  },
];

describe('every gradient rule agrees with central differences', () => {
  it.each(rules)('$name', async ({ inputs, build }) => {
    const { worst, compared } = await checkGradients(inputs, build);
    expect(compared).toBeGreaterThan(0);
    expect(worst).toBeLessThan(5e-3);
  });

  it('maxPool, with values far apart', async () => {
    const { worst } = await checkGradients([{ shape: [1, 2, 4, 4], low: -100, high: 100 }], (t, [x]) =>
      d.maxPool(t, x, 2),
    );
    expect(worst).toBeLessThan(5e-3);
  });
});

describe('a convolution', () => {
  it('refuses a stride together with a dilation, for which there is no gradient rule', () => {
    const graph = new Graph('test');
    const tape = new Tape(graph);
    const x = graph.input('x', 'float32', [1, 1, 8, 8]);
    const w = tape.watch(graph.input('w', 'float32', [1, 1, 3, 3]));
    const loss = d.sum(tape, d.conv(tape, x, w, undefined, { stride: 2, dilation: 2, pad: 2 }));
    expect(() => tape.gradients(loss, [w])).toThrow('stride 2 with dilation 2 has no gradient rule');
  });
});

describe('the tape', () => {
  it('emits no gradient for what nobody watches', () => {
    const graph = new Graph('test');
    const tape = new Tape(graph);
    const x = graph.input('x', 'float32', [1, 3, 8, 8]);
    const w = tape.watch(graph.input('w', 'float32', [4, 3, 3, 3]));
    const loss = d.sum(tape, d.conv(tape, x, w, undefined, { pad: 1 }));
    tape.gradients(loss, [w]);
    const convolutions = graph.nodes.filter(({ operator }) => operator === 'Conv');
    expect(convolutions).toHaveLength(1);
  });

  it('refuses a loss that is no scalar and a value that the loss does not depend on', () => {
    const graph = new Graph('test');
    const tape = new Tape(graph);
    const x = tape.watch(graph.input('x', 'float32', [2]));
    const y = tape.watch(graph.input('y', 'float32', [2]));
    expect(() => tape.gradients(d.scale(tape, x, 2), [x])).toThrow(/must be a scalar, got \[2\]/);
    expect(() => tape.gradients(d.sum(tape, x), [y])).toThrow(/does not depend on "y"/);
  });

  it('names a rule that returns a wrong shape', () => {
    const graph = new Graph('test');
    const tape = new Tape(graph);
    const x = tape.watch(graph.input('x', 'float32', [2]));
    const wrong = tape.record([x], op.neg(graph, x), () => [graph.scalar(1)]);
    expect(() => tape.gradients(d.sum(tape, wrong), [x])).toThrow(/"x" \[2\] came back as \[\]/);
  });
});
