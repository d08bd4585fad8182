import { InputError } from '../errors.ts';
import { parseConfig, type TrainingConfig } from '../train/settings/config.ts';

/** Some of the settings, as deep as they go. */
type Partly<Value> = Value extends readonly unknown[]
  ? Value
  : Value extends object
    ? { [Key in keyof Value]?: Partly<Value[Key]> }
    : Value;

/** Settings of a training in a browser; what is left out has the default. */
export type TrainingSettings = Partly<TrainingConfig>;

/**
 * Where a browser's defaults differ from the command line's: a smaller network and batch, fewer steps, fewer pairs in
 * memory. Channel counts are multiples of 4, which ONNX Runtime's convolutions on WebGPU need.
 */
export const browserDefaults = {
  steps: 2000,
  network: { embeddingSize: 32, widths: [16, 32, 64, 96, 96] },
  batch: { pairs: 6, base: { centerX: 0.5, centerY: 0.5, side: 0.89 } },
  videos: { poolPairs: 400 },
} as const satisfies TrainingSettings;

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const merge = (defaults: unknown, given: unknown): unknown => {
  if (given === undefined) return defaults;
  if (!isPlain(defaults) || !isPlain(given)) return given;
  const keys = new Set([...Object.keys(defaults), ...Object.keys(given)]);
  return Object.fromEntries([...keys].map((key) => [key, merge(defaults[key], given[key])]));
};

/** @throws InputError for settings that do not exist or fit, and for regions that need what browsers do not have */
export const completeSettings = (settings: TrainingSettings = {}): TrainingConfig => {
  if (!isPlain(settings)) {
    throw new InputError('createTraining(): config has to be an object. Leave it out for the defaults.');
  }
  return parseConfig(merge(browserDefaults, settings));
};
