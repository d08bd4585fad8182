import { GraphError } from '../errors.ts';

/** One dimension: a size, or the name of one that is free until the graph runs. */
export type Dim = number | string;
export type Shape = readonly Dim[];
export type DataType = 'float32' | 'int64' | 'int32' | 'uint8' | 'int8' | 'bool';

/** A tensor flowing through a graph. Its type and shape are known when the graph is built. */
export type Value = { readonly name: string; readonly type: DataType; readonly shape: Shape };

export type Attribute =
  | { kind: 'int'; value: number }
  | { kind: 'float'; value: number }
  | { kind: 'string'; value: string }
  | { kind: 'ints'; value: readonly number[] }
  | { kind: 'floats'; value: readonly number[] };

export type GraphNode = {
  readonly operator: string;
  /** Names; an empty string is an omitted optional input. */ readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
};

/** Little-endian element bytes of a constant, row-major. */
export type Initializer = { readonly value: Value; readonly bytes: Uint8Array };

export const bytesPerElement: Record<DataType, number> = {
  float32: 4,
  int64: 8,
  int32: 4,
  uint8: 1,
  int8: 1,
  bool: 1,
};

export const formatShape = (shape: Shape): string => `[${shape.join(', ')}]`;

/** Number of elements of a static shape. @throws GraphError for a shape with a free dimension */
export const elementCount = (shape: Shape): number =>
  shape.reduce<number>((count, dim) => {
    if (typeof dim === 'string')
      throw new GraphError(`Shape ${formatShape(shape)} has the free dimension "${dim}".`);
    return count * dim;
  }, 1);

/** Static dimensions of a shape. @throws GraphError naming `operator` when one is free */
export const staticShape = (operator: string, shape: Shape): number[] =>
  shape.map((dim) => {
    if (typeof dim === 'string') {
      throw new GraphError(`${operator} needs a static shape, got ${formatShape(shape)}.`);
    }
    return dim;
  });

/**
 * An ONNX graph under construction. Nodes are appended in execution order by the functions of
 * `operators.ts`, which infer and check every shape; `encodeModel` of `protobuf.ts` writes the file.
 */
export class Graph {
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  readonly nodes: GraphNode[] = [];
  readonly initializers: Initializer[] = [];
  #values = new Map<string, Value>();
  #counter = 0;
  #shared = new Map<string, Value>();

  constructor(readonly name: string) {}

  /** Declares an input that the caller feeds at run time. */
  input(name: string, type: DataType, shape: Shape): Value {
    const value = this.#declare(name, type, shape);
    this.inputs.push(value);
    return value;
  }

  /** Marks `value` as an output called `name`. */
  output(name: string, value: Value): Value {
    const renamed = this.#declare(name, value.type, value.shape);
    this.nodes.push({ operator: 'Identity', inputs: [value.name], outputs: [name], attributes: {} });
    this.outputs.push(renamed);
    return renamed;
  }

  /** A float32 constant. */
  constant(data: Float32Array | readonly number[], shape: Shape, name?: string): Value {
    const floats = data instanceof Float32Array ? data : Float32Array.from(data);
    const bytes = new Uint8Array(
      floats.buffer.slice(floats.byteOffset, floats.byteOffset + floats.byteLength),
    );
    return this.initializer('float32', shape, bytes, name);
  }

  /** A float32 scalar; equal scalars share one initializer. */
  scalar(value: number): Value {
    return this.#share(`scalar ${value}`, () => this.constant([value], []));
  }

  /** A one-dimensional int64 constant; equal lists share one initializer. */
  int64(values: readonly number[]): Value {
    return this.#share(`int64 ${values.join(' ')}`, () => {
      const bytes = new Uint8Array(BigInt64Array.from(values, (value) => BigInt(value)).buffer);
      return this.initializer('int64', [values.length], bytes);
    });
  }

  /** A constant of any type from its little-endian bytes. @throws GraphError when bytes and shape disagree */
  initializer(type: DataType, shape: Shape, bytes: Uint8Array, name?: string): Value {
    const expected = elementCount(shape) * bytesPerElement[type];
    if (bytes.byteLength !== expected) {
      throw new GraphError(
        `Constant of shape ${formatShape(shape)} and type ${type} needs ${expected} bytes, got ${bytes.byteLength}.`,
      );
    }
    const value = this.#declare(name ?? this.#fresh('constant'), type, shape);
    this.initializers.push({ value, bytes });
    return value;
  }

  /** Appends a node whose output types and shapes the caller has inferred. */
  node(
    operator: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, Attribute>>,
    outputs: readonly { type: DataType; shape: Shape }[],
  ): Value[] {
    const values = outputs.map(({ type, shape }) => this.#declare(this.#fresh(operator), type, shape));
    this.nodes.push({
      operator,
      inputs: inputs.map((input) => input?.name ?? ''),
      outputs: values.map(({ name }) => name),
      attributes,
    });
    return values;
  }

  /** The value of that name. @throws GraphError when the graph has none */
  value(name: string): Value {
    const found = this.#values.get(name);
    if (!found) throw new GraphError(`Graph "${this.name}" has no value "${name}".`);
    return found;
  }

  #share(key: string, create: () => Value): Value {
    const known = this.#shared.get(key);
    if (known) return known;
    const value = create();
    this.#shared.set(key, value);
    return value;
  }

  #fresh(prefix: string): string {
    this.#counter += 1;
    return `${prefix}_${this.#counter}`;
  }

  #declare(name: string, type: DataType, shape: Shape): Value {
    if (this.#values.has(name))
      throw new GraphError(`The name "${name}" is used twice in graph "${this.name}".`);
    const value: Value = { name, type, shape };
    this.#values.set(name, value);
    return value;
  }
}
