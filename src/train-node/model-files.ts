/** What a training writes beside its checkpoint: the model, and the report on it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../files-node/atomic-file.ts';
import { writeModelDirectory } from '../model/model-directory-node.ts';
import type { PairPool } from '../train/pairs/pair-pool.ts';
import { createBatchMaker } from '../train/batch/batch.ts';
import { calibrationCrops, exportInt8, exportWeights, manifestFields } from '../train/model-files.ts';
import type { CropSource } from '../train/model-files.ts';
import type { TrainedWeights } from '../train/network/inference-network.ts';
import type { ParameterLayout } from '../train/network/training-network.ts';
import { sampleFlows } from '../train/report/sample-flows.ts';
import { sampleMatches, type SampleMatch } from '../train/report/sample-matches.ts';
import type { TrainingConfig } from '../train/settings/config.ts';
import type { Runtime } from '../model/model.ts';
import { parseMetrics, renderReport } from './report.ts';

export const metricsName = 'metrics.jsonl';
export const reportName = 'report.html';

export type OutputOptions = {
  /** Model directory. */ out: string;
  runtime: Runtime;
  config: TrainingConfig;
  layout: ParameterLayout;
  /** What crops are made from. */ source: CropSource;
  /** Pairs of frames that training does not see. */ held?: PairPool | undefined;
};

/** Pairs of each pool that the report shows. */
const sampledFlows = 4;

/** What the network makes of frames that it did not learn from. */
const matchHeld = (
  network: Uint8Array,
  { runtime, config, held }: OutputOptions,
): Promise<SampleMatch[]> | undefined => {
  if (held === undefined || held.pairs.length === 0) return undefined;
  // Two at least: of each the third picture shows the next one.
  const pairs = Math.max(2, held.pairs.length);
  const batch = { ...config.batch, pairs, backgrounds: 0 };
  const pools = [{ pool: held, share: 1 }];
  const makeBatch = createBatchMaker({ pools, settings: batch, seed: config.seed + 1 });
  return sampleMatches(runtime, network, { ...config, batch }, makeBatch(0), held.pairs.length);
};

/** Writes `report.html` from the metrics so far and a batch that training does not see. */
const writeReport = async (network: Uint8Array, options: OutputOptions): Promise<void> => {
  const { out, runtime, config, source } = options;
  const metrics = parseMetrics(await readFile(join(out, metricsName), 'utf8'));
  const batch = createBatchMaker({ ...source, settings: config.batch, seed: config.seed + 1 })(0);
  const samples = await sampleMatches(runtime, network, config, batch);
  const held = await matchHeld(network, options);
  const flows = source.pools.flatMap(({ pool }) => sampleFlows(pool, sampledFlows, config.seed));
  const data = {
    pictures: source.set?.pictures.length ?? 0,
    videos: new Set(source.pools.flatMap(({ pool, ofPictures }) => (ofPictures === true ? [] : pool.videos)))
      .size,
  };
  await writeFileAtomic(
    join(out, reportName),
    await renderReport(config, metrics, samples, { flows, data, held }),
  );
};

/** Writes `model.onnx`, `model.int8.onnx`, `manifest.json` and `report.html` of a training's present weights. */
export const writeModelFiles = async (weights: TrainedWeights, options: OutputOptions): Promise<void> => {
  const { out, runtime, config, layout, source } = options;
  const model = exportWeights(config, layout, weights);
  const int8 = await exportInt8(runtime, calibrationCrops(source, config), config, layout, weights);
  await writeModelDirectory(out, manifestFields(config), { model, int8 });
  await writeReport(model, options);
};
