/** A whole training in Node: folders in, model directory out, with checkpoints and metrics on the way. */
import { join } from 'node:path';
import { prepareFolder } from '../files-node/atomic-file.ts';
import { lockFolder } from '../files-node/folder-lock.ts';
import { manifestName } from '../model/manifest.ts';
import { createModel, type Model, type Runtime } from '../model/model.ts';
import type { SharedPool } from '../train/batch/sources.ts';
import { exportWeights, manifestFields } from '../train/model-files.ts';
import type { CropSource } from '../train/model-files.ts';
import type { ParameterLayout } from '../train/network/training-network.ts';
import { parameterLayout } from '../train/network/training-network.ts';
import type { TrainingConfig } from '../train/settings/config.ts';
import type { TrainingState } from '../train/step/training-step.ts';
import type { StepReport, TrainingOutcome } from '../train/trainer.ts';
import { train, weightsOf } from '../train/trainer.ts';
import { createBatchSource } from './batch-source.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { MetricsFile } from './metrics-file.ts';
import { openMetrics, roundFigures, stepFigures } from './metrics-file.ts';
import { metricsName, writeModelFiles } from './model-files.ts';
import { refuseOccupied } from './refuse-occupied.ts';
import { checkResumable, startState } from './start-state.ts';
import type {
  OnSkip,
  PictureAnnotation,
  RoundData,
  RoundReport,
  TrainingData,
  VideoInput,
} from './training-data.ts';
import { openTrainingData } from './training-data.ts';
import { createRigPool } from './rig-pool.ts';
import type { RigInput } from './rig-pool.ts';
import { createTurnedPool } from './turned-pool.ts';
import type { VideoProgress } from './video-rounds.ts';

export const checkpointName = 'checkpoint.bin';

export type RunOptions = {
  config: TrainingConfig;
  /** Folder of unlabelled pictures. */ images?: string;
  /** Unlabelled videos; with or without pictures. */ videos?: VideoInput;
  /** 3-D points of the pictures: adds out-of-plane views of them. */ meshes?: string;
  /** A rig, and points of its landmarks in the pictures: adds views that it draws. */ rig?: RigInput;
  /** Checkpoint of another training whose (averaged) weights this one starts from, or a `model.onnx`. */
  init?: string;
  /** Landmarks of some of the pictures: adds a term to the loss. */ annotations?: readonly PictureAnnotation[];
  /** Model directory to write; made when missing. */ out: string;
  /** Go on from the checkpoint in `out`. */ resume: boolean;
  runtime: Runtime;
  /** Worker threads that prepare videos and batches. */ workers?: number;
  onStart?: (facts: TrainingFacts) => void;
  onVideoProgress?: (progress: VideoProgress) => void;
  /** Told how many pictures a rig has drawn views of. */ onRigProgress?: (
    done: number,
    total: number,
  ) => void;
  /** Told when the videos of a round are prepared. */ onRound?: (report: RoundReport) => void;
  onSkip?: OnSkip;
  /** Told of damage that training goes on after. */ onWarning?: (message: string) => void;
  onStep?: (report: StepReport) => void;
  /** Figures of an evaluation, added to the metrics. */
  evaluate?: (exported: Uint8Array, config: TrainingConfig) => Promise<Record<string, number>>;
  onEvaluated?: (step: number, figures: Record<string, number>) => void;
  signal?: AbortSignal;
};

/** What a training starts from. */
export type TrainingFacts = {
  pictures: number;
  /** Pictures whose landmarks are known. */ annotated: number;
  videos: number;
  /** Pictures and videos that could not be used. */ skipped: number;
  parameters: number;
  /** Steps done already. */ step: number;
};

const openData = (options: RunOptions, startStep: number): Promise<TrainingData> =>
  openTrainingData({
    ...{ config: options.config, out: options.out, startStep, isTrained: options.init !== undefined },
    ...(options.images !== undefined && { images: options.images }),
    ...(options.videos && { videos: options.videos }),
    ...(options.annotations && { annotations: options.annotations }),
    ...(options.meshes !== undefined && { meshes: options.meshes }),
    ...(options.rig && { rig: options.rig }),
    ...(options.workers !== undefined && { workers: options.workers }),
    ...(options.onSkip && { onSkip: options.onSkip }),
    ...(options.onWarning && { onWarning: options.onWarning }),
    ...(options.onVideoProgress && { onProgress: options.onVideoProgress }),
    ...(options.signal && { signal: options.signal }),
  });

/** Pairs that are made from the pictures once, for all rounds. */
const openTurnedPools = async ({ images, meshes, config, onSkip }: RunOptions): Promise<SharedPool[]> => {
  if (images === undefined || meshes === undefined) return [];
  const { turns, batch, seed } = config;
  const pool = await createTurnedPool(images, meshes, turns, batch.base, seed, onSkip);
  return [{ pool, share: turns.share, ofPictures: true }];
};

