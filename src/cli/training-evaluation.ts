import type { TrainingConfig } from '../train/settings/config.ts';
import { readAnnotatedFolder } from '../evaluation-node/read-annotated-folder.ts';
import { evaluateLandmarks } from '../evaluation/evaluate-landmarks.ts';
import { withCpuMatching } from '../evaluation/evaluation-model.ts';
import { loadEvaluationCrops } from '../evaluation-node/load-evaluation-crops.ts';
import { createModel, type Model, type Runtime } from '../model/model.ts';
import { manifestFields } from '../train/model-files.ts';

/** Pictures that are measured on during a training: enough for a curve, few enough not to hold it up. */
const pictureCount = 120;

/** The protocols embed a picture once for each draw and point set; here once. */
const withCache = (model: Model): Model => {
  const known = new WeakMap<ArrayBufferLike, Map<number, Float32Array>>();
  return {
    ...model,
    embed: async (image) => {
      const cache = known.get(image.buffer) ?? new Map<number, Float32Array>();
      known.set(image.buffer, cache);
      const embedding = cache.get(image.byteOffset) ?? (await model.embed(image));
      cache.set(image.byteOffset, embedding);
      return embedding;
    },
  };
};

/**
 * Measures landmarks (percent of the inter-ocular distance) of a network that is still being trained, on crops that are
 * decoded here, once. 3·S²·4 bytes each are kept in memory.
 * @param folder annotated faces
 * @param runtime what the training runs on
 * @throws InputError where the folder cannot be read or not one picture of it can be used
 */
export const createTrainingEvaluation = async (
  folder: string,
  config: TrainingConfig,
  runtime: Runtime,
  onSkip?: (reason: string) => void,
): Promise<(network: Uint8Array) => Promise<Record<string, number>>> => {
  const annotated = await readAnnotatedFolder(folder);
  const crops = await loadEvaluationCrops(annotated, config.batch.inputSize, {
    limit: pictureCount,
    margin: config.cropMargin,
    ...(onSkip && { onSkip }),
  });
  return async (network) => {
    const whole = await createModel(runtime, {
      manifest: manifestFields(config),
      bytes: network,
      where: 'the network in training',
    });
    const model = withCpuMatching(withCache(whole), config.head);
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
      await whole.close();
    }
  };
};
