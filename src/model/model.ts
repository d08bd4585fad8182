import type {
  InferenceSession,
  InferenceSessionFactory,
  Tensor,
  TensorConstructor,
  TypedTensor,
} from 'onnxruntime-common';
import { DeviceError, InputError, ModelError, firstLine } from '../errors.ts';
import { createCallQueue } from './call-queue.ts';
import type { Manifest } from './manifest.ts';
import { checkValues } from './damaged-weights.ts';
import { checkNetwork } from './network-contract.ts';

const checks = { checkNetwork, checkValues };

/** Where a network runs: `cpu` is onnxruntime-node, `wasm` and `webgpu` are onnxruntime-web. */
export type ModelDevice = 'cpu' | 'wasm' | 'webgpu';

/** Which of a model's networks: `int8` has 8-bit weights and activations. */
export type ModelPrecision = 'fp32' | 'int8';

/** What a network takes and gives: its manifest; the list of files only where it is one of a model directory. */
export type ModelGeometry = Omit<Manifest, 'formatVersion' | 'files'> & Partial<Pick<Manifest, 'files'>>;

/**
 * A loaded network with its matching head: the one thing behind trackers, training, evaluation and tools.
 * Calls may overlap; they run one after the other, and one that fails does not fail the next.
 *
 * `Image` is a batch (B, 3, S, S) of planar RGB, 0–1, in the form that the device takes: floats, or a buffer on a GPU.
 */
export type Model<Image = Float32Array> = {
  readonly manifest: ModelGeometry;
  readonly device: ModelDevice;
  readonly precision: ModelPrecision;
  /** @returns (B, C, H, W) unit vectors, H = W = S / stride */
  embed(image: Image): Promise<Float32Array>;
  /**
   * @param references (N, C) unit vectors
   * @returns (B, N, 3): x, y in crop pixels, confidence 0–1
   */
  match(image: Image, references: Float32Array): Promise<Float32Array>;
  /**
   * Both in one run, for those who look at the embedding where the matches are: the network has it at hand.
   * @param references (N, C) unit vectors
   * @returns (B, N, 3) as `match` gives them, and (B, C, H, W) as `embed` does
   */
  matchAndEmbed(
    image: Image,
    references: Float32Array,
  ): Promise<{ matches: Float32Array; embedding: Float32Array }>;
  /** Waits for the run in progress and frees the network. Calls still waiting, and later ones, get a ClosedError. */
  close(): Promise<void>;
};

/** A model as it is opened here. */
type OpenedModel<Image> = Model<Image> & {
  /** As `embed`, but what it sees goes into a tensor and stays where that lies. @param embedding (B, C, H, W) */
  embedInto(image: Image, embedding: Tensor): Promise<void>;
};

/** ONNX Runtime on a device; onnxruntime-node and onnxruntime-web both are one. */
export type Runtime = {
  device: ModelDevice;
  InferenceSession: InferenceSessionFactory;
  Tensor: TensorConstructor;
  /** Looks whether the runtime's own files are at fault when a network cannot be loaded. */
  faultOfFiles?: () => Promise<DeviceError | undefined>;
  /** Loads the checks of networks again, with words, where they were built without. */
  loadChecks?: () => Promise<typeof checks>;
  /** Options that every session of this runtime is created with. */
  sessionOptions: InferenceSession.SessionOptions;
};

/** A network's file, and what is known of it. */
export type NetworkFile = {
  manifest: ModelGeometry;
  /** Default `fp32`. */ precision?: ModelPrecision;
  bytes: Uint8Array | ArrayBuffer;
  /** How errors call the network, for example its path. */ where: string;
};

/** Makes a tensor of an image; it is disposed of after the run, which must leave the image as it is. */
export type ToTensor<Image> = (image: Image) => TypedTensor<'float32'>;

/** What a network gives. */
type Output = 'embedding' | 'matches';

/** What the checks here refuse is refused by others that can say why, where there are any. */
const explained = async ({ loadChecks }: Runtime, check: (by: typeof checks) => void): Promise<void> => {
  try {
    check(checks);
  } catch (error) {
    if (loadChecks !== undefined) check(await loadChecks());
    throw error;
  }
};

const load = async (runtime: Runtime, { manifest, bytes, where }: NetworkFile): Promise<InferenceSession> => {
  const { InferenceSession, sessionOptions, faultOfFiles } = runtime;
  let network: InferenceSession;
  try {
    network = await InferenceSession.create(
      bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes),
      sessionOptions,
    );
  } catch (error) {
    const fault = await faultOfFiles?.();
    if (fault !== undefined) throw fault;
    throw new ModelError(
      `${where} cannot be loaded by ONNX Runtime (${firstLine(error)}). Export the model again with "dve train".`,
      { cause: error },
    );
  }
  const { inputMetadata, outputMetadata } = network;
  try {
    await explained(runtime, (by) => {
      by.checkNetwork(where, inputMetadata, outputMetadata, manifest);
    });
  } catch (error) {
    await network.release();
    throw error;
  }
  return network;
};

