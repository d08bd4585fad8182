/** A whole training in Node: folders in, model directory out, with checkpoints and metrics on the way. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { appendToFile, prepareFolder, writeFileAtomic } from '../files-node/atomic-file.ts';
import { writeModelDirectory } from '../model/model-directory-node.ts';
import { createBatchMaker } from '../train/batch/batch.ts';
import type { BatchSource } from './batch-source.ts';
import { createBatchSource } from './batch-source.ts';
import type { Checkpoint } from './checkpoint.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { TrainingConfig } from '../train/settings/config.ts';
import { parseConfig } from '../train/settings/config.ts';
import type { TrainedWeights } from '../train/network/inference-network.ts';
import type { CropSource } from '../train/model-files.ts';
import { calibrationCrops, exportInt8, exportWeights, manifestFields } from '../train/model-files.ts';
import { parseMetrics, renderReport } from './report.ts';
import { sampleFlows } from '../train/report/sample-flows.ts';
import { sampleMatches } from '../train/report/sample-matches.ts';
import type { StepReport, TrainingOutcome } from '../train/trainer.ts';
import { freshState, train, weightsOf } from '../train/trainer.ts';
import type { ParameterLayout } from '../train/network/training-network.ts';
import { parameterLayout } from '../train/network/training-network.ts';
import type { TrainingState } from '../train/step/training-step.ts';
import { createModel, type Runtime } from '../model/model.ts';
import type {
  PictureAnnotation,
  RoundData,
  RoundReport,
  VideoInput,
  VideoProgress,
} from './training-data.ts';
import { openTrainingData } from './training-data.ts';
import { createTurnedPool } from './turned-pool.ts';

export const checkpointName = 'checkpoint.bin';
export const metricsName = 'metrics.jsonl';
export const reportName = 'report.html';

export type RunOptions = {
  config: TrainingConfig;
  /** Folder of unlabelled pictures. */ images?: string;
  /** Unlabelled videos; with or without pictures. */ videos?: VideoInput;
  /** 3-D points of the pictures: adds out-of-plane views of them. */ meshes?: string;
  /** Checkpoint of another training whose (averaged) weights this one starts from. */ init?: string;
  /** Landmarks of some of the pictures: adds a term to the loss. */ annotations?: readonly PictureAnnotation[];
  /** Model directory to write; made when missing. */ out: string;
  /** Go on from the checkpoint in `out`. */ resume: boolean;
  runtime: Runtime;
  /** Worker threads that prepare videos and batches. */ workers?: number;
  onStart?: (facts: TrainingFacts) => void;
  onVideoProgress?: (progress: VideoProgress) => void;
  /** Told when the videos of a round are prepared. */ onRound?: (report: RoundReport) => void;
  onSkip?: (message: string) => void;
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

/** Everything but the number of steps must stay what it was: the batches and the state depend on it. */
const checkResumable = (checkpoint: Checkpoint, config: TrainingConfig, data: string, path: string): void => {
  // A short training has a shorter warm-up: it goes with the number of steps.
  const comparable = ({ optimizer, ...settings }: TrainingConfig): string =>
    JSON.stringify({
      ...{ ...settings, steps: 0, checkpointEvery: 0, evaluateEvery: 0 },
      optimizer: { ...optimizer, warmup: 0 },
    });
  // A checkpoint of before a setting was made has its default.
  if (comparable(parseConfig(checkpoint.config, `config in ${path}`)) !== comparable(config)) {
    throw new InputError(
      `${path} was trained with another config. Resume with the same --config, or train without --resume.`,
    );
  }
  if (checkpoint.data !== data) {
    throw new InputError(
      `${path} was trained on other pictures, videos or regions than are given now. Resume with the same ones, or train without --resume.`,
    );
  }
};