/** Views of the pictures that a rig draws, made once, for all rounds. */
const openRigPools = async (options: RunOptions): Promise<SharedPool[]> => {
  const { images, rig, config, signal, onRigProgress } = options;
  if (images === undefined || rig === undefined) return [];
  const { pool, misfits } = await createRigPool({
    ...{ ...rig, images, settings: config.rig, base: config.batch.base, seed: config.seed },
    ...(onRigProgress && { onProgress: onRigProgress }),
    ...(signal && { signal }),
  });
  if (misfits > 0) {
    options.onWarning?.(`the rig does not fit ${misfits} of ${rig.pictures.length} pictures well enough`);
  }
  return [{ pool, share: config.rig.share, ofPictures: true }];
};

/** Where a training is. */
type Progress = { step: number; state: TrainingState };

/** What all rounds of a training share. */
type Run = { options: RunOptions; layout: ParameterLayout; data: TrainingData; metrics: MetricsFile };

/** Trains on the data of one round. @param pools made from the pictures @param until last step of the round */
const trainRound = async (
  { set, pools: videoPools, annotated, held }: RoundData,
  pools: readonly SharedPool[],
  resume: Progress,
  until: number,
  { options, layout, data, metrics }: Run,
): Promise<TrainingOutcome> => {
  const { config, out, runtime, signal } = options;
  const source: CropSource = { ...(set && { set }), pools: [...videoPools, ...pools] };
  const batches = await createBatchSource({
    ...(set && { pictures: set }),
    ...{ pools: source.pools, annotated, settings: config.batch, seed: config.seed, startStep: resume.step },
    ...(options.workers !== undefined && { workers: options.workers }),
  });
  try {
    return await train({
      ...{ config, runtime, batches, until, resume, annotated: annotated.length > 0 },
      ...(signal && { signal }),
      onStep: async (report) => {
        metrics.record(stepFigures(report));
        options.onStep?.(report);
        if (report.step % 10 === 0) await metrics.flush();
      },
      onEvaluate: async (step, weights) => {
        if (!options.evaluate) return;
        const figures = await options.evaluate(exportWeights(config, layout, weights), config);
        metrics.record({ step, ...figures });
        options.onEvaluated?.(step, figures);
      },
      onCheckpoint: async (step, state) => {
        await metrics.flush();
        await writeCheckpoint(join(out, checkpointName), { step, config, data: data.digest, state });
        await writeModelFiles(weightsOf(config, state), { out, runtime, config, layout, source, held });
      },
    });
  } finally {
    await batches.close();
  }
};

/** The network as it is now, to search for the object with. */
const openNetwork = (
  { config, runtime }: RunOptions,
  layout: ParameterLayout,
  state: TrainingState,
): Promise<Model> =>
  createModel(runtime, {
    manifest: manifestFields(config),
    bytes: exportWeights(config, layout, weightsOf(config, state)),
    where: 'the network in training',
  });

/** Trains round after round, from where the training is. */
const trainRounds = async (
  pools: readonly SharedPool[],
  start: Progress,
  run: Run,
): Promise<TrainingOutcome> => {
  const { options, layout, data, metrics } = run;
  const { config, signal } = options;
  let outcome: TrainingOutcome = { ...start, layout, busy: 0 };
  for (const [index, round] of data.rounds.entries()) {
    const { step, state } = outcome;
    if (step >= round.to && round.to < config.steps) continue;
    const roundData = await data.prepare(index, () => openNetwork(options, layout, state));
    if (roundData.report) {
      if (step === round.from) metrics.record(roundFigures(roundData.report));
      options.onRound?.(roundData.report);
    }
    outcome = await trainRound(roundData, pools, { step, state }, round.to, run);
    if (signal?.aborted) break;
  }
  return outcome;
};

/**
 * Trains and writes checkpoint, metrics and model into `out`, which nobody else may train into meanwhile.
 * @throws InputError for unusable data, a config that does not fit, or a folder that is taken or, without `resume`,
 *   holds another training; ModelError for a damaged checkpoint
 */
export const runTraining = async (options: RunOptions): Promise<TrainingOutcome> => {
  const release = await lockFolder(options.out);
  try {
    if (!options.resume) await refuseOccupied(options.out, [checkpointName, manifestName]);
    return await runLocked(options);
  } finally {
    await release();
  }
};

const runLocked = async (options: RunOptions): Promise<TrainingOutcome> => {
  const { config, out } = options;
  const layout = parameterLayout(config.network, config.batch.inputSize);
  const checkpointPath = join(out, checkpointName);
  const checkpoint = options.resume ? await readCheckpoint(checkpointPath) : undefined;
  const step = checkpoint?.step ?? 0;
  const data = await openData(options, step);
  if (checkpoint) checkResumable(checkpoint, { config, layout, data: data.digest }, checkpointPath);
  const pools = [...(await openTurnedPools(options)), ...(await openRigPools(options))];
  const startData = { runtime: options.runtime, set: data.pictures, pools };
  const state = checkpoint?.state ?? (await startState(options.init, config, layout, startData));
  await prepareFolder(out);
  const metrics = await openMetrics(join(out, metricsName), step);
  options.onStart?.({
    pictures: data.pictures?.pictures.length ?? 0,
    annotated: data.annotated.length,
    ...{ videos: data.videos, skipped: data.skipped, step },
    parameters: layout.parameterCount,
  });
  const outcome = await trainRounds(pools, { step, state }, { options, layout, data, metrics });
  await metrics.flush();
  return outcome;
};
