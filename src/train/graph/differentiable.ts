/** Differentiable operations: each emits its forward nodes and records its gradient rule on the tape. */
import type { Graph, Value } from '../../onnx/graph.ts';
import { GraphError } from '../../errors.ts';
import { elementCount, staticShape } from '../../onnx/graph.ts';
import type { ConvOptions } from '../../onnx/operators.ts';
import * as op from '../../onnx/operators.ts';
import type { Tape } from './autodiff.ts';

/** Sums a gradient over the axes along which its value was broadcast. */
const unbroadcast = (graph: Graph, gradient: Value, to: Value): Value => {
  const extra = gradient.shape.length - to.shape.length;
  const axes = gradient.shape.flatMap((dim, i) => (i < extra || to.shape[i - extra] !== dim ? [i] : []));
  if (axes.length === 0) return gradient;
  return op.reshape(graph, op.reduceSum(graph, gradient, axes), to.shape);
};

export const add = (tape: Tape, a: Value, b: Value): Value =>
  tape.record([a, b], op.add(tape.graph, a, b), (dy) => [
    unbroadcast(tape.graph, dy, a),
    unbroadcast(tape.graph, dy, b),
  ]);

export const sub = (tape: Tape, a: Value, b: Value): Value =>
  tape.record([a, b], op.sub(tape.graph, a, b), (dy, needs) => [
    unbroadcast(tape.graph, dy, a),
    needs(1) ? unbroadcast(tape.graph, op.neg(tape.graph, dy), b) : undefined,
  ]);

export const mul = (tape: Tape, a: Value, b: Value): Value =>
  tape.record([a, b], op.mul(tape.graph, a, b), (dy, needs) => [
    needs(0) ? unbroadcast(tape.graph, op.mul(tape.graph, dy, b), a) : undefined,
    needs(1) ? unbroadcast(tape.graph, op.mul(tape.graph, dy, a), b) : undefined,
  ]);

/** Product with a constant number. */
export const scale = (tape: Tape, x: Value, factor: number): Value => mul(tape, x, tape.graph.scalar(factor));

/** Where(y > 0, positive, negative): `Sign` would fall back to the CPU on WebGPU. */
const whereActive = (graph: Graph, y: Value, positive: Value, negative: Value): Value =>
  op.where(graph, op.greater(graph, y, graph.scalar(0)), positive, negative);

export const relu = (tape: Tape, x: Value): Value => {
  const { graph } = tape;
  const y = op.relu(graph, x);
  return tape.record([x], y, (dy) => {
    // A product costs a third of a Where of the same size.
    const isActive = op.greater(graph, y, graph.scalar(0));
    return [op.mul(graph, dy, op.cast(graph, isActive, 'float32'))];
  });
};

export const leakyRelu = (tape: Tape, x: Value, alpha: number): Value => {
  const y = op.leakyRelu(tape.graph, x, alpha);
  return tape.record([x], y, (dy) => [
    whereActive(tape.graph, y, dy, op.mul(tape.graph, dy, tape.graph.scalar(alpha))),
  ]);
};

/** Reverses the order of the taps of a kernel and swaps its channel axes: (O, C, k, k) → (C, O, k, k). */
const adjointKernel = (graph: Graph, w: Value): Value => {
  const [o, c, kh, kw] = staticShape('Conv', w.shape);
  if (kh * kw === 1) return op.transpose(graph, w, [1, 0, 2, 3]);
  const taps = kh * kw;
  // Reversing by a matrix with ones on its other diagonal is exact, and a fraction of the cost of Gather.
  const reversal = Float32Array.from({ length: taps * taps }, (_, i) =>
    Number((i % taps) + Math.floor(i / taps) === taps - 1),
  );
  const flat = op.matMul(graph, op.reshape(graph, w, [o, c, taps]), graph.constant(reversal, [taps, taps]));
  return op.reshape(graph, op.transpose(graph, flat, [1, 0, 2]), [c, o, kh, kw]);
};

const convInputGradient = (graph: Graph, x: Value, w: Value, dy: Value, options: ConvOptions): Value => {
  const { stride = 1, pad = 0, dilation = 1 } = options;
  const [, , height] = staticShape('Conv', x.shape);
  const [, , kernel] = staticShape('Conv', w.shape);
  const [, , outHeight] = staticShape('Conv', dy.shape);
  const span = dilation * (kernel - 1);
  if (stride === 1) {
    return op.conv(graph, dy, adjointKernel(graph, w), undefined, { pad: span - pad, dilation });
  }
  const outputPad = height - ((outHeight - 1) * stride + span + 1 - 2 * pad);
  return op.convTranspose(graph, dy, w, { stride, pad, dilation, outputPad });
};

