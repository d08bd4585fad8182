/** Adam on one flat parameter vector (Kingma & Ba 2015), with clipping and a warm-up and cosine schedule. */
import type { Graph, Value } from '../../onnx/graph.ts';
import * as op from '../../onnx/operators.ts';

export type OptimizerSettings = {
  /** Peak learning rate. */ learningRate: number;
  /** Share of the peak that is left at the last step. */ finalShare: number;
  /** Steps of linear warm-up. */ warmup: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Greatest norm of the whole gradient; longer ones are scaled down to it. */ clip: number;
  /** Decoupled weight decay a step, times the learning rate. */ weightDecay: number;
  /** Share of the running batch-norm statistics that a step keeps. */ statisticsDecay: number;
  /** Share of the averaged weights that a step keeps (after a ramp over the first steps); 0 turns averaging off. */
  averageDecay: number;
};

export const defaultOptimizer: OptimizerSettings = {
  learningRate: 2e-3,
  finalShare: 0.01,
  warmup: 100,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  clip: 1,
  weightDecay: 0,
  statisticsDecay: 0.98,
  averageDecay: 0.999,
};

/** Learning rate at a step (0-based): linear warm-up, then a cosine down to `finalShare`. */
export const learningRateAt = (step: number, steps: number, settings: OptimizerSettings): number => {
  const { learningRate, finalShare, warmup } = settings;
  if (step < warmup) return (learningRate * (step + 1)) / warmup;
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  return learningRate * (finalShare + (1 - finalShare) * 0.5 * (1 + Math.cos(Math.PI * progress)));
};

/** The `schedule` input of step `step` (0-based): learning rate, 1/(1−β₁ᵗ), 1/(1−β₂ᵗ), averaging decay. */
export const scheduleAt = (step: number, steps: number, settings: OptimizerSettings): Float32Array => {
  const t = step + 1;
  return Float32Array.of(
    learningRateAt(step, steps, settings),
    1 / (1 - settings.beta1 ** t),
    1 / (1 - settings.beta2 ** t),
    // The ramp lets the average forget the random start.
    Math.min(settings.averageDecay, t / (t + 10)) * Number(settings.averageDecay > 0),
  );
};

/** √Σg², shape [1]. */
export const globalNorm = (graph: Graph, gradient: Value): Value =>
  op.sqrt(graph, op.reduceSum(graph, op.mul(graph, gradient, gradient), [0]));

export type AdamInput = {
  parameters: Value;
  momentum: Value;
  velocity: Value;
  gradient: Value;
  /** Norm of the gradient, [1]. */ norm: Value;
};

export type AdamSchedule = { learningRate: Value; momentumCorrection: Value; velocityCorrection: Value };

/** One Adam update of flat vectors of equal length. */
export const adam = (
  graph: Graph,
  { parameters, momentum, velocity, gradient, norm }: AdamInput,
  schedule: AdamSchedule,
  settings: OptimizerSettings,
): { parameters: Value; momentum: Value; velocity: Value } => {
  const number = (value: number): Value => graph.scalar(value);
  const shrink = op.minimum(
    graph,
    op.div(graph, number(settings.clip), op.add(graph, norm, number(1e-12))),
    graph.constant([1], [1]),
  );
  const clipped = op.mul(graph, gradient, shrink);
  const mix = (old: Value, fresh: Value, keep: number): Value =>
    op.add(graph, op.mul(graph, old, number(keep)), op.mul(graph, fresh, number(1 - keep)));
  const nextMomentum = mix(momentum, clipped, settings.beta1);
  const nextVelocity = mix(velocity, op.mul(graph, clipped, clipped), settings.beta2);
  const direction = op.div(
    graph,
    op.mul(graph, nextMomentum, schedule.momentumCorrection),
    op.add(
      graph,
      op.sqrt(graph, op.mul(graph, nextVelocity, schedule.velocityCorrection)),
      number(settings.epsilon),
    ),
  );
  const decayed =
    settings.weightDecay > 0
      ? op.add(graph, direction, op.mul(graph, parameters, number(settings.weightDecay)))
      : direction;
  return {
    parameters: op.sub(graph, parameters, op.mul(graph, decayed, schedule.learningRate)),
    momentum: nextMomentum,
    velocity: nextVelocity,
  };
};
