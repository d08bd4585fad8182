/** The settings of a training: one plain JSON object, every key optional, unknown keys refused. */
import { InputError } from '../errors.ts';
import type { BatchSettings } from './batch-settings.ts';
import { defaultBatchSettings, parseBatchSettings } from './batch-settings.ts';
import { defaultLoss } from './dve-loss.ts';
import type { LossSettings } from './dve-loss.ts';
import { defaultMatchingHead } from './export.ts';
import type { MatchingHeadSettings } from './matching-head.ts';
import type { NetworkSettings } from './network.ts';
import { checkInputSize, defaultNetwork, networkStride } from './network.ts';
import type { OptimizerSettings } from './optimizer.ts';
import { defaultOptimizer } from './optimizer.ts';
import type { TurnSettings } from './turned-pool.ts';
import { defaultTurns } from './turned-pool.ts';
import type { VideoSettings } from './video-settings.ts';
import { defaultVideoSettings, parseVideoSettings } from './video-settings.ts';

export type TrainingConfig = {
  /** What the pictures show, for example `face`; goes into the manifest. */ category: string;
  /** Steps of the whole training; the learning rate falls to its end by then. */ steps: number;
  /** Seed of the weights and of every batch. */ seed: number;
  /** Steps between checkpoints. */ checkpointEvery: number;
  /** Steps between evaluations, where there is something to evaluate on. */ evaluateEvery: number;
  /** ROI side over object size that the model is meant for. */ cropMargin: number;
  network: NetworkSettings;
  loss: LossSettings;
  optimizer: OptimizerSettings;
  head: MatchingHeadSettings;
  batch: BatchSettings;
  /** Out-of-plane views, where 3-D points of the pictures are given. */ turns: TurnSettings;
  /** Pairs of video frames, where videos are given. */ videos: VideoSettings;
};

export const defaultConfig: TrainingConfig = {
  category: 'object',
  steps: 10_000,
  seed: 1,
  checkpointEvery: 500,
  evaluateEvery: 500,
  cropMargin: 1.6,
  network: defaultNetwork,
  loss: defaultLoss,
  optimizer: defaultOptimizer,
  head: defaultMatchingHead,
  batch: { ...defaultBatchSettings, backgrounds: 1 },
  turns: defaultTurns,
  videos: defaultVideoSettings,
};

type Rule = { least: number; greatest: number; whole?: boolean } | { choices: readonly string[] };

const whole = (least: number, greatest: number): Rule => ({ least, greatest, whole: true });
const number = (least: number, greatest: number): Rule => ({ least, greatest });

const rules: Record<string, Rule> = {
  steps: whole(1, 1e8),
  seed: whole(0, 2 ** 32 - 1),
  checkpointEvery: whole(1, 1e8),
  evaluateEvery: whole(1, 1e8),
  cropMargin: number(0.5, 10),
  'network.kind': { choices: ['light', 'smallnet', 'hourglass'] },
  'network.embeddingSize': whole(2, 1024),
  'network.widths': whole(1, 2048),
  'loss.temperature': number(1e-3, 10),
  'loss.exponent': number(0.05, 4),
  'loss.exchange': number(0, 1),
  'loss.auxiliaries': whole(1, 64),
  'loss.auxiliaryGrid': whole(1, 512),
  'loss.backgroundGrid': whole(1, 512),
  'loss.annotationWeight': number(0, 100),
  'optimizer.learningRate': number(0, 1),
  'optimizer.finalShare': number(0, 1),
  'optimizer.warmup': whole(0, 1e6),
  'optimizer.beta1': number(0, 0.9999),
  'optimizer.beta2': number(0, 0.99999),
  'optimizer.epsilon': number(1e-12, 1),
  'optimizer.clip': number(1e-6, 1e12),
  'optimizer.weightDecay': number(0, 1),
  'optimizer.statisticsDecay': number(0, 0.99999),
  'optimizer.averageDecay': number(0, 0.99999),
  'head.temperature': number(1e-3, 10),
  'head.radius': whole(0, 16),
  'head.confidence.slope': number(0, 1000),
  'head.confidence.midpoint': number(-1, 1),
  'turns.share': number(0, 1),
  'turns.perPicture': whole(1, 1000),
  'turns.yaw': number(0, 80),
  'turns.pitch': number(0, 80),
  'turns.side': whole(32, 512),
};

const refuse = (path: string, value: unknown, wanted: string): never => {
  throw new InputError(`config.${path} is ${JSON.stringify(value)} but has to be ${wanted}.`);
};