/** The window start … start + length of one axis, zero where it reaches beyond. @param start may be negative */
const windowOf = (graph: Graph, x: Value, axis: number, start: number, length: number): Value => {
  const size = staticShape('Pad', x.shape)[axis];
  if (start === 0 && length === size) return x;
  // A negative count cuts off, in the same pass.
  const along = (count: number): number[] => x.shape.map((_, i) => (i === axis ? count : 0));
  return op.pad(graph, x, along(-start), along(start + length - size));
};

/** Maps of fewer cells are multiplied for all pictures at once; larger ones picture by picture, on all threads. */
const cellsOfLargeMap = 256;

/**
 * dW of a stride-1 convolution: dW[o, c, i, j] = Σ dy[o, r, s] · x[c, r + i·d − p, s + j·d − p] over pictures, r, s.
 *
 * The usual way puts all k² shifted inputs side by side (im2col). Shifting the input by columns only and the
 * output's gradient by rows only makes the same k² products from 2·k shifted maps.
 * @returns (O, C, k, k)
 */
const plainWeightGradient = (
  graph: Graph,
  x: Value,
  dy: Value,
  kernel: number,
  { pad = 0, dilation = 1 }: ConvOptions,
): Value => {
  const [n, c, h] = staticShape('Conv', x.shape);
  const [, o, outHeight, outWidth] = staticShape('Conv', dy.shape);
  const cells = h * outWidth;
  const isLarge = cells >= cellsOfLargeMap;
  const ordered = (y: Value): Value => (isLarge ? y : op.transpose(graph, y, [1, 0, 2, 3]));
  const matrix = (y: Value, channels: number): Value =>
    op.reshape(graph, y, isLarge ? [n, channels, cells] : [channels, n * cells]);
  const shifts = Array.from({ length: kernel }, (_, i) => i * dilation - pad);
  // Whole rows lie side by side: shifting by rows moves long blocks.
  const lines = op.reshape(graph, ordered(dy), [n * o, outHeight * outWidth]);
  const byRows = shifts.map((shift) => matrix(windowOf(graph, lines, 1, -shift * outWidth, cells), o));
  const input = ordered(x);
  const byColumns = shifts.map((shift) => matrix(windowOf(graph, input, 3, shift, outWidth), c));
  const products = byRows.flatMap((row) =>
    byColumns.map((column) =>
      isLarge
        ? op.matMul(graph, row, op.transpose(graph, column, [0, 2, 1]))
        : op.gemm(graph, row, column, { transB: true }),
    ),
  );
  const taps = kernel * kernel;
  const stacked = op.reshape(graph, op.concat(graph, products, 0), [taps, isLarge ? n : 1, o, c]);
  const sums = op.reshape(graph, op.reduceSum(graph, stacked, [1], false), [taps, o * c]);
  return op.reshape(graph, op.transpose(graph, sums, [1, 0]), [o, c, kernel, kernel]);
};

/** dW of a dense convolution. @throws GraphError for a stride together with a dilation */
const convWeightGradient = (graph: Graph, x: Value, w: Value, dy: Value, options: ConvOptions): Value => {
  const { stride = 1, pad = 0, dilation = 1 } = options;
  const [n, c] = staticShape('Conv', x.shape);
  const [o, , kernel] = staticShape('Conv', w.shape);
  const [, , outHeight, outWidth] = staticShape('Conv', dy.shape);
  if (stride === 1) return plainWeightGradient(graph, x, dy, kernel, options);
  if (dilation > 1) {
    throw new GraphError(`Conv: stride ${stride} with dilation ${dilation} has no gradient rule.`);
  }
  // Every stride-th row and column is a map of its own; between those the convolution has stride 1.
  const taps = Math.ceil(kernel / stride);
  const rows = outHeight + taps - 1;
  const columns = outWidth + taps - 1;
  const tall = windowOf(graph, x, 2, -pad, rows * stride);
  const full = windowOf(graph, tall, 3, -pad, columns * stride);
  const split = op.reshape(graph, full, [n, c, rows, stride, columns, stride]);
  const phases = op.transpose(graph, split, [0, 3, 5, 1, 2, 4]);
  const maps = op.reshape(graph, phases, [n, stride * stride * c, rows, columns]);
  const gradient = plainWeightGradient(graph, maps, dy, taps, {});
  const byPhase = op.reshape(graph, gradient, [o, stride, stride, c, taps, taps]);
  const ordered = op.transpose(graph, byPhase, [0, 3, 4, 1, 5, 2]);
  const side = taps * stride;
  return op.window2d(graph, op.reshape(graph, ordered, [o, c, side, side]), 0, 0, kernel, kernel);
};

