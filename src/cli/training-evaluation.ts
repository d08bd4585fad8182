import type { TrainingConfig } from '../train/settings/config.ts';
import { readAnnotatedFolder } from '../evaluation-node/read-annotated-folder.ts';
import { evaluateLandmarks } from '../evaluation/evaluate-landmarks.ts';
import { createEvaluationModel } from '../evaluation/evaluation-model.ts';
import { loadEvaluationCrops } from '../evaluation-node/load-evaluation-crops.ts';
import { networkStride } from '../train/network/networks.ts';
import { loadNodeRuntime } from '../model/runtime-node.ts';

/** Pictures that are measured on during a training: enough for a curve, few enough not to hold it up. */
const pictureCount = 120;

/**
 * Landmark figures (percent of the inter-ocular distance) of a network that is still being trained.
 * @param folder annotated faces
 */
export const createTrainingEvaluation = async (
  folder: string,
): Promise<(network: Uint8Array, config: TrainingConfig) => Promise<Record<string, number>>> => {
  const annotated = await readAnnotatedFolder(folder);
  const { InferenceSession, Tensor, sessionOptions } = await loadNodeRuntime();
  return async (network, config) => {
    const size = config.batch.inputSize;
    const crops = (await loadEvaluationCrops(annotated, size, { onSkip: () => undefined })).slice(
      0,
      pictureCount,
    );
    const session = await InferenceSession.create(network, sessionOptions);
    const { embeddingSize } = config.network;
    const references = new Tensor('float32', new Float32Array(embeddingSize), [1, embeddingSize]);
    const known = new WeakMap<ArrayBufferLike, Map<number, Float32Array>>();
    const embed = async (image: Float32Array): Promise<Float32Array> => {
      // The protocols embed a picture once for each draw and point set.
      const cache = known.get(image.buffer) ?? new Map<number, Float32Array>();
      known.set(image.buffer, cache);
      const found = cache.get(image.byteOffset);
      if (found) return found;
      const outputs = await session.run({
        image: new Tensor('float32', image, [1, 3, size, size]),
        references,
      });
      const embedding = outputs.embedding.data as Float32Array;
      cache.set(image.byteOffset, embedding);
      return embedding;
    };
    const model = createEvaluationModel(
      { inputSize: size, stride: networkStride, embeddingSize },
      config.head,
      embed,
    );
    const nme = async (shots: number, points: '5' | '51'): Promise<number> => {
      const draws = { kind: 'pictures', crops, shots, draws: 3, seed: 1 } as const;
      return 100 * (await evaluateLandmarks({ model, test: crops, references: draws, points })).nme;
    };
    try {
      return {
        one_shot_5: await nme(1, '5'),
        twenty_shots_5: await nme(20, '5'),
        twenty_shots_51: await nme(20, '51'),
      };
    } finally {
      await session.release();
    }
  };
};