/** Metrics up to a step; those after it belong to steps that will be done again. */
const keepMetrics = async (path: string, step: number): Promise<void> => {
  let text = '';
  try {
    text = await readFile(path, 'utf8');
  } catch {
    // The first run of this directory.
  }
  const kept = text.split('\n').filter((line) => {
    if (line === '') return false;
    try {
      return (JSON.parse(line) as { step: number }).step <= step;
    } catch {
      // Half a line from when the last run was killed.
      return false;
    }
  });
  await writeFileAtomic(path, kept.length > 0 ? `${kept.join('\n')}\n` : '');
};

const significant = (value: number): number => Number(value.toPrecision(6));

/** Writes `model.onnx`, `model.int8.onnx` and `manifest.json` of a training's present state. */
const writeModel = async (
  out: string,
  runtime: Runtime,
  data: CropSource,
  config: TrainingConfig,
  layout: ParameterLayout,
  weights: TrainedWeights,
): Promise<void> => {
  const samples = calibrationCrops(data, config);
  await writeModelDirectory(out, manifestFields(config), {
    model: exportWeights(config, layout, weights),
    int8: await exportInt8(runtime, samples, config, layout, weights),
  });
};

/** Pairs of each pool that the report shows. */
const sampledFlows = 4;

/** Writes `report.html` from the metrics so far and a batch that training does not see. */
const writeReport = async (
  out: string,
  runtime: Runtime,
  data: CropSource,
  config: TrainingConfig,
  network: Uint8Array,
): Promise<void> => {
  const metrics = parseMetrics(await readFile(join(out, metricsName), 'utf8'));
  const batch = createBatchMaker({ ...data, settings: config.batch, seed: config.seed + 1 })(0);
  const samples = await sampleMatches(runtime, network, config, batch);
  const flows = data.pools.flatMap(({ pool }) => sampleFlows(pool, sampledFlows, config.seed));
  await writeFileAtomic(join(out, reportName), await renderReport(config, metrics, samples, flows));
};

/** A new training's state with the weights that another one ended with. */
const stateFrom = async (
  path: string,
  config: TrainingConfig,
  layout: ParameterLayout,
): Promise<TrainingState> => {
  const source = await readCheckpoint(path);
  const { parameters, statistics } = weightsOf(source.config, source.state);
  const { network } = source.config;
  if (JSON.stringify(network) !== JSON.stringify(config.network)) {
    throw new InputError(
      `${path} holds a network ${JSON.stringify(network)} but the config asks for ${JSON.stringify(config.network)}. Start from a checkpoint of the same network.`,
    );
  }
  return { ...freshState(config, layout), parameters, average: parameters.slice(), statistics };
};

/** What the metrics say of a round's videos. */
const roundFigures = ({ index, pairs, recordings, search }: RoundReport): Record<string, number> => ({
  round: index,
  video_pairs: pairs.pairs,
  videos: pairs.videos,
  recordings,
  broken_videos: pairs.broken,
  ...(search && {
    localisation_rate: search.frames === 0 ? 0 : significant(search.found / search.frames),
    localised_frames: search.found,
    searched_frames: search.frames,
  }),
});

/**
 * Trains and writes checkpoint, metrics and model into `out`.
 * @throws InputError for unusable data or a config that does not fit; ModelError for a damaged checkpoint
 */
