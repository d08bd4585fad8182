/** The settings of a training: one plain JSON object, every key optional, unknown keys refused. */
import { InputError } from '../../errors.ts';
import type { BatchSettings } from './batch-settings.ts';
import { batchRules, defaultBatchSettings } from './batch-settings.ts';
import type { Rules } from './check-settings.ts';
import { checkSettings, group, number, showSettings, text, whole, wholeList } from './check-settings.ts';
import { defaultLoss } from '../step/dve-loss.ts';
import type { LossSettings } from '../step/dve-loss.ts';
import { defaultMatchingHead } from '../network/export.ts';
import type { MatchingHeadSettings } from '../network/matching-head.ts';
import type { NetworkSettings } from '../network/networks.ts';
import { checkInputSize, defaultNetwork, networkStride } from '../network/networks.ts';
import type { OptimizerSettings } from '../graph/adam.ts';
import { defaultOptimizer } from '../graph/adam.ts';
import type { RigSettings } from './rig-settings.ts';
import { defaultRig, rigRules } from './rig-settings.ts';
import type { TurnSettings } from './turn-settings.ts';
import { defaultTurns } from './turn-settings.ts';
import type { VideoSettings } from './video-settings.ts';
import { checkMotion } from './video-pair-settings.ts';
import { defaultVideoSettings, videoRules } from './video-settings.ts';

/** Settings of a training, whole; `dve train --print-config` shows each with its bounds. */
export type TrainingConfig = {
  /** What the pictures show, for example `face`; goes into the manifest. */ category: string;
  /** Steps of the whole training; the learning rate falls to its end by then. */ steps: number;
  /** Seed of the weights and of every batch. */ seed: number;
  /** Steps between checkpoints. */ checkpointEvery: number;
  /** Steps between evaluations, where there is something to evaluate on. */ evaluateEvery: number;
  /** ROI side over object size that the model is meant for. */ cropMargin: number;
  /** The network's kind and size. */ network: NetworkSettings;
  /** What is minimised. */ loss: LossSettings;
  /** Adam and its schedule. */ optimizer: OptimizerSettings;
  /** How the exported model turns similarities into positions. */ head: MatchingHeadSettings;
  /** What a step is fed: views, warps, colours. */ batch: BatchSettings;
  /** Out-of-plane views, where 3-D points of the pictures are given. */ turns: TurnSettings;
  /** Views drawn by a rig, where one is given. */ rig: RigSettings;
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
  rig: defaultRig,
  videos: defaultVideoSettings,
};

/** Steps from one checkpoint or evaluation to the next. */
const everySteps = (about: string) => whole(1, 1e8, about);

const networkRules: Rules<NetworkSettings> = {
  kind: text('Network.', ['light', 'smallnet', 'hourglass']),
  embeddingSize: whole(2, 1024, 'Channels of the embedding; a multiple of 4.'),
  widths: wholeList(
    1,
    2048,
    'Of light: channels at 1/2, 1/4, 1/8 … of the input; multiples of 4. The rest ignores it.',
  ),
};

const lossRules: Rules<LossSettings> = {
  temperature: number(1e-3, 10, 'Softmax temperature on cosine similarity.'),
  exponent: number(0.05, 4, 'The loss is the expected distance in grid cells to this power.'),
  exchange: number(0, 1, 'Share of the pairs that go through auxiliary pictures; 0 is the plain loss.'),
  auxiliaries: whole(1, 64, 'Auxiliary pictures a pair; fewer than batch.pairs.'),
  auxiliaryGrid: whole(1, 512, 'Cells per side of an auxiliary map; a divisor of batch.inputSize / 2.'),
  backgroundGrid: whole(1, 512, 'Cells per side of a background map; a divisor of batch.inputSize / 2.'),
  annotationWeight: number(0, 100, 'Weight of annotated landmarks, where there are any, against the rest.'),
};

const optimizerRules: Rules<OptimizerSettings> = {
  learningRate: number(0, 1, 'Peak learning rate of Adam.'),
  finalShare: number(0, 1, 'Share of the peak that is left at the last step.'),
  warmup: whole(0, 1e6, 'Steps of linear warm-up; a fifth of all steps at most.'),
  beta1: number(0, 0.9999, 'Share of the mean gradient that a step keeps.'),
  beta2: number(0, 0.99999, 'Share of the mean squared gradient that a step keeps.'),
  epsilon: number(1e-12, 1, 'Added to the root of the mean squared gradient.'),
  clip: number(1e-6, 1e12, 'Greatest norm of the whole gradient; longer ones are scaled down to it.'),
  weightDecay: number(0, 1, 'Decoupled weight decay a step, times the learning rate.'),
  statisticsDecay: number(0, 0.99999, 'Share of the running batch-norm statistics that a step keeps.'),
  averageDecay: number(0, 0.99999, 'Share of the averaged weights that a step keeps; 0 turns averaging off.'),
};