/** @throws ModelError where an output is of another size than the manifest says */
const valuesOf = ({ data }: InferenceSession.OnnxValueMapType[string], expected: number, what: string) => {
  if (data instanceof Float32Array && data.length === expected) return data;
  throw new ModelError(
    `${what} has ${data.length} values but manifest.json says ${expected}. Export the model again with "dve train".`,
  );
};

const failed = (device: ModelDevice, error: unknown): never => {
  throw new DeviceError(
    `ONNX Runtime could not run the network on ${device} (${firstLine(error)}). Try a smaller batch, or another device.`,
    { cause: error },
  );
};

/** Values 0–1 of no meaning, the same every time. */
const noise = (count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, index) => (index * 0.618034) % 1);

/** Refuses what is no whole number of rows. @returns how many there are */
const countRows = (values: number, row: number, refuse: (count: number) => never): number => {
  const count = values / row;
  return Number.isInteger(count) && count > 0 ? count : refuse(count);
};

/**
 * Loads a network whose images have a form of their own.
 * @param toTensor how an image becomes a tensor
 * @throws ModelError when the file is not a network, does not fit its manifest, or has damaged weights
 */
export const createModelOf = async <Image>(
  runtime: Runtime,
  file: NetworkFile,
  toTensor: ToTensor<Image>,
): Promise<OpenedModel<Image>> => {
  const { manifest, precision = 'fp32', where } = file;
  const { inputSize, stride, embeddingSize } = manifest;
  const { device, Tensor } = runtime;
  const network = await load(runtime, file);
  const cells = inputSize / stride;
  const queue = createCallQueue('model');
  let closing: Promise<void> | undefined;

  const referenceTensor = (references: Float32Array): Tensor => {
    const count = countRows(references.length, embeddingSize, () => {
      throw new InputError(
        `references of ${references.length} values are no (N, ${embeddingSize}). Use references that were made with this model.`,
      );
    });
    return new Tensor('float32', references, [count, embeddingSize]);
  };

  const runNetwork = async (
    feeds: { image: Tensor; references: Tensor },
    outputs: readonly Output[],
    embedding?: Tensor,
  ): Promise<Float32Array[]> => {
    const results = await network
      .run(feeds, embedding === undefined ? outputs : { embedding })
      .catch((error: unknown) => failed(device, error));
    const [batch] = feeds.image.dims;
    return outputs.map((output) => {
      const expected =
        output === 'embedding' ? batch * embeddingSize * cells * cells : batch * feeds.references.dims[0] * 3;
      return valuesOf(results[output], expected, `output "${output}" of ${where}`);
    });
  };

  const run = (
    image: Image,
    references: Float32Array,
    outputs: readonly Output[],
    embedding?: Tensor,
  ): Promise<Float32Array[]> =>
    queue.run(async () => {
      const tensor = toTensor(image);
      try {
        const feeds = { image: tensor, references: referenceTensor(references) };
        return await runNetwork(feeds, outputs, embedding);
      } finally {
        // The tensor's record only: its values stay the caller's.
        tensor.dispose();
      }
    });

  // The graph always computes both outputs: one reference keeps the matching head's share negligible.
  const noReference = new Float32Array(embeddingSize);
  noReference[0] = 1;

  try {
    const image = new Tensor('float32', noise(3 * inputSize * inputSize), [1, 3, inputSize, inputSize]);
    const feeds = { image, references: referenceTensor(noReference) };
    const [embedding, matches] = await runNetwork(feeds, ['embedding', 'matches']);
    await explained(runtime, (by) => {
      by.checkValues(where, device, embeddingSize, embedding, matches);
    });
  } catch (error) {
    await network.release();
    throw error;
  }

  return {
    manifest,
    device,
    precision,
    embed: async (image) => (await run(image, noReference, ['embedding']))[0],
    match: async (image, references) => (await run(image, references, ['matches']))[0],
    matchAndEmbed: async (image, references) => {
      const [matches, embedding] = await run(image, references, ['matches', 'embedding']);
      return { matches, embedding };
    },
    embedInto: async (image, embedding) => {
      await run(image, noReference, [], embedding);
    },
    close: () => (closing ??= queue.close().then(() => network.release())),
  };
};

/**
 * Loads a network that takes images as floats.
 * @throws ModelError when the file is not a network, does not fit its manifest, or has damaged weights
 */
export const createModel = (runtime: Runtime, file: NetworkFile): Promise<Model> => {
  const { inputSize } = file.manifest;
  return createModelOf(runtime, file, (image: Float32Array) => {
    const batch = countRows(image.length, 3 * inputSize * inputSize, () => {
      throw new InputError(
        `an image of ${image.length} values is no batch of (3, ${inputSize}, ${inputSize}). Pass (B, 3, ${inputSize}, ${inputSize}) floats.`,
      );
    });
    return new runtime.Tensor('float32', image, [batch, 3, inputSize, inputSize]);
  });
};
