import { describe, expect, it } from 'vitest';
import { loadNodeRuntime } from '../../src/model/runtime-node.ts';
import type { LossSettings } from '../../src/train/step/dve-loss.ts';
import { defaultLoss } from '../../src/train/step/dve-loss.ts';
import { DivergedError } from '../../src/errors.ts';
import { createTrainingEngine } from '../../src/train/step/engine.ts';
import type { NetworkSettings } from '../../src/train/network/networks.ts';
import { defaultNetwork } from '../../src/train/network/networks.ts';
import { defaultOptimizer, learningRateAt, scheduleAt } from '../../src/train/graph/adam.ts';
import { createRandom } from '../../src/augment/random.ts';
import {
  initialParameters,
  initialStatistics,
  parameterLayout,
} from '../../src/train/network/training-network.ts';
import type { TrainingState } from '../../src/train/step/training-step.ts';
import { buildTrainingStep } from '../../src/train/step/training-step.ts';

const runtime = await loadNodeRuntime({ threads: 1 });
const shape = { inputSize: 32, pairs: 4, queryGrid: 8, backgrounds: 1 };
const tiny: NetworkSettings = { kind: 'light', embeddingSize: 8, widths: [8, 8, 12] };
const loss: LossSettings = { ...defaultLoss, auxiliaryGrid: 8, backgroundGrid: 4 };
const layout = parameterLayout(tiny, shape.inputSize);

const freshState = (seed = 1): TrainingState => {
  const parameters = initialParameters(layout, createRandom(seed));
  return {
    parameters,
    momentum: new Float32Array(layout.parameterCount),
    velocity: new Float32Array(layout.parameterCount),
    average: parameters.slice(),
    statistics: initialStatistics(layout),
  };
};

const randomBatch = (seed: number) => {
  const random = createRandom(seed);
  const fill = (count: number, draw: () => number): Float32Array =>
    Float32Array.from({ length: count }, draw);
  return {
    images: fill(9 * 3 * 32 * 32, () => random.uniform()),
    targets: fill(4 * 64 * 2, () => random.uniform(0, 32)),
    valid: fill(4 * 64, () => Number(random.chance(0.8))),
  };
};

const engineFor = (settings: LossSettings, optimizer = defaultOptimizer, state = freshState()) =>
  createTrainingEngine(runtime, buildTrainingStep(layout, tiny, settings, optimizer, shape), shape, state);