const headRules: Rules<MatchingHeadSettings> = {
  temperature: number(
    1e-3,
    10,
    'Softmax temperature on cosine similarity; five eighths of it around the nearest cell.',
  ),
  confidence: group<MatchingHeadSettings['confidence']>(
    'Confidence of a match: sigmoid(slope · (cosine − midpoint)).',
    { slope: number(0, 1000, 'Steepness.'), midpoint: number(-1, 1, 'Cosine of confidence 0.5.') },
  ),
};

const turnRules: Rules<TurnSettings> = {
  share: number(0, 1, 'Share of the pairs that are a picture and one of its turned views.'),
  perPicture: whole(1, 1000, 'Turned views of each picture.'),
  yaw: number(0, 80, 'Greatest turn about the vertical axis, either way, degrees.'),
  pitch: number(0, 80, 'Greatest turn about the horizontal axis, either way, degrees.'),
  side: whole(32, 512, 'Side of the pictures that are turned, pixels.'),
};

export const configRules: Rules<TrainingConfig> = {
  category: text('What the pictures show, for example face; goes into the manifest.'),
  steps: everySteps('Steps of the whole training; the learning rate falls to its end by then.'),
  seed: whole(0, 2 ** 32 - 1, 'Seed of the weights and of every batch.'),
  checkpointEvery: everySteps('Steps between checkpoints.'),
  evaluateEvery: everySteps('Steps between evaluations, with --evaluate.'),
  cropMargin: number(0.5, 10, 'Side of the tracked square over the size of the object.'),
  network: group('The network that is trained.', networkRules),
  loss: group('Descriptor Vector Exchange loss.', lossRules),
  optimizer: group('Adam, its schedule, and averaged weights.', optimizerRules),
  head: group('How an exported model finds landmarks in its embedding.', headRules),
  batch: group('What a batch is made of, and how its views are drawn.', batchRules),
  turns: group('Out-of-plane views, with --meshes.', turnRules),
  rig: group('Views drawn by a rig, with --rig.', rigRules),
  videos: group('Pairs of video frames, with --videos.', videoRules),
};

/** What must hold between settings. */
const checkTogether = ({ network, loss, batch, videos }: TrainingConfig, name: string): void => {
  checkInputSize(network, batch.inputSize);
  const side = batch.inputSize / networkStride(network);
  const grids = {
    'batch.queryGrid': batch.queryGrid,
    'loss.auxiliaryGrid': loss.auxiliaryGrid,
    'loss.backgroundGrid': loss.backgroundGrid,
  };
  for (const [key, grid] of Object.entries(grids)) {
    if (side % grid !== 0) {
      throw new InputError(
        `${name}.${key} is ${grid} but the embedding map has ${side} cells a side. Use a divisor of ${side}.`,
      );
    }
  }
  if (loss.exchange > 0 && loss.auxiliaries >= batch.pairs) {
    throw new InputError(
      `${name}.loss.auxiliaries is ${loss.auxiliaries} but a batch has ${batch.pairs} pairs. Use fewer auxiliaries or more pairs.`,
    );
  }
  checkMotion(videos.pairs, `${name}.videos.pairs`);
};

/** Configs and checkpoints of before have a window, `head.radius`, that no head has any more. */
const withoutOldWindow = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || !('head' in value)) return value;
  const { head } = value;
  if (typeof head !== 'object' || head === null || !('radius' in head)) return value;
  return { ...value, head: Object.fromEntries(Object.entries(head).filter(([key]) => key !== 'radius')) };
};

/**
 * Completes settings with the defaults and checks them.
 * @param value plain JSON object
 * @param name how messages call the object
 * @param defaults what is left out is as here
 * @throws InputError for an unknown key, a wrong type, a number out of bounds, or settings that exclude each other
 */
export const parseConfig = (value: unknown, name = 'config', defaults = defaultConfig): TrainingConfig => {
  const given = checkSettings(withoutOldWindow(value), defaults, configRules, name);
  // A short run keeps a share of it for the warm-up rather than being refused.
  const warmup = Math.min(given.optimizer.warmup, Math.floor(given.steps / 5));
  const config: TrainingConfig = { ...given, optimizer: { ...given.optimizer, warmup } };
  checkTogether(config, name);
  return config;
};

/** A config as JSON with a comment above each key; `parseConfig(parseJsonc(…))` reads it back. */
export const showConfig = (config: TrainingConfig): string =>
  `// Settings of "dve train --config FILE". Whatever is left out is as "dve train --print-config" shows it.\n${showSettings(config, configRules)}`;
