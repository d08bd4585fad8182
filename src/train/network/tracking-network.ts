import type { TrainingRuntime } from '../step/engine.ts';
import { networkStride } from './networks.ts';

/** A network as trackers run it, straight from a training's weights. */
export type TrackingNetwork = {
  category: string;
  /** Side S of a crop, pixels. */ inputSize: number;
  /** Channels C. */ embeddingSize: number;
  /** Crop pixels per cell. */ stride: number;
  /** @param image (B, 3, S, S) planar RGB 0–1 @returns (B, C, S / stride, S / stride) unit vectors */
  embed(image: Float32Array): Promise<Float32Array>;
  /**
   * @param image (B, 3, S, S) planar RGB 0–1
   * @param references (N, C) unit vectors
   * @returns (B, N, 3): x, y in crop pixels, confidence 0–1
   */
  match(image: Float32Array, references: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
};

/** @param bytes what `exportNetwork` wrote */
export const createTrackingNetwork = async (
  { InferenceSession, Tensor, sessionOptions }: TrainingRuntime,
  bytes: Uint8Array,
  { category, inputSize, embeddingSize }: { category: string; inputSize: number; embeddingSize: number },
): Promise<TrackingNetwork> => {
  const session = await InferenceSession.create(bytes, sessionOptions);
  const run = async (
    image: Float32Array,
    references: Float32Array,
    output: 'embedding' | 'matches',
  ): Promise<Float32Array> => {
    const batch = image.length / (3 * inputSize * inputSize);
    const feeds = {
      image: new Tensor('float32', image, [batch, 3, inputSize, inputSize]),
      references: new Tensor('float32', references, [references.length / embeddingSize, embeddingSize]),
    };
    const outputs = await session.run(feeds, [output]);
    return outputs[output].data as Float32Array;
  };
  // The graph always computes both outputs: one reference keeps the matching head's share negligible.
  const noReference = new Float32Array(embeddingSize);
  noReference[0] = 1;
  return {
    ...{ category, inputSize, embeddingSize, stride: networkStride },
    embed: (image) => run(image, noReference, 'embedding'),
    match: (image, references) => run(image, references, 'matches'),
    close: () => session.release(),
  };
};
