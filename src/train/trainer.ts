/**
 * The training loop: batches from worker threads, one graph run a step, checkpoints, metrics.
 * Reads from top to bottom: set up, loop, close.
 */
import type { Batch } from './batch/batch.ts';
import type { TrainingConfig } from './settings/config.ts';
import type { Runtime } from '../model/model.ts';
import type { TrainingEngine } from './step/engine.ts';
import { createTrainingEngine } from './step/engine.ts';
import type { TrainedWeights } from './network/inference-network.ts';
import { scheduleAt } from './graph/adam.ts';
import { createRandom } from '../augment/random.ts';
import type { ParameterLayout } from './network/training-network.ts';
import { initialParameters, initialStatistics, parameterLayout } from './network/training-network.ts';
import type { StepShape, TrainingState } from './step/training-step.ts';
import { buildTrainingStep } from './step/training-step.ts';

/** Streams of random numbers, so that weights and batches of one seed have nothing to do with each other. */
const weightStream = 1;

export type StepReport = {
  /** Steps done, this one included. */ step: number;
  loss: number;
  /** The loss over annotated landmarks, where there are any. */ annotatedLoss?: number;
  gradientNorm: number;
  learningRate: number;
  /** Pictures a second since the start of this run. */ picturesPerSecond: number;
  /** Share of the wall time since the start of this run that ONNX Runtime was at work, 0–1. */ busy: number;
  /** Estimate of the time to the last step, seconds. */ secondsLeft: number;
};

export type TrainerOptions = {
  config: TrainingConfig;
  runtime: Runtime;
  /** Gives the batch of each step, in order, from `startStep` on. */ batches: { next(): Promise<Batch> };
  /** Whether the batches have annotated landmarks. */ annotated?: boolean;
  /** Where to go on; a fresh start without it. */ resume?: { step: number; state: TrainingState };
  /** Called after every step; the next one waits for it. */
  onStep?: (report: StepReport, state: TrainingState) => void | Promise<void>;
  /** Called every `config.checkpointEvery` steps and at the end, also where there was nothing left to do. */
  onCheckpoint?: (step: number, state: TrainingState) => Promise<void>;
  /** Called every `config.evaluateEvery` steps and after the last. */
  onEvaluate?: (step: number, weights: TrainedWeights) => Promise<void>;
  /** Stops after this step, before `config.steps`; what is left is done by another call. */ until?: number;
  /** Stops after the running step. */ signal?: AbortSignal;
};

export type TrainingOutcome = {
  /** Steps done. */ step: number;
  layout: ParameterLayout;
  state: TrainingState;
  /** Share of wall time inside ONNX Runtime, 0–1. */ busy: number;
};

/** A new training's state: seeded weights, everything else at zero. */
export const freshState = (config: TrainingConfig, layout: ParameterLayout): TrainingState => {
  const parameters = initialParameters(layout, createRandom(config.seed, weightStream));
  return {
    parameters,
    momentum: new Float32Array(layout.parameterCount),
    velocity: new Float32Array(layout.parameterCount),
    average: parameters.slice(),
    statistics: initialStatistics(layout),
  };
};

/** The weights to evaluate and export: averaged where averaging is on. */
export const weightsOf = (config: TrainingConfig, state: TrainingState): TrainedWeights => ({
  parameters: config.optimizer.averageDecay > 0 ? state.average : state.parameters,
  statistics: state.statistics,
});

/** @param annotated whether batches have annotated landmarks */
export const stepShape = ({ batch }: TrainingConfig, annotated = false): StepShape => ({
  inputSize: batch.inputSize,
  pairs: batch.pairs,
  queryGrid: batch.queryGrid,
  backgrounds: batch.backgrounds,
  annotated,
});

const createEngine = (
  config: TrainingConfig,
  layout: ParameterLayout,
  runtime: Runtime,
  state: TrainingState,
  annotated: boolean,
): Promise<TrainingEngine> => {
  const shape = stepShape(config, annotated);
  const graph = buildTrainingStep(layout, config.network, config.loss, config.optimizer, shape);
  return createTrainingEngine(runtime, graph, shape, state);
};

/**
 * Trains until `config.steps` or `until`, or until the signal aborts.
 * @throws DivergedError, or what a hook or the batch source throws; nothing is written here
 */
export const train = async (options: TrainerOptions): Promise<TrainingOutcome> => {
  const { config, runtime, batches, resume, signal } = options;
  const layout = parameterLayout(config.network, config.batch.inputSize);
  const state = resume?.state ?? freshState(config, layout);
  const engine = await createEngine(config, layout, runtime, state, options.annotated ?? false);
  const firstStep = resume?.step ?? 0;
  const end = Math.min(config.steps, options.until ?? config.steps);
  const picturesPerStep = 2 * config.batch.pairs + config.batch.backgrounds;
  const start = performance.now();
  let inside = 0;
  // Evaluations and checkpoints are not training: the report leaves their time out.
  let outside = 0;
  const timedHook = async (hook: Promise<void> | undefined): Promise<void> => {
    const began = performance.now();
    await hook;
    outside += performance.now() - began;
  };
  let step = firstStep;
  let kept: number | undefined;
  try {
    while (step < end && !signal?.aborted) {
      const schedule = scheduleAt(step, config.steps, config.optimizer);
      const result = await engine.step(await batches.next(), schedule);
      step += 1;
      inside += result.milliseconds;
      const wall = performance.now() - start - outside;
      const perStep = wall / (step - firstStep);
      const report: StepReport = {
        step,
        loss: result.loss,
        ...(result.annotatedLoss !== undefined && { annotatedLoss: result.annotatedLoss }),
        gradientNorm: result.gradientNorm,
        learningRate: schedule[0],
        picturesPerSecond: (1000 * picturesPerStep) / perStep,
        busy: inside / wall,
        secondsLeft: ((config.steps - step) * perStep) / 1000,
      };
      await options.onStep?.(report, engine.state);
      if (step === config.steps || step % config.evaluateEvery === 0) {
        await timedHook(options.onEvaluate?.(step, weightsOf(config, engine.state)));
      }
      if (step === end || step % config.checkpointEvery === 0) {
        await timedHook(options.onCheckpoint?.(step, engine.state));
        kept = step;
      }
    }
    // Stopped, or resumed at the end: what a checkpoint stands for may be missing.
    if (kept !== step) await options.onCheckpoint?.(step, engine.state);
    return {
      step,
      layout,
      state: engine.state,
      busy: step > firstStep ? inside / (performance.now() - start - outside) : 0,
    };
  } finally {
    await engine.close();
  }
};
