/** Reading and writing `.onnx` files (ONNX protobuf, opset 18), through the generated bindings of `onnx-buf`. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { AttributeProto, NodeProto, TensorProto, ValueInfoProto } from 'onnx-buf';
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProto_DataLocation as DataLocation,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { ModelError } from '../errors.ts';
import type { Attribute, DataType, Dim, Graph, GraphNode, Initializer, Shape, Value } from './graph.ts';
import { bytesPerElement, elementCount } from './graph.ts';

const irVersion = 9n;
export const opsetVersion = 18;

const typeCodes: Record<DataType, number> = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9 };

const typeOf = (code: number, where: string): DataType => {
  const found = Object.entries(typeCodes).find(([, value]) => value === code);
  if (!found)
    throw new ModelError(`${where} has ONNX element type ${code}, which this package does not read.`);
  return found[0] as DataType;
};

const encodeValue = ({ name, type, shape }: Value): ValueInfoProto => {
  const dim = shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof size === 'string'
          ? { case: 'dimParam', value: size }
          : { case: 'dimValue', value: BigInt(size) },
    }),
  );
  const tensor = create(TypeProto_TensorSchema, {
    elemType: typeCodes[type],
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }),
  });
};

const encodeAttribute = (name: string, attribute: Attribute): AttributeProto => {
  switch (attribute.kind) {
    case 'int':
      return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(attribute.value) });
    case 'float':
      return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: attribute.value });
    case 'string':
      return create(AttributeProtoSchema, {
        name,
        type: AttributeType.STRING,
        s: new TextEncoder().encode(attribute.value),
      });
    case 'ints':
      return create(AttributeProtoSchema, {
        name,
        type: AttributeType.INTS,
        ints: attribute.value.map((value) => BigInt(value)),
      });
    case 'floats':
      return create(AttributeProtoSchema, { name, type: AttributeType.FLOATS, floats: [...attribute.value] });
  }
};

const encodeNode = (node: GraphNode): NodeProto =>
  create(NodeProtoSchema, {
    opType: node.operator,
    name: node.outputs[0] ?? '',
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes).map(([name, attribute]) => encodeAttribute(name, attribute)),
  });

const encodeTensor = ({ value, bytes }: Initializer): TensorProto =>
  create(TensorProtoSchema, {
    name: value.name,
    dataType: typeCodes[value.type],
    dims: value.shape.map((dim) => BigInt(dim)),
    rawData: new Uint8Array(bytes),
  });

/** The bytes of an `.onnx` file. */
export const encodeModel = (
  graph: Pick<Graph, 'name' | 'inputs' | 'outputs' | 'nodes' | 'initializers'>,
): Uint8Array =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion,
      producerName: 'dve-sdk',
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(opsetVersion) })],
      graph: create(GraphProtoSchema, {
        name: graph.name,
        node: graph.nodes.map(encodeNode),
        initializer: graph.initializers.map(encodeTensor),
        input: graph.inputs.map(encodeValue),
        output: graph.outputs.map(encodeValue),
      }),
    }),
  );

/** What an `.onnx` file holds. */
export type DecodedModel = {
  name: string;
  opset: number;
  inputs: Value[];
  outputs: Value[];
  nodes: GraphNode[];
  initializers: Initializer[];
};

const decodeValue = ({ name, type }: ValueInfoProto): Value => {
  if (type?.value.case !== 'tensorType') throw new ModelError(`"${name}" of the ONNX file is not a tensor.`);
  const tensor = type.value.value;
  const shape = (tensor.shape?.dim ?? []).map((dim, i): Dim => {
    if (dim.value.case === 'dimValue') return Number(dim.value.value);
    return dim.value.case === 'dimParam' ? dim.value.value : `dim${i}`;
  });
  return { name, type: typeOf(tensor.elemType, `"${name}"`), shape };
};

const decodeAttribute = (attribute: AttributeProto, operator: string): Attribute => {
  switch (attribute.type) {
    case AttributeType.INT:
      return { kind: 'int', value: Number(attribute.i) };
    case AttributeType.FLOAT:
      return { kind: 'float', value: attribute.f };
    case AttributeType.STRING:
      return { kind: 'string', value: new TextDecoder().decode(attribute.s) };
    case AttributeType.INTS:
      return { kind: 'ints', value: attribute.ints.map(Number) };
    case AttributeType.FLOATS:
      return { kind: 'floats', value: [...attribute.floats] };
    default:
      throw new ModelError(
        `Attribute "${attribute.name}" of ${operator} has a type that this package does not read.`,
      );
  }
};

const typedBytes = (tensor: TensorProto, type: DataType, count: number): Uint8Array => {
  if (tensor.rawData.byteLength > 0 || count === 0) return tensor.rawData;
  // Small tensors of other writers sit in the typed fields instead of raw_data.
  switch (type) {
    case 'float32':
      return new Uint8Array(Float32Array.from(tensor.floatData).buffer);
    case 'int64':
      return new Uint8Array(BigInt64Array.from(tensor.int64Data).buffer);
    case 'int32':
      return new Uint8Array(Int32Array.from(tensor.int32Data).buffer);
    default:
      return Uint8Array.from(tensor.int32Data, (value) => value & 0xff);
  }
};

const decodeTensor = (tensor: TensorProto): Initializer => {
  const type = typeOf(tensor.dataType, `Constant "${tensor.name}"`);
  if (tensor.dataLocation === DataLocation.EXTERNAL) {
    throw new ModelError(
      `Constant "${tensor.name}" lies in an external file. Save the model as one .onnx file.`,
    );
  }
  const shape: Shape = tensor.dims.map(Number);
  const expected = elementCount(shape) * bytesPerElement[type];
  const bytes = typedBytes(tensor, type, elementCount(shape));
  if (bytes.byteLength !== expected) {
    throw new ModelError(
      `Constant "${tensor.name}" holds ${bytes.byteLength} bytes but its shape needs ${expected}: the file is damaged.`,
    );
  }
  return { value: { name: tensor.name, type, shape }, bytes };
};

/** Reads an `.onnx` file. @throws ModelError when the bytes are not one, or use what this package does not read */
export const decodeModel = (bytes: Uint8Array): DecodedModel => {
  let model;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch {
    throw new ModelError('The file is not a readable ONNX model: it is damaged or of another kind.');
  }
  const { graph } = model;
  if (!graph || graph.node.length === 0)
    throw new ModelError('The file is not an ONNX model: it holds no graph.');
  const initializers = graph.initializer.map(decodeTensor);
  const constants = new Set(initializers.map(({ value }) => value.name));
  return {
    name: graph.name,
    opset: Number(model.opsetImport.find(({ domain }) => domain === '')?.version ?? 0n),
    // Older writers list constants among the inputs as well.
    inputs: graph.input.filter(({ name }) => !constants.has(name)).map(decodeValue),
    outputs: graph.output.map(decodeValue),
    nodes: graph.node.map((node) => ({
      operator: node.opType,
      inputs: node.input,
      outputs: node.output,
      attributes: Object.fromEntries(
        node.attribute.map((attribute) => [attribute.name, decodeAttribute(attribute, node.opType)]),
      ),
    })),
    initializers,
  };
};