describe('one training step', () => {
  const variants: [string, Partial<LossSettings>][] = [
    ['plain equivariance', { exchange: 0 }],
    ['exchange through one auxiliary', { exchange: 1 }],
    ['exchange through a group, for half of the pairs', { exchange: 0.5, auxiliaries: 2 }],
    ['exponent 1', { exponent: 1 }],
    ['exponent 0.7', { exponent: 0.7 }],
  ];

  it.each(variants)('has the right gradient over the whole network: %s', async (_name, change) => {
    // Without clipping the first momentum is (1 − β₁) times the gradient.
    const optimizer = { ...defaultOptimizer, clip: 1e12 };
    const settings = { ...loss, ...change };
    const batch = randomBatch(3);
    const schedule = scheduleAt(0, 10, optimizer);
    const first = await engineFor(settings, optimizer);
    await first.step(batch, schedule);
    const gradient = first.state.momentum.map((value) => value / (1 - optimizer.beta1));
    await first.close();

    const lossAt = async (parameters: Float32Array): Promise<number> => {
      const engine = await engineFor(settings, optimizer, { ...freshState(), parameters });
      const result = await engine.step(batch, schedule);
      await engine.close();
      return result.loss;
    };
    const norm = Math.hypot(...gradient);
    const start = freshState().parameters;
    // Steps too long show the bend of the loss, too short ones its rounding: one of three has to agree.
    const errors: number[] = [];
    for (const length of [1e-3, 3e-4, 1e-4]) {
      const epsilon = length / norm;
      const along = (sign: number): Float32Array =>
        start.map((value, i) => value + (sign * epsilon * gradient[i]) / norm);
      const slope = ((await lossAt(along(1))) - (await lossAt(along(-1)))) / (2 * epsilon);
      errors.push(Math.abs(slope / norm - 1));
    }
    expect(norm).toBeGreaterThan(0);
    expect(Math.min(...errors)).toBeLessThan(0.02);
  });

  it('leaves the loss of invalid cells out', async () => {
    const engine = await engineFor({ ...loss, exchange: 0 }, { ...defaultOptimizer, learningRate: 0 });
    const batch = randomBatch(4);
    const schedule = scheduleAt(0, 10, { ...defaultOptimizer, learningRate: 0 });
    const { loss: before } = await engine.step(batch, schedule);
    const targets = batch.targets.map((value, i) => (batch.valid[i >> 1] === 0 ? value + 1000 : value));
    const { loss: after } = await engine.step({ ...batch, targets }, schedule);
    await engine.close();
    expect(after).toBeCloseTo(before, 5);
  });

  it('stays finite when no cell is valid', async () => {
    const engine = await engineFor(loss);
    const batch = randomBatch(4);
    batch.valid.fill(0);
    const result = await engine.step(batch, scheduleAt(0, 10, defaultOptimizer));
    await engine.close();
    expect(result.loss).toBe(0);
    expect(engine.state.parameters.every(Number.isFinite)).toBe(true);
  });

  it('falls on one batch that is repeated', async () => {
    const engine = await engineFor(loss, { ...defaultOptimizer, warmup: 0, learningRate: 5e-3 });
    const batch = randomBatch(5);
    const losses: number[] = [];
    for (let step = 0; step < 40; step++) {
      const optimizer = { ...defaultOptimizer, warmup: 0, learningRate: 5e-3 };
      losses.push((await engine.step(batch, scheduleAt(step, 1000, optimizer))).loss);
    }
    await engine.close();
    expect(losses[39]).toBeLessThan(0.8 * losses[0]);
  });

  it('refuses to go on with a loss that is not finite, and keeps the state', async () => {
    const engine = await engineFor(loss);
    const before = engine.state.parameters;
    const batch = randomBatch(5);
    batch.images[0] = Number.NaN;
    await expect(engine.step(batch, scheduleAt(0, 10, defaultOptimizer))).rejects.toThrow(DivergedError);
    expect(engine.state.parameters).toBe(before);
    await engine.close();
  });

  it('updates as a plain Adam in JavaScript does', async () => {
    const optimizer = { ...defaultOptimizer, clip: 1e12, averageDecay: 0.5, weightDecay: 0.01 };
    const engine = await engineFor(loss, optimizer);
    const parameters = Float64Array.from(engine.state.parameters);
    const m = new Float64Array(parameters.length);
    const v = new Float64Array(parameters.length);
    for (let step = 0; step < 3; step++) {
      const momentum = engine.state.momentum;
      await engine.step(randomBatch(step), scheduleAt(step, 100, optimizer));
      const rate = learningRateAt(step, 100, optimizer);
      for (let i = 0; i < parameters.length; i++) {
        // The gradient itself is not an output: it is what the momentum changed by.
        const g = (engine.state.momentum[i] - optimizer.beta1 * momentum[i]) / (1 - optimizer.beta1);
        m[i] = optimizer.beta1 * m[i] + (1 - optimizer.beta1) * g;
        v[i] = optimizer.beta2 * v[i] + (1 - optimizer.beta2) * g * g;
        const mHat = m[i] / (1 - optimizer.beta1 ** (step + 1));
        const vHat = v[i] / (1 - optimizer.beta2 ** (step + 1));
        const decay = optimizer.weightDecay * parameters[i];
        parameters[i] -= rate * (mHat / (Math.sqrt(vHat) + optimizer.epsilon) + decay);
      }
    }
    await engine.close();
    const worst = engine.state.parameters.reduce(
      (max, value, i) => Math.max(max, Math.abs(value - parameters[i])),
      0,
    );
    expect(worst).toBeLessThan(1e-5);
  });

  it('clips the whole gradient to the given norm', async () => {
    const engine = await engineFor(loss, { ...defaultOptimizer, clip: 1e-3 });
    const { gradientNorm } = await engine.step(randomBatch(1), scheduleAt(0, 10, defaultOptimizer));
    await engine.close();
    const norm = Math.hypot(...engine.state.momentum) / (1 - defaultOptimizer.beta1);
    expect(gradientNorm).toBeGreaterThan(1e-2);
    expect(norm).toBeCloseTo(1e-3, 6);
  });
});

describe('the learning rate', () => {
  it('warms up to its peak and falls to its end', () => {
    const settings = { ...defaultOptimizer, warmup: 10, learningRate: 1, finalShare: 0.1 };
    expect(learningRateAt(0, 100, settings)).toBeCloseTo(0.1);
    expect(learningRateAt(9, 100, settings)).toBeCloseTo(1);
    expect(learningRateAt(55, 100, settings)).toBeCloseTo(0.55);
    expect(learningRateAt(100, 100, settings)).toBeCloseTo(0.1);
  });
});

describe('the default network', () => {
  it('is built with backgrounds and exchange at once', () => {
    const full = parameterLayout(defaultNetwork, 96);
    const bytes = buildTrainingStep(full, defaultNetwork, defaultLoss, defaultOptimizer, {
      inputSize: 96,
      pairs: 8,
      queryGrid: 24,
      backgrounds: 1,
    });
    expect(bytes.length).toBeGreaterThan(10_000);
  });
});