/** Dense 2-D convolution with optional bias; shapes as `conv` of `onnx/operators.ts`, group 1. */
export const conv = (
  tape: Tape,
  x: Value,
  w: Value,
  bias: Value | undefined,
  options: Omit<ConvOptions, 'group'> = {},
): Value => {
  const { graph } = tape;
  const inputs = bias ? [x, w, bias] : [x, w];
  return tape.record(inputs, op.conv(graph, x, w, bias, options), (dy, needs) => [
    needs(0) ? convInputGradient(graph, x, w, dy, options) : undefined,
    needs(1) ? convWeightGradient(graph, x, w, dy, options) : undefined,
    bias ? sumPerChannel(graph, dy) : undefined,
  ]);
};

/** (N, C, H, W) → (C): sums over pictures and pixels, in two steps that ONNX Runtime reduces fast. */
const sumPerChannel = (graph: Graph, x: Value): Value =>
  op.reduceSum(graph, op.reduceSum(graph, x, [2, 3], false), [0], false);

/** Batch normalisation with the statistics of the batch (Ioffe & Szegedy 2015). */
export type BatchNormResult = {
  output: Value;
  /** (C) mean of the batch. */ mean: Value;
  /** (C) biased variance of the batch. */ variance: Value;
};

export const batchNormEpsilon = 1e-5;

/** @param x (N, C, H, W) @param gamma (C) @param beta (C) */
export const batchNorm = (tape: Tape, x: Value, gamma: Value, beta: Value): BatchNormResult => {
  const { graph } = tape;
  const [n, c, h, w] = staticShape('BatchNormalization', x.shape);
  const count = graph.scalar(1 / (n * h * w));
  const mean = op.mul(graph, sumPerChannel(graph, x), count);
  const square = op.mul(graph, sumPerChannel(graph, op.mul(graph, x, x)), count);
  const variance = op.maximum(graph, op.sub(graph, square, op.mul(graph, mean, mean)), graph.scalar(0));
  const inverse = op.reciprocal(
    graph,
    op.sqrt(graph, op.add(graph, variance, graph.scalar(batchNormEpsilon))),
  );
  const slope = op.mul(graph, gamma, inverse);
  const offset = op.sub(graph, beta, op.mul(graph, mean, slope));
  const output = affinePerChannel(graph, x, slope, offset);
  tape.record([x, gamma, beta], output, (dy, needs) => {
    const sumDy = sumPerChannel(graph, dy);
    const sumDyX = sumPerChannel(graph, op.mul(graph, dy, x));
    // Σ dy·x̂ without forming x̂ = (x − mean)·inverse.
    const dGamma = op.mul(graph, op.sub(graph, sumDyX, op.mul(graph, mean, sumDy)), inverse);
    if (!needs(0)) return [undefined, dGamma, sumDy];
    // dx = slope·(dy − mean(dy) − x̂·mean(dy·x̂)) = slope·dy + a·x + b
    const a = op.neg(graph, op.mul(graph, op.mul(graph, slope, inverse), op.mul(graph, dGamma, count)));
    const b = op.neg(
      graph,
      op.add(graph, op.mul(graph, slope, op.mul(graph, sumDy, count)), op.mul(graph, a, mean)),
    );
    const fromX = op.mul(graph, x, op.reshape(graph, a, [1, c, 1, 1]));
    return [op.add(graph, affinePerChannel(graph, dy, slope, b), fromX), dGamma, sumDy];
  });
  return { output, mean, variance };
};

/** slope·x + offset per channel, in one pass: a BatchNormalization with zero mean and unit variance. */
export const affinePerChannel = (graph: Graph, x: Value, slope: Value, offset: Value): Value => {
  const [, c] = staticShape('BatchNormalization', x.shape);
  const zeros = graph.constant(new Float32Array(c), [c]);
  const ones = graph.constant(new Float32Array(c).fill(1), [c]);
  const [y] = graph.node(
    'BatchNormalization',
    [x, slope, offset, zeros, ones],
    { epsilon: { kind: 'float', value: 0 } },
    [{ type: 'float32', shape: x.shape }],
  );
  return y;
};

/** Mean over non-overlapping size × size blocks. */
export const averagePool = (tape: Tape, x: Value, size: number): Value => {
  const { graph } = tape;
  return tape.record([x], op.averagePool(graph, x, size), (dy) => [
    op.mul(graph, op.upsample(graph, dy, size), graph.scalar(1 / (size * size))),
  ]);
};

