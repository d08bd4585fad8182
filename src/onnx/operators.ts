/**
 * ONNX operators (opset 18) with shape inference. Each appends one node to a graph, checks its inputs
 * and returns the output; a mismatch is a GraphError that names the operator and both shapes.
 */
import type { Attribute, DataType, Dim, Graph, Shape, Value } from './graph.ts';
import { GraphError } from '../errors.ts';
import { elementCount, formatShape, staticShape } from './graph.ts';

const int = (value: number): Attribute => ({ kind: 'int', value });
const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value });
const float = (value: number): Attribute => ({ kind: 'float', value });
const string = (value: string): Attribute => ({ kind: 'string', value });

type Attributes = Record<string, Attribute>;

const single = (
  graph: Graph,
  operator: string,
  inputs: readonly (Value | undefined)[],
  shape: Shape,
  attributes: Attributes = {},
  type: DataType = 'float32',
): Value => {
  const [value] = graph.node(operator, inputs, attributes, [{ type, shape }]);
  return value;
};

const mismatch = (operator: string, a: Value, b: Value, why: string): GraphError =>
  new GraphError(`${operator}: ${formatShape(a.shape)} and ${formatShape(b.shape)} ${why}.`);

const dimAt = (shape: Shape, index: number): Dim => shape[index];

/** Position of an axis counted from the end when negative. */
const axisOf = (operator: string, x: Value, axis: number): number => {
  const position = axis < 0 ? axis + x.shape.length : axis;
  if (position < 0 || position >= x.shape.length) {
    throw new GraphError(`${operator}: axis ${axis} is outside of shape ${formatShape(x.shape)}.`);
  }
  return position;
};

/** NumPy-style broadcast of two shapes; a free dimension joins only itself or 1. */
const broadcast = (operator: string, a: Value, b: Value): Dim[] => {
  const rank = Math.max(a.shape.length, b.shape.length);
  return Array.from({ length: rank }, (_, i) => {
    const p = a.shape[a.shape.length - rank + i] ?? 1;
    const q = b.shape[b.shape.length - rank + i] ?? 1;
    if (p === q || q === 1) return p;
    if (p === 1) return q;
    throw mismatch(operator, a, b, 'cannot be broadcast together');
  });
};

const elementwise =
  (operator: string, type?: DataType) =>
  (graph: Graph, a: Value, b: Value): Value => {
    if (a.type !== b.type) throw new GraphError(`${operator}: types ${a.type} and ${b.type} differ.`);
    return single(graph, operator, [a, b], broadcast(operator, a, b), {}, type ?? a.type);
  };

export const add = elementwise('Add');
export const sub = elementwise('Sub');
export const mul = elementwise('Mul');
export const div = elementwise('Div');
export const pow = elementwise('Pow');
export const minimum = elementwise('Min');
export const maximum = elementwise('Max');
export const greater = elementwise('Greater', 'bool');
export const equal = elementwise('Equal', 'bool');
export const and = elementwise('And', 'bool');

const unary =
  (operator: string) =>
  (graph: Graph, x: Value): Value =>
    single(graph, operator, [x], x.shape, {}, x.type);

export const sqrt = unary('Sqrt');
export const abs = unary('Abs');
export const neg = unary('Neg');
export const floor = unary('Floor');
export const relu = unary('Relu');
export const sigmoid = unary('Sigmoid');
export const reciprocal = unary('Reciprocal');

export const leakyRelu = (graph: Graph, x: Value, alpha: number): Value =>
  single(graph, 'LeakyRelu', [x], x.shape, { alpha: float(alpha) });

const typeCode: Record<DataType, number> = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9 };

export const cast = (graph: Graph, x: Value, type: DataType): Value =>
  single(graph, 'Cast', [x], x.shape, { to: int(typeCode[type]) }, type);

export const where = (graph: Graph, condition: Value, a: Value, b: Value): Value => {
  const shape = broadcast('Where', a, b);
  const all = broadcast('Where', condition, { ...a, shape });
  return single(graph, 'Where', [condition, a, b], all, {}, a.type);
};

