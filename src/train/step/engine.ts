/** Runs training steps on ONNX Runtime and holds the state between them. Browser and Node share this file. */
import type { Tensor } from 'onnxruntime-common';
import { DivergedError } from '../../errors.ts';
import type { Runtime } from '../../model/model.ts';
import type { Batch } from '../batch/batch.ts';
import type { StateName, StepShape, TrainingState } from './training-step.ts';
import { stateNames } from './training-step.ts';

export type StepResult = {
  /** Mean over valid source cells, grid cells^γ. */ loss: number;
  /** The same over annotated landmarks, where the graph has them. */ annotatedLoss?: number;
  gradientNorm: number;
  /** Time inside ONNX Runtime, milliseconds. */ milliseconds: number;
};

export type TrainingEngine = {
  /** Flat vectors as of the last step. */ readonly state: TrainingState;
  /**
   * One step: forward, loss, backward, update.
   * @param schedule `scheduleAt(…)` of the optimizer
   * @throws DivergedError when loss or gradient are not finite; the state is kept
   */
  step(batch: Batch, schedule: Float32Array): Promise<StepResult>;
  close(): Promise<void>;
};

/** @param graph the bytes of `buildTrainingStep` for the same `shape` */
export const createTrainingEngine = async (
  runtime: Runtime,
  graph: Uint8Array,
  shape: StepShape,
  initial: TrainingState,
): Promise<TrainingEngine> => {
  const { Tensor, InferenceSession, sessionOptions } = runtime;
  const session = await InferenceSession.create(graph, sessionOptions);
  const state = { ...initial };
  const { inputSize, pairs, queryGrid, backgrounds, annotated = false } = shape;
  const queries = queryGrid * queryGrid;
  const tensor = (data: Float32Array, dims: readonly number[]): Tensor => new Tensor('float32', data, dims);
  return {
    state,
    step: async (batch, schedule) => {
      const feeds: Record<string, Tensor> = {
        images: tensor(batch.images, [2 * pairs + backgrounds, 3, inputSize, inputSize]),
        targets: tensor(batch.targets, [pairs, queries, 2]),
        valid: tensor(batch.valid, [pairs, queries]),
        schedule: tensor(schedule, [schedule.length]),
        ...(annotated && {
          annotated: tensor(batch.annotated ?? new Float32Array(pairs * queries), [pairs, queries]),
        }),
      };
      for (const name of stateNames) feeds[name] = tensor(state[name], [state[name].length]);
      const start = performance.now();
      const outputs = await session.run(feeds);
      const milliseconds = performance.now() - start;
      const floats = (name: string): Float32Array => outputs[name].data as Float32Array;
      const [loss] = floats('loss');
      const [gradientNorm] = floats('gradient_norm');
      if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
        throw new DivergedError(
          `Training diverged: loss ${loss}, gradient norm ${gradientNorm}. Lower optimizer.learningRate and resume from the last checkpoint.`,
        );
      }
      for (const name of stateNames) state[name] = floats(`next_${name satisfies StateName}`);
      const annotatedLoss = annotated ? floats('annotated_loss')[0] : undefined;
      return { loss, gradientNorm, milliseconds, ...(annotatedLoss !== undefined && { annotatedLoss }) };
    },
    close: () => session.release(),
  };
};
