import { describe, expect, it } from 'vitest';
import { GraphError } from '../../src/errors.ts';
import { Graph } from '../../src/onnx/graph.ts';
import * as op from '../../src/onnx/operators.ts';
import { decodeModel, encodeModel } from '../../src/onnx/protobuf.ts';
import { ModelError } from '../../src/errors.ts';

const graphWith = (...shapes: (number | string)[][]) => {
  const graph = new Graph('test');
  return { graph, values: shapes.map((shape, i) => graph.input(`x${i}`, 'float32', shape)) };
};

describe('shapes are checked when a graph is built', () => {
  it('names the operator and both shapes of a mismatch', () => {
    const { graph, values } = graphWith([2, 3], [4, 5]);
    const [a, b] = values;
    expect(() => op.add(graph, a, b)).toThrow(
      new GraphError('Add: [2, 3] and [4, 5] cannot be broadcast together.'),
    );
    expect(() => op.matMul(graph, a, b)).toThrow(
      'MatMul: [2, 3] and [4, 5] have different inner dimensions.',
    );
    expect(() => op.concat(graph, [a, b], 0)).toThrow('Concat: [2, 3] and [4, 5] differ outside of axis 0.');
    expect(() => op.reshape(graph, a, [7])).toThrow('Reshape: [2, 3] cannot become [7].');
  });

  it('refuses a convolution over other channels than its kernel has', () => {
    const { graph, values } = graphWith([1, 3, 8, 8], [4, 2, 3, 3]);
    expect(() => op.conv(graph, values[0], values[1])).toThrow(
      'Conv: [1, 3, 8, 8] and [4, 2, 3, 3] have different channel counts.',
    );
  });

  it('joins a free dimension only with itself', () => {
    const { graph, values } = graphWith(['B', 3], ['N', 3], ['B', 1]);
    const [b, n, column] = values;
    expect(op.add(graph, b, column).shape).toEqual(['B', 3]);
    expect(() => op.add(graph, b, n)).toThrow(/\[B, 3\] and \[N, 3\]/);
  });

  it('infers the shapes of convolutions, pools and windows', () => {
    const { graph, values } = graphWith([2, 3, 96, 96], [8, 3, 5, 5]);
    const y = op.conv(graph, values[0], values[1], undefined, { stride: 2, pad: 2 });
    expect(y.shape).toEqual([2, 8, 48, 48]);
    expect(op.averagePool(graph, y, 2).shape).toEqual([2, 8, 24, 24]);
    expect(op.upsample(graph, y, 2).shape).toEqual([2, 8, 96, 96]);
    expect(op.window2d(graph, y, 1, 2, 5, 6).shape).toEqual([2, 8, 5, 6]);
    expect(() => op.averagePool(graph, y, 5)).toThrow(/not a multiple of the block size 5/);
    expect(() => op.window2d(graph, y, 44, 0, 5, 6)).toThrow(/leaves \[2, 8, 48, 48\]/);
  });

  it('refuses a name that is used twice and a constant of the wrong size', () => {
    const { graph } = graphWith([1]);
    expect(() => graph.input('x0', 'float32', [1])).toThrow('"x0" is used twice');
    expect(() => graph.constant([1, 2, 3], [2])).toThrow('needs 8 bytes, got 12');
  });
});

describe('.onnx files', () => {
  const build = (): Graph => {
    const graph = new Graph('round-trip');
    const x = graph.input('x', 'float32', ['B', 3, 4, 4]);
    const w = graph.constant(
      Float32Array.from({ length: 54 }, (_, i) => i / 10),
      [2, 3, 3, 3],
      'weight',
    );
    const y = op.leakyRelu(graph, op.conv(graph, x, w, undefined, { pad: 1 }), 0.25);
    graph.output('y', op.reshape(graph, y, ['B', 32]));
    return graph;
  };

  it('come back from bytes with the same nodes, shapes and constants', () => {
    const graph = build();
    const decoded = decodeModel(encodeModel(graph));
    expect(decoded.name).toBe('round-trip');
    expect(decoded.opset).toBe(18);
    expect(decoded.inputs).toEqual(graph.inputs);
    expect(decoded.outputs).toEqual(graph.outputs);
    expect(decoded.nodes).toEqual(graph.nodes);
    expect(decoded.initializers.map(({ value }) => value)).toEqual(
      graph.initializers.map(({ value }) => value),
    );
    expect(Buffer.from(decoded.initializers[0].bytes)).toEqual(Buffer.from(graph.initializers[0].bytes));
  });

  it('are refused when they are damaged, empty or something else', () => {
    const bytes = encodeModel(build());
    for (const wrong of [
      bytes.subarray(0, bytes.length >> 1),
      new Uint8Array(0),
      new TextEncoder().encode('<html>'),
    ]) {
      expect(() => decodeModel(wrong)).toThrow(ModelError);
    }
  });
});
