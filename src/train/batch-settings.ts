import { InputError } from '../errors.ts';
import type { PhotometricSettings } from './photometric.ts';
import type { CropBase, WarpSettings } from './warps.ts';

/** Everything that shapes a training batch: a plain JSON object. */
export type BatchSettings = {
  /** Side S of every crop, pixels. */ inputSize: number;
  /** Pairs N of a batch, each from another picture. */ pairs: number;
  /** Query cells per side of the source view. */ queryGrid: number;
  /** Crops K of a batch that show no object. */ backgrounds: number;
  /** Share of the pairs that show annotated landmarks in two pictures, where there are annotations, 0–1. */
  annotatedShare: number;
  /** The canonical crop of a picture. */ base: CropBase;
  /** Central share of the canonical crop that background crops keep clear of, of its side. */
  objectShare: number;
  geometric: WarpSettings;
  photometric: PhotometricSettings;
  occlusion: {
    /** Share of views with a patch drawn over them, 0–1. */ share: number;
    /** Least and greatest side of the patch, of the crop's side. */ size: [number, number];
  };
  /** Each view's picture is sampled this many mip levels too coarse at most (half as many too fine). */
  softness: number;
};

export const defaultBatchSettings: BatchSettings = {
  inputSize: 96,
  pairs: 8,
  queryGrid: 24,
  backgrounds: 0,
  annotatedShare: 0.25,
  base: { centerX: 0.5, centerY: 0.63, side: 0.89 },
  objectShare: 0.625,
  geometric: {
    rotationSd: 17,
    logScaleSd: 0.17,
    wideScaleShare: 0.25,
    wideScaleRange: [0.5, 2],
    translationSd: 0.07,
    poseCorrelation: 0.6,
    aspectSd: 0.06,
    bendSd: 0.02,
    turnSd: 0.03,
    perspectiveSd: 0.06,
  },
  photometric: {
    brightness: 0.35,
    contrast: 0.4,
    saturation: 0.5,
    gamma: 0.3,
    colorCast: 0.06,
    greyShare: 0.2,
    lightingShare: 0.5,
    lighting: 0.5,
    blurShare: 0.3,
    blurSigma: 1.5,
    noiseShare: 0.5,
    noiseSd: 0.04,
    jpegShare: 0.3,
    jpegQuality: [30, 95],
  },
  occlusion: { share: 0.3, size: [0.15, 0.4] },
  softness: 1,
};

/** Inclusive bounds of every number; a pair of them must be in ascending order. */
const bounds: Record<string, [number, number]> = {
  inputSize: [8, 1024],
  pairs: [1, 1024],
  queryGrid: [1, 512],
  backgrounds: [0, 1024],
  annotatedShare: [0, 1],
  'base.centerX': [0, 1],
  'base.centerY': [0, 1],
  'base.side': [0.05, 4],
  objectShare: [0, 1],
  'geometric.rotationSd': [0, 120],
  'geometric.logScaleSd': [0, 1],
  'geometric.wideScaleShare': [0, 1],
  'geometric.wideScaleRange': [0.1, 10],
  'geometric.translationSd': [0, 1],
  'geometric.poseCorrelation': [0, 1],
  'geometric.aspectSd': [0, 0.5],
  'geometric.bendSd': [0, 0.2],
  'geometric.turnSd': [0, 0.2],
  'geometric.perspectiveSd': [0, 0.3],
  'photometric.brightness': [0, 4],
  'photometric.contrast': [0, 4],
  'photometric.saturation': [0, 4],
  'photometric.gamma': [0, 4],
  'photometric.colorCast': [0, 1],
  'photometric.greyShare': [0, 1],
  'photometric.lightingShare': [0, 1],
  'photometric.lighting': [0, 1],
  'photometric.blurShare': [0, 1],
  'photometric.blurSigma': [0.1, 10],
  'photometric.noiseShare': [0, 1],
  'photometric.noiseSd': [0, 1],
  'photometric.jpegShare': [0, 1],
  'photometric.jpegQuality': [1, 100],
  'occlusion.share': [0, 1],
  'occlusion.size': [0.02, 1],
  softness: [0, 4],
};
const wholeNumbers = new Set(['inputSize', 'pairs', 'queryGrid', 'backgrounds']);

const checkNumber = (name: string, path: string, value: unknown): number => {
  const [low, high] = bounds[path];
  const kind = wholeNumbers.has(path) ? 'a whole number' : 'a number';
  const wrong =
    typeof value !== 'number' ||
    !(value >= low && value <= high) ||
    (wholeNumbers.has(path) && !Number.isInteger(value));
  if (wrong) {
    throw new InputError(
      `${name}.${path} is ${JSON.stringify(value)} but has to be ${kind} from ${low} to ${high}. Correct it or leave it out.`,
    );
  }
  return value;
};

const merge = (name: string, path: string, value: unknown, fallback: unknown): unknown => {
  if (value === undefined) return fallback;
  if (typeof fallback === 'number') return checkNumber(name, path, value);
  if (Array.isArray(fallback)) {
    if (!Array.isArray(value) || value.length !== 2) {
      throw new InputError(
        `${name}.${path} is ${JSON.stringify(value)} but has to be two numbers [least, greatest]. Correct it or leave it out.`,
      );
    }
    const range = value.map((entry) => checkNumber(name, path, entry));
    if (range[0] > range[1]) {
      throw new InputError(
        `${name}.${path} runs from ${range[0]} down to ${range[1]}. Put the smaller number first.`,
      );
    }
    return range;
  }
  const label = path === '' ? name : `${name}.${path}`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(
      `${label} is ${JSON.stringify(value)} but has to be an object. Correct it or leave it out.`,
    );
  }
  const known = new Map(Object.entries(fallback as object));
  for (const key of Object.keys(value)) {
    if (!known.has(key)) {
      throw new InputError(
        `${label} has the unknown key "${key}". Known keys: ${[...known.keys()].join(', ')}. Correct it or leave it out.`,
      );
    }
  }
  const given = new Map<string, unknown>(Object.entries(value));
  return Object.fromEntries(
    [...known].map(([key, inner]) => [
      key,
      merge(name, path === '' ? key : `${path}.${key}`, given.get(key), inner),
    ]),
  );
};

/**
 * Completes settings with the defaults.
 * @param value plain JSON object, every key optional
 * @param name how the object is called in messages
 * @throws InputError for an unknown key, a wrong type, or a number out of bounds
 */
export const parseBatchSettings = (value: unknown, name = 'batch'): BatchSettings =>
  merge(name, '', value, defaultBatchSettings) as BatchSettings;