/** Batched matrix product (…, M, K) × (…, K, N); leading dimensions broadcast. */
export const matMul = (graph: Graph, a: Value, b: Value): Value => {
  const k = dimAt(a.shape, a.shape.length - 1);
  if (a.shape.length < 2 || b.shape.length < 2 || k !== dimAt(b.shape, b.shape.length - 2)) {
    throw mismatch('MatMul', a, b, 'have different inner dimensions');
  }
  const lead = broadcast(
    'MatMul',
    { ...a, shape: a.shape.slice(0, -2) },
    { ...b, shape: b.shape.slice(0, -2) },
  );
  return single(
    graph,
    'MatMul',
    [a, b],
    [...lead, dimAt(a.shape, a.shape.length - 2), dimAt(b.shape, b.shape.length - 1)],
  );
};

/** op(a) · op(b) of two matrices, op being transposition where asked for. */
export const gemm = (
  graph: Graph,
  a: Value,
  b: Value,
  { transA = false, transB = false }: { transA?: boolean; transB?: boolean } = {},
): Value => {
  if (a.shape.length !== 2 || b.shape.length !== 2) throw mismatch('Gemm', a, b, 'are not two matrices');
  const [rows, inner] = transA
    ? [dimAt(a.shape, 1), dimAt(a.shape, 0)]
    : [dimAt(a.shape, 0), dimAt(a.shape, 1)];
  const [innerB, columns] = transB
    ? [dimAt(b.shape, 1), dimAt(b.shape, 0)]
    : [dimAt(b.shape, 0), dimAt(b.shape, 1)];
  if (inner !== innerB) throw mismatch('Gemm', a, b, 'have different inner dimensions');
  return single(graph, 'Gemm', [a, b], [rows, columns], {
    transA: int(Number(transA)),
    transB: int(Number(transB)),
  });
};

export type ConvOptions = { stride?: number; pad?: number; dilation?: number; group?: number };

const spatial = (operator: string, x: Value): [Dim, number, number, number] => {
  const [n, c, h, w] = x.shape;
  if (x.shape.length !== 4 || typeof c !== 'number' || typeof h !== 'number' || typeof w !== 'number') {
    throw new GraphError(`${operator} needs (N, C, H, W) with static C, H, W, got ${formatShape(x.shape)}.`);
  }
  return [n, c, h, w];
};

/** 2-D convolution: x (N, C, H, W), w (O, C/group, k, k), b (O) → (N, O, H', W'). Same pad on all sides. */
export const conv = (graph: Graph, x: Value, w: Value, b?: Value, options: ConvOptions = {}): Value => {
  const { stride = 1, pad = 0, dilation = 1, group = 1 } = options;
  const [n, c, h, width] = spatial('Conv', x);
  const [o, ci, kh, kw] = staticShape('Conv', w.shape) as [number, number, number, number];
  if (w.shape.length !== 4 || ci * group !== c) throw mismatch('Conv', x, w, 'have different channel counts');
  if (b && (b.shape.length !== 1 || b.shape[0] !== o))
    throw mismatch('Conv', w, b, 'are not weight and bias');
  const out = (size: number, kernel: number): number =>
    Math.floor((size + 2 * pad - dilation * (kernel - 1) - 1) / stride) + 1;
  const attributes = {
    kernel_shape: ints([kh, kw]),
    strides: ints([stride, stride]),
    pads: ints([pad, pad, pad, pad]),
    dilations: ints([dilation, dilation]),
    group: int(group),
  };
  return single(graph, 'Conv', b ? [x, w, b] : [x, w], [n, o, out(h, kh), out(width, kw)], attributes);
};

/**
 * Transposed convolution: x (N, C, H, W), w (C, O, k, k) → (N, O, H', W'), the adjoint of `conv` with the
 * same options. `outputPad` adds rows and columns at the bottom and right.
 */
export const convTranspose = (
  graph: Graph,
  x: Value,
  w: Value,
  { stride = 1, pad = 0, dilation = 1, group = 1, outputPad = 0 }: ConvOptions & { outputPad?: number } = {},
): Value => {
  const [n, c, h, width] = spatial('ConvTranspose', x);
  const [ci, o, kh, kw] = staticShape('ConvTranspose', w.shape) as [number, number, number, number];
  if (ci !== c) throw mismatch('ConvTranspose', x, w, 'have different channel counts');
  const out = (size: number, kernel: number): number =>
    (size - 1) * stride + dilation * (kernel - 1) + 1 - 2 * pad + outputPad;
  return single(graph, 'ConvTranspose', [x, w], [n, o * group, out(h, kh), out(width, kw)], {
    kernel_shape: ints([kh, kw]),
    strides: ints([stride, stride]),
    pads: ints([pad, pad, pad, pad]),
    dilations: ints([dilation, dilation]),
    output_padding: ints([outputPad, outputPad]),
    group: int(group),
  });
};

