import type { InferenceSession, Tensor, TensorConstructor } from 'onnxruntime-web';
import { DeviceError, InputError, ModelError, firstLine } from '../errors.ts';
import { createCallQueue } from './call-queue.ts';
import type { Manifest } from './manifest.ts';
import type { ModelSession, SessionDevice, SessionPrecision } from './session.ts';

/** A network that ONNX Runtime has loaded, on whichever runtime and device. */
export type LoadedNetwork = {
  manifest: Manifest;
  device: SessionDevice;
  precision: SessionPrecision;
  /** How errors call the network, for example its path. */ where: string;
  network: InferenceSession;
  Tensor: TensorConstructor;
};

/** A session that also takes images which are tensors of ONNX Runtime already, for example on the GPU. */
export type TensorSession = ModelSession & {
  /**
   * @param image (B, 3, S, S) planar RGB, 0–1; it stays the caller's
   * @param references (N, C) unit vectors
   * @returns (B, N, 3): x, y in crop pixels, confidence 0–1
   */
  matchTensor(image: Tensor, references: Float32Array): Promise<Float32Array>;
};

/** Everything about a session that does not depend on where it runs. */
export const createSession = ({
  manifest,
  device,
  precision,
  where,
  network,
  Tensor,
}: LoadedNetwork): TensorSession => {
  const { inputSize, stride, embeddingSize } = manifest;
  const cells = inputSize / stride;
  const pixels = 3 * inputSize * inputSize;
  const queue = createCallQueue('ModelSession');
  let released = false;

  const imageTensor = (image: Float32Array): Tensor => {
    const batch = image.length / pixels;
    if (!Number.isInteger(batch) || batch === 0) {
      throw new InputError(
        `an image of ${image.length} values is no batch of (3, ${inputSize}, ${inputSize}). Pass (B, 3, ${inputSize}, ${inputSize}) floats.`,
      );
    }
    return new Tensor('float32', image, [batch, 3, inputSize, inputSize]);
  };

  const referenceTensor = (references: Float32Array): Tensor => {
    const count = references.length / embeddingSize;
    if (!Number.isInteger(count) || count === 0) {
      throw new InputError(
        `references of ${references.length} values are no (N, ${embeddingSize}). Use references that were made with this model.`,
      );
    }
    return new Tensor('float32', references, [count, embeddingSize]);
  };

  const run = async (
    image: Tensor,
    references: Tensor,
    output: 'embedding' | 'matches',
  ): Promise<Float32Array> => {
    let results: InferenceSession.OnnxValueMapType;
    try {
      results = await network.run({ image, references }, [output]);
    } catch (error) {
      throw new DeviceError(
        `ONNX Runtime could not run the network on ${device} (${firstLine(error)}). Try a smaller batch, or another device.`,
        { cause: error },
      );
    }
    const { data } = results[output];
    const [batch] = image.dims;
    const expected =
      output === 'embedding' ? batch * embeddingSize * cells * cells : batch * references.dims[0] * 3;
    if (!(data instanceof Float32Array) || data.length !== expected) {
      throw new ModelError(
        `output "${output}" of ${where} has ${data.length} values but manifest.json says ${expected}. Export the model again with "dve train".`,
      );
    }
    return data;
  };

  // The graph always computes both outputs: one reference keeps the matching head's share negligible.
  const noReference = new Float32Array(embeddingSize);
  noReference[0] = 1;

  return {
    manifest,
    device,
    precision,
    embed: (image) => queue.run(() => run(imageTensor(image), referenceTensor(noReference), 'embedding')),
    match: (image, references) =>
      queue.run(() => run(imageTensor(image), referenceTensor(references), 'matches')),
    matchTensor: (image, references) => queue.run(() => run(image, referenceTensor(references), 'matches')),
    close: async () => {
      const alreadyClosed = released;
      released = true;
      await queue.close();
      if (!alreadyClosed) await network.release();
    },
  };
};