export const runTraining = async (options: RunOptions): Promise<TrainingOutcome> => {
  const { config, images, out, runtime, signal } = options;
  const layout = parameterLayout(config.network, config.batch.inputSize);
  const checkpointPath = join(out, checkpointName);
  const metricsPath = join(out, metricsName);
  const resume = options.resume ? await readCheckpoint(checkpointPath) : undefined;
  const startStep = resume?.step ?? 0;
  const data = await openTrainingData({
    ...{ config, out, startStep, isTrained: options.init !== undefined },
    ...(images !== undefined && { images }),
    ...(options.videos && { videos: options.videos }),
    ...(options.annotations && { annotations: options.annotations }),
    ...(options.workers !== undefined && { workers: options.workers }),
    ...(options.onSkip && { onSkip: options.onSkip }),
    ...(options.onWarning && { onWarning: options.onWarning }),
    ...(options.onVideoProgress && { onProgress: options.onVideoProgress }),
    ...(signal && { signal }),
  });
  if (resume) checkResumable(resume, config, data.digest, checkpointPath);
  let current = {
    step: startStep,
    state:
      resume?.state ??
      (options.init === undefined
        ? freshState(config, layout)
        : await stateFrom(options.init, config, layout)),
  };
  const turned =
    options.meshes === undefined || images === undefined
      ? undefined
      : await createTurnedPool(images, options.meshes, config.turns, config.batch.base, config.seed);
  const turnedPools = turned ? [{ pool: turned, share: config.turns.share, ofPictures: true }] : [];
  await prepareFolder(out);
  await keepMetrics(metricsPath, startStep);
  options.onStart?.({
    pictures: data.pictures?.pictures.length ?? 0,
    annotated: data.annotated.length,
    ...{ videos: data.videos, skipped: data.skipped, step: startStep },
    parameters: layout.parameterCount,
  });

  let lines: string[] = [];
  const record = (line: Record<string, number>): void => {
    lines.push(`${JSON.stringify(line)}\n`);
  };
  const flush = async (): Promise<void> => {
    const text = lines.join('');
    lines = [];
    if (text !== '') await appendToFile(metricsPath, text);
  };

  const trainOn = async ({ set, pools, annotated }: RoundData, until: number): Promise<TrainingOutcome> => {
    const source: CropSource = { ...(set && { set }), pools: [...pools, ...turnedPools] };
    let batches: BatchSource | undefined;
    try {
      batches = await createBatchSource({
        ...(set && { pictures: set }),
        pools: source.pools,
        annotated,
        settings: config.batch,
        seed: config.seed,
        startStep: current.step,
        ...(options.workers !== undefined && { workers: options.workers }),
      });
      return await train({
        ...{ config, runtime, batches, until, resume: current, annotated: annotated.length > 0 },
        ...(signal && { signal }),
        onStep: async (report) => {
          record({
            step: report.step,
            loss: significant(report.loss),
            ...(report.annotatedLoss !== undefined && {
              annotated_loss: significant(report.annotatedLoss),
            }),
            gradient_norm: significant(report.gradientNorm),
            learning_rate: significant(report.learningRate),
            pictures_per_second: significant(report.picturesPerSecond),
            busy: significant(report.busy),
          });
          options.onStep?.(report);
          if (report.step % 10 === 0) await flush();
        },
        onEvaluate: async (step, weights) => {
          if (!options.evaluate) return;
          const figures = await options.evaluate(exportWeights(config, layout, weights), config);
          record({ step, ...figures });
          options.onEvaluated?.(step, figures);
        },
        onCheckpoint: async (step, state) => {
          await flush();
          await writeCheckpoint(checkpointPath, { step, config, data: data.digest, state });
          await writeModel(out, runtime, source, config, layout, weightsOf(config, state));
          await writeReport(
            out,
            runtime,
            source,
            config,
            exportWeights(config, layout, weightsOf(config, state)),
          );
        },
      });
    } finally {
      await batches?.close();
    }
  };

  /** The network as it is now, to search for the object with. */
  const trackingNetwork = () =>
    createModel(runtime, {
      manifest: manifestFields(config),
      bytes: exportWeights(config, layout, weightsOf(config, current.state)),
      where: 'the network in training',
    });

  let outcome: TrainingOutcome = { ...current, layout, busy: 0 };
  for (const [index, round] of data.rounds.entries()) {
    if (current.step >= round.to && round.to < config.steps) continue;
    const roundData = await data.prepare(index, trackingNetwork);
    if (roundData.report) {
      // The line belongs to the first step of the round, so that a resumed training writes it once.
      if (current.step === round.from) record({ step: round.from + 1, ...roundFigures(roundData.report) });
      options.onRound?.(roundData.report);
    }
    outcome = await trainOn(roundData, round.to);
    current = { step: outcome.step, state: outcome.state };
    if (signal?.aborted) break;
  }
  await flush();
  return outcome;
};