/** Non-overlapping pooling over size × size blocks; H and W must be multiples of `size`. */
const pool =
  (operator: 'AveragePool' | 'MaxPool') =>
  (graph: Graph, x: Value, size: number): Value => {
    const [n, c, h, w] = spatial(operator, x);
    if (h % size !== 0 || w % size !== 0) {
      throw new GraphError(
        `${operator}: ${formatShape(x.shape)} is not a multiple of the block size ${size}.`,
      );
    }
    return single(
      graph,
      operator,
      [x],
      [n, c, h / size, w / size],
      { kernel_shape: ints([size, size]), strides: ints([size, size]) },
      x.type,
    );
  };

export const averagePool = pool('AveragePool');
export const maxPool = pool('MaxPool');

/** Nearest-neighbour enlargement of H and W by an integer factor; the adjoint of block sums. */
export const upsample = (graph: Graph, x: Value, factor: number): Value => {
  const [n, c, h, w] = spatial('Resize', x);
  const scales = graph.constant([1, 1, factor, factor], [4]);
  return single(
    graph,
    'Resize',
    [x, undefined, scales],
    [n, c, h * factor, w * factor],
    {
      mode: string('nearest'),
      coordinate_transformation_mode: string('asymmetric'),
      nearest_mode: string('floor'),
    },
    x.type,
  );
};

/** Zero padding; `before` and `after` give the count for every axis. */
export const pad = (graph: Graph, x: Value, before: readonly number[], after: readonly number[]): Value => {
  const dims = staticShape('Pad', x.shape);
  if (before.length !== dims.length || after.length !== dims.length) {
    throw new GraphError(`Pad: ${formatShape(x.shape)} needs ${dims.length} counts, got ${before.length}.`);
  }
  const shape = dims.map((dim, i) => dim + before[i] + after[i]);
  return single(graph, 'Pad', [x, graph.int64([...before, ...after])], shape);
};

/** Elements `start` (inclusive) to `end` (exclusive) of one axis. */
export const slice = (graph: Graph, x: Value, axis: number, start: number, end: number): Value => {
  const position = axisOf('Slice', x, axis);
  const size = x.shape[position];
  if (typeof size !== 'number' || start < 0 || end > size || start >= end) {
    throw new GraphError(`Slice: ${start}…${end} is outside of axis ${position} of ${formatShape(x.shape)}.`);
  }
  const shape = x.shape.map((dim, i) => (i === position ? end - start : dim));
  const inputs = [x, graph.int64([start]), graph.int64([end]), graph.int64([position])];
  return single(graph, 'Slice', inputs, shape, {}, x.type);
};

/** H × W window of (N, C, H, W) from row `top`, column `left`. */
export const window2d = (
  graph: Graph,
  x: Value,
  top: number,
  left: number,
  height: number,
  width: number,
): Value => {
  const [n, c, h, w] = spatial('Slice', x);
  if (top < 0 || left < 0 || top + height > h || left + width > w) {
    throw new GraphError(
      `Slice: window ${height}×${width} at (${left}, ${top}) leaves ${formatShape(x.shape)}.`,
    );
  }
  const inputs = [
    x,
    graph.int64([top, left]),
    graph.int64([top + height, left + width]),
    graph.int64([2, 3]),
  ];
  return single(graph, 'Slice', inputs, [n, c, height, width]);
};

export const concat = (graph: Graph, values: readonly Value[], axis: number): Value => {
  if (values.length === 0) throw new GraphError('Concat needs at least one value.');
  const [first] = values;
  const position = axisOf('Concat', first, axis);
  let total = 0;
  for (const value of values) {
    const fits =
      value.shape.length === first.shape.length &&
      value.shape.every((dim, i) => i === position || dim === first.shape[i]);
    if (!fits) throw mismatch('Concat', first, value, `differ outside of axis ${position}`);
    total += staticShape('Concat', [dimAt(value.shape, position)])[0];
  }
  const shape = first.shape.map((dim, i) => (i === position ? total : dim));
  return single(graph, 'Concat', values, shape, { axis: int(position) }, first.type);
};

