/** Assembles one training step as one ONNX graph: forward, loss, backward, Adam, running statistics, averaging. */
import type { Value } from '../../onnx/graph.ts';
import { Graph } from '../../onnx/graph.ts';
import * as op from '../../onnx/operators.ts';
import { encodeModel } from '../../onnx/protobuf.ts';
import { Tape } from '../graph/autodiff.ts';
import type { LossSettings } from './dve-loss.ts';
import { dveLoss } from './dve-loss.ts';
import type { NetworkSettings } from '../network/networks.ts';
import { networkStride } from '../network/networks.ts';
import type { OptimizerSettings } from '../graph/adam.ts';
import { adam, globalNorm } from '../graph/adam.ts';
import type { ParameterLayout } from '../network/training-network.ts';
import { buildTrainingNetwork, flatGradients } from '../network/training-network.ts';

/** What a step reads and writes besides the batch. All are flat vectors. */
export const stateNames = ['parameters', 'momentum', 'velocity', 'average', 'statistics'] as const;
export type StateName = (typeof stateNames)[number];
export type TrainingState = Record<StateName, Float32Array>;

export type StepShape = {
  /** Side S of a crop, pixels. */ inputSize: number;
  /** Pairs N a batch. */ pairs: number;
  /** Query cells per side. */ queryGrid: number;
  /** Background crops K a batch. */ backgrounds: number;
  /** Whether batches have annotated landmarks. */ annotated?: boolean;
};

/**
 * Standardises each crop: zero mean, unit deviation over its pixels and channels.
 * Part of every graph that takes an `image`, so that brightness and contrast need no convention outside.
 * @param image (B, 3, S, S) 0–1
 */
export const standardize = (graph: Graph, image: Value): Value => {
  const mean = op.reduceMean(graph, image, [1, 2, 3]);
  const centered = op.sub(graph, image, mean);
  const variance = op.reduceMean(graph, op.mul(graph, centered, centered), [1, 2, 3]);
  // A flat crop (a covered lens) has no deviation to divide by.
  const deviation = op.sqrt(graph, op.add(graph, variance, graph.scalar(1e-3)));
  return op.div(graph, centered, deviation);
};

/**
 * The graph of a step. Inputs: `images`, `targets`, `valid` and perhaps `annotated` (see `Batch`), `schedule` (4: learning rate,
 * momentum and velocity corrections, averaging decay) and the state; outputs: `next_…` of every state
 * vector, `loss` and perhaps `annotated_loss` (grid cells^γ) and `gradient_norm`, all of the step before the update.
 */
export const trainingGraph = (
  layout: ParameterLayout,
  network: NetworkSettings,
  loss: LossSettings,
  optimizer: OptimizerSettings,
  shape: StepShape,
): Graph => {
  const graph = new Graph('dve-training-step');
  const tape = new Tape(graph);
  const { inputSize, pairs, queryGrid, backgrounds } = shape;
  const pictures = 2 * pairs + backgrounds;
  const images = graph.input('images', 'float32', [pictures, 3, inputSize, inputSize]);
  const targets = graph.input('targets', 'float32', [pairs, queryGrid * queryGrid, 2]);
  const valid = graph.input('valid', 'float32', [pairs, queryGrid * queryGrid]);
  const annotated = shape.annotated
    ? graph.input('annotated', 'float32', [pairs, queryGrid * queryGrid])
    : undefined;
  const schedule = graph.input('schedule', 'float32', [4]);
  const vector = (name: StateName, length: number): Value => graph.input(name, 'float32', [length]);
  const parameters = vector('parameters', layout.parameterCount);
  const momentum = vector('momentum', layout.parameterCount);
  const velocity = vector('velocity', layout.parameterCount);
  const average = vector('average', layout.parameterCount);
  const statistics = vector('statistics', layout.statisticCount);

  const net = buildTrainingNetwork(tape, standardize(graph, images), parameters, layout, network);
  const lossInput = { maps: net.output, targets, valid, stride: networkStride(network) };
  const losses = dveLoss(tape, { ...lossInput, ...(annotated && { annotated }) }, loss);
  const gradient = flatGradients(tape, losses.total, net.leaves);
  const norm = globalNorm(graph, gradient);
  const entry = (index: number): Value => op.slice(graph, schedule, 0, index, index + 1);
  const next = adam(
    graph,
    { parameters, momentum, velocity, gradient, norm },
    { learningRate: entry(0), momentumCorrection: entry(1), velocityCorrection: entry(2) },
    optimizer,
  );
  const blend = (old: Value, fresh: Value, keep: Value): Value =>
    op.add(graph, fresh, op.mul(graph, op.sub(graph, old, fresh), keep));

  graph.output('next_parameters', next.parameters);
  graph.output('next_momentum', next.momentum);
  graph.output('next_velocity', next.velocity);
  graph.output('next_average', blend(average, next.parameters, entry(3)));
  graph.output(
    'next_statistics',
    blend(statistics, net.batchStatistics, graph.scalar(optimizer.statisticsDecay)),
  );
  graph.output('loss', losses.unlabelled);
  if (losses.annotated) graph.output('annotated_loss', losses.annotated);
  graph.output('gradient_norm', norm);
  return graph;
};

/** The bytes of {@link trainingGraph}, as ONNX Runtime takes them. */
export const buildTrainingStep = (...definition: Parameters<typeof trainingGraph>): Uint8Array =>
  encodeModel(trainingGraph(...definition));
