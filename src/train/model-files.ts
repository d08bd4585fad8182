/** What a training exports, in Node and in browsers. */
import type { Manifest } from '../model/manifest.ts';
import { createBatchMaker } from './batch/batch.ts';
import type { SharedPool } from './batch/sources.ts';
import type { TrainingConfig } from './settings/config.ts';
import type { Runtime } from '../model/model.ts';
import { exportNetwork } from './network/export.ts';
import type { TrainedWeights } from './network/inference-network.ts';
import { networkStride } from './network/networks.ts';
import type { PictureSet } from './views/pictures.ts';
import { exportQuantized } from './network/quantize.ts';
import type { ParameterLayout } from './network/training-network.ts';

/** The manifest of a trained model, without its list of files. */
export const manifestFields = ({
  category,
  batch,
  network,
  head,
  cropMargin,
}: TrainingConfig): Omit<Manifest, 'files'> => ({
  formatVersion: 1,
  category,
  inputSize: batch.inputSize,
  stride: networkStride(network),
  embeddingSize: network.embeddingSize,
  temperature: head.temperature,
  cropMargin,
});

/** fp32 network of some weights, as it would be shipped. */
export const exportWeights = (
  config: TrainingConfig,
  layout: ParameterLayout,
  weights: TrainedWeights,
): Uint8Array => exportNetwork(layout, weights, config.network, config.batch.inputSize, config.head);

/** Batches whose crops choose the ranges of the 8-bit network: some 60 crops with the training's variety. */
const calibrationBatches = 4;

/** What crops are made from. */
export type CropSource = { set?: PictureSet; pools: readonly SharedPool[] };

/** Crops for {@link exportInt8}. @returns (B, 3, S, S) */
export const calibrationCrops = (data: CropSource, config: TrainingConfig): Float32Array => {
  // Seed and steps of their own: crops that training did not see in this form.
  const makeBatch = createBatchMaker({ ...data, settings: config.batch, seed: config.seed + 1 });
  const batches = Array.from({ length: calibrationBatches }, (_, step) => makeBatch(step).images);
  const samples = new Float32Array(batches.reduce((sum, images) => sum + images.length, 0));
  batches.reduce((offset, images) => (samples.set(images, offset), offset + images.length), 0);
  return samples;
};

/** The 8-bit network of some weights. @param samples (B, 3, S, S) crops of the kind that it will see */
export const exportInt8 = (
  runtime: Runtime,
  samples: Float32Array,
  config: TrainingConfig,
  layout: ParameterLayout,
  weights: TrainedWeights,
): Promise<Uint8Array> =>
  exportQuantized(layout, weights, {
    runtime,
    network: config.network,
    inputSize: config.batch.inputSize,
    head: config.head,
    samples,
  });