/** Greatest of each size × size block; equal maxima share the gradient. */
export const maxPool = (tape: Tape, x: Value, size: number): Value => {
  const { graph } = tape;
  const y = op.maxPool(graph, x, size);
  return tape.record([x], y, (dy) => {
    const winner = op.cast(graph, op.equal(graph, x, op.upsample(graph, y, size)), 'float32');
    const winners = op.mul(graph, op.averagePool(graph, winner, size), graph.scalar(size * size));
    return [op.mul(graph, winner, op.upsample(graph, op.div(graph, dy, winners), size))];
  });
};

/** Nearest-neighbour enlargement of H and W. */
export const upsample = (tape: Tape, x: Value, factor: number): Value => {
  const { graph } = tape;
  return tape.record([x], op.upsample(graph, x, factor), (dy) => [
    op.mul(graph, op.averagePool(graph, dy, factor), graph.scalar(factor * factor)),
  ]);
};

export const reshape = (tape: Tape, x: Value, shape: readonly number[]): Value =>
  tape.record([x], op.reshape(tape.graph, x, shape), (dy) => [op.reshape(tape.graph, dy, x.shape)]);

export const transpose = (tape: Tape, x: Value, permutation: readonly number[]): Value => {
  const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
  return tape.record([x], op.transpose(tape.graph, x, permutation), (dy) => [
    op.transpose(tape.graph, dy, inverse),
  ]);
};

/** Elements start…end (exclusive) of one axis. */
export const slice = (tape: Tape, x: Value, axis: number, start: number, end: number): Value => {
  const size = Number(x.shape[axis]);
  return tape.record([x], op.slice(tape.graph, x, axis, start, end), (dy) => {
    const before = x.shape.map((_, i) => (i === axis ? start : 0));
    const after = x.shape.map((_, i) => (i === axis ? size - end : 0));
    return [op.pad(tape.graph, dy, before, after)];
  });
};

export const concat = (tape: Tape, values: readonly Value[], axis: number): Value =>
  tape.record(values, op.concat(tape.graph, values, axis), (dy, needs) => {
    let start = 0;
    return values.map((value, i) => {
      const from = start;
      start += Number(value.shape[axis]);
      return needs(i) ? op.slice(tape.graph, dy, axis, from, start) : undefined;
    });
  });

const swapLast = (x: Value): number[] => {
  const axes = x.shape.map((_, i) => i);
  return [...axes.slice(0, -2), axes.length - 1, axes.length - 2];
};

/** Batched matrix product of two values with equal leading dimensions. */
export const matMul = (tape: Tape, a: Value, b: Value): Value => {
  const { graph } = tape;
  return tape.record([a, b], op.matMul(graph, a, b), (dy, needs) => [
    needs(0) ? op.matMul(graph, dy, op.transpose(graph, b, swapLast(b))) : undefined,
    needs(1) ? op.matMul(graph, op.transpose(graph, a, swapLast(a)), dy) : undefined,
  ]);
};

export const softmax = (tape: Tape, x: Value, axis: number): Value => {
  const { graph } = tape;
  const y = op.softmax(graph, x, axis);
  return tape.record([x], y, (dy) => {
    const weighted = op.mul(graph, dy, y);
    return [op.sub(graph, weighted, op.mul(graph, y, op.reduceSum(graph, weighted, [axis])))];
  });
};

/**
 * Added to Σ x² before it divides: a cell whose features are all zero (dead under ReLU) would otherwise have
 * a gradient that drowns all others. Training and export use the same value.
 */
export const l2Epsilon = 1e-6;

/** x / √(Σ x² + ε) along one axis. */
export const l2Normalize = (tape: Tape, x: Value, axis: number): Value => {
  const { graph } = tape;
  const sum = op.reduceSum(graph, op.mul(graph, x, x), [axis]);
  const inverse = op.reciprocal(graph, op.sqrt(graph, op.add(graph, sum, graph.scalar(l2Epsilon))));
  const y = op.mul(graph, x, inverse);
  return tape.record([x], y, (dy) => {
    const along = op.reduceSum(graph, op.mul(graph, dy, y), [axis]);
    return [op.mul(graph, op.sub(graph, dy, op.mul(graph, y, along)), inverse)];
  });
};

/** Sum of all elements, as a scalar. */
export const sum = (tape: Tape, x: Value): Value => {
  const { graph } = tape;
  const axes = x.shape.map((_, i) => i);
  return tape.record([x], op.reduceSum(graph, x, axes, false), (dy) => [
    op.expand(
      graph,
      op.reshape(
        graph,
        dy,
        axes.map(() => 1),
      ),
      staticShape('ReduceSum', x.shape),
    ),
  ]);
};

/** Mean of all elements, as a scalar. */
export const mean = (tape: Tape, x: Value): Value => scale(tape, sum(tape, x), 1 / elementCount(x.shape));