const checkNumber = (path: string, value: unknown): unknown => {
  const rule = rules[path];
  if ('choices' in rule) return value;
  const { least, greatest } = rule;
  const kind = rule.whole ? 'a whole number' : 'a number';
  const fits = typeof value === 'number' && value >= least && value <= greatest;
  if (!fits || (rule.whole && !Number.isInteger(value))) {
    refuse(path, value, `${kind} from ${least} to ${greatest}`);
  }
  return value;
};

const merge = (path: string, value: unknown, fallback: unknown): unknown => {
  if (value === undefined) return fallback;
  if (typeof fallback === 'number') return checkNumber(path, value);
  if (typeof fallback === 'string') {
    const rule = path in rules ? rules[path] : undefined;
    const choices = rule && 'choices' in rule ? rule.choices : undefined;
    const fits = typeof value === 'string' && value !== '' && (choices?.includes(value) ?? true);
    if (!fits) refuse(path, value, choices ? `one of ${choices.join(', ')}` : 'a text');
    return value;
  }
  if (Array.isArray(fallback)) {
    if (!Array.isArray(value) || value.length < 2)
      return refuse(path, value, 'a list of two numbers or more');
    return value.map((entry) => checkNumber(path, entry));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse(path, value, 'an object');
  }
  const known = Object.entries(fallback as Record<string, unknown>);
  const given = new Map<string, unknown>(Object.entries(value));
  for (const key of given.keys()) {
    if (known.some(([name]) => name === key)) continue;
    const where = path === '' ? 'config' : `config.${path}`;
    throw new InputError(
      `${where} has the unknown key "${key}". Known keys: ${known.map(([name]) => name).join(', ')}.`,
    );
  }
  return Object.fromEntries(
    known.map(([key, inner]) => [key, merge(path === '' ? key : `${path}.${key}`, given.get(key), inner)]),
  );
};

/** What must hold between settings. */
const checkTogether = ({ network, loss, batch, optimizer, steps }: TrainingConfig): void => {
  checkInputSize(network, batch.inputSize);
  const side = batch.inputSize / networkStride;
  const grids = {
    'batch.queryGrid': batch.queryGrid,
    'loss.auxiliaryGrid': loss.auxiliaryGrid,
    'loss.backgroundGrid': loss.backgroundGrid,
  };
  for (const [name, grid] of Object.entries(grids)) {
    if (side % grid !== 0) {
      throw new InputError(
        `config.${name} is ${grid} but the embedding map has ${side} cells a side. Use a divisor of ${side}.`,
      );
    }
  }
  if (loss.exchange > 0 && loss.auxiliaries >= batch.pairs) {
    throw new InputError(
      `config.loss.auxiliaries is ${loss.auxiliaries} but a batch has ${batch.pairs} pairs. Use fewer auxiliaries or more pairs.`,
    );
  }
  if (optimizer.warmup >= steps && steps > 1) {
    throw new InputError(
      `config.optimizer.warmup is ${optimizer.warmup} but the training has ${steps} steps. Use fewer warm-up steps.`,
    );
  }
};

/**
 * Completes settings with the defaults and checks them.
 * @param value plain JSON object
 * @throws InputError for an unknown key, a wrong type, a number out of bounds, or settings that exclude each other
 */
export const parseConfig = (value: unknown): TrainingConfig => {
  const { batch, videos, ...rest } = defaultConfig;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(
      'The config has to be one JSON object. "dve train --print-config" prints a valid one.',
    );
  }
  const { batch: givenBatch, videos: givenVideos = videos, ...givenRest } = value as Record<string, unknown>;
  const merged = merge('', givenRest, rest) as Omit<TrainingConfig, 'batch' | 'videos'>;
  const batchWithDefaults =
    typeof givenBatch === 'object' && givenBatch !== null && !Array.isArray(givenBatch)
      ? { backgrounds: batch.backgrounds, ...givenBatch }
      : (givenBatch ?? batch);
  // A short run keeps a share of it for the warm-up rather than being refused.
  const warmup = Math.min(merged.optimizer.warmup, Math.floor(merged.steps / 5));
  const config: TrainingConfig = {
    ...merged,
    optimizer: { ...merged.optimizer, warmup },
    batch: parseBatchSettings(batchWithDefaults, 'config.batch'),
    videos: parseVideoSettings(givenVideos, 'config.videos'),
  };
  checkTogether(config);
  return config;
};