/** Same elements, other shape. At most one dimension may be free; it must then be free in both. */
export const reshape = (graph: Graph, x: Value, shape: Shape): Value => {
  const freeIn = x.shape.filter((dim) => typeof dim === 'string');
  const freeOut = shape.filter((dim) => typeof dim === 'string');
  const known = (dims: Shape): number => elementCount(dims.filter((dim) => typeof dim === 'number'));
  if (freeIn.length > 1 || freeIn.join() !== freeOut.join() || known(x.shape) !== known(shape)) {
    throw new GraphError(`Reshape: ${formatShape(x.shape)} cannot become ${formatShape(shape)}.`);
  }
  const target = graph.int64(shape.map((dim) => (typeof dim === 'string' ? -1 : dim)));
  return single(graph, 'Reshape', [x, target], shape, {}, x.type);
};

export const transpose = (graph: Graph, x: Value, permutation: readonly number[]): Value => {
  const sorted = [...permutation].sort((a, b) => a - b);
  if (sorted.length !== x.shape.length || sorted.some((axis, i) => axis !== i)) {
    throw new GraphError(`Transpose: [${permutation.join(', ')}] does not permute ${formatShape(x.shape)}.`);
  }
  const shape = permutation.map((axis) => dimAt(x.shape, axis));
  return single(graph, 'Transpose', [x], shape, { perm: ints(permutation) }, x.type);
};

const reduce =
  (operator: 'ReduceSum' | 'ReduceMean' | 'ReduceMax') =>
  (graph: Graph, x: Value, axes: readonly number[], keepDims = true): Value => {
    const positions = axes.map((axis) => axisOf(operator, x, axis));
    const shape = keepDims
      ? x.shape.map((dim, i) => (positions.includes(i) ? 1 : dim))
      : x.shape.filter((_, i) => !positions.includes(i));
    return single(graph, operator, [x, graph.int64(positions)], shape, { keepdims: int(Number(keepDims)) });
  };

export const reduceSum = reduce('ReduceSum');
export const reduceMean = reduce('ReduceMean');
export const reduceMax = reduce('ReduceMax');

export const softmax = (graph: Graph, x: Value, axis: number): Value =>
  single(graph, 'Softmax', [x], x.shape, { axis: int(axisOf('Softmax', x, axis)) });

/** Index (int64) of the greatest element of one axis, which is kept with size 1. */
export const argMax = (graph: Graph, x: Value, axis: number): Value => {
  const position = axisOf('ArgMax', x, axis);
  const shape = x.shape.map((dim, i) => (i === position ? 1 : dim));
  return single(graph, 'ArgMax', [x], shape, { axis: int(position), keepdims: int(1) }, 'int64');
};

/** Repeats size-1 dimensions up to a static shape. */
export const expand = (graph: Graph, x: Value, shape: readonly number[]): Value => {
  const target: Value = { ...x, shape };
  const joined = broadcast('Expand', x, target);
  if (joined.length !== shape.length || joined.some((dim, i) => dim !== shape[i])) {
    throw mismatch('Expand', x, target, 'cannot be broadcast one way');
  }
  return single(graph, 'Expand', [x, graph.int64(shape)], shape, {}, x.type);
};

/** float → 8-bit: round(x / scale) + zeroPoint, saturated. Per channel along `axis` when scale has one entry a channel. */
export const quantizeLinear = (graph: Graph, x: Value, scale: Value, zeroPoint: Value, axis = 1): Value =>
  single(
    graph,
    'QuantizeLinear',
    [x, scale, zeroPoint],
    x.shape,
    scale.shape.length ? { axis: int(axis) } : {},
    zeroPoint.type,
  );

/** 8-bit (or int32) → float: (q − zeroPoint) · scale. */
export const dequantizeLinear = (graph: Graph, q: Value, scale: Value, zeroPoint: Value, axis = 1): Value =>
  single(
    graph,
    'DequantizeLinear',
    [q, scale, zeroPoint],
    q.shape,
    scale.shape.length ? { axis: int(axis) } : {},
  );
