import { InputError } from '../errors.ts';
import { defaultVideoPairSettings, parseVideoPairSettings } from './video-pair-settings.ts';
import type { VideoPairSettings } from './video-pair-settings.ts';

/** How training uses videos: a plain JSON object. */
export type VideoSettings = {
  /** Share of the pairs of a batch that come from videos where there are pictures, too, 0–1. */ share: number;
  /** Pairs that are kept in memory, of all videos together; one takes 13 bytes per pixel of `pairs.side`². */
  poolPairs: number;
  /** How much of a pair's picture counts that stands still, or lies beside the object's region, 0–1. */
  stillWeight: number;
  /** Side of the square that is cut around a region, over the region's: room for the views to move in. */
  context: number;
  self: SelfSettings;
  pairs: VideoPairSettings;
};

/** When and how the object is searched in the videos by the network that is being trained. */
export type SelfSettings = {
  /** Steps on pictures before the first search; none after `--init`. */ start: number;
  /** Steps from one search to the next. */ every: number;
  /** Searches. */ rounds: number;
  /** Frames from one that is searched to the next, at least. */ frameStep: number;
  /** Network runs that one frame may take. */ budget: number;
};

export const defaultVideoSettings: VideoSettings = {
  share: 0.5,
  poolPairs: 1000,
  stillWeight: 0.1,
  context: 1.5,
  self: { start: 2000, every: 4000, rounds: 2, frameStep: 5, budget: 48 },
  pairs: defaultVideoPairSettings,
};

/** Inclusive bounds. */
const bounds: Record<string, [number, number]> = {
  share: [0, 1],
  poolPairs: [1, 1_000_000],
  stillWeight: [0.004, 1],
  context: [1, 4],
  'self.start': [1, 1e8],
  'self.every': [1, 1e8],
  'self.rounds': [1, 100],
  'self.frameStep': [1, 100_000],
  'self.budget': [1, 10_000],
};
const isWhole = (path: string): boolean => path === 'poolPairs' || path.startsWith('self.');

const merge = (name: string, path: string, value: unknown, fallback: unknown): unknown => {
  if (value === undefined) return fallback;
  const label = path === '' ? name : `${name}.${path}`;
  const refuse = (wanted: string): never => {
    throw new InputError(
      `${label} is ${JSON.stringify(value)} but has to be ${wanted}. Correct it or leave it out.`,
    );
  };
  if (path === 'pairs') return parseVideoPairSettings(value, label);
  if (typeof fallback === 'number') {
    const [low, high] = bounds[path];
    const fits = typeof value === 'number' && value >= low && value <= high;
    if (fits && (!isWhole(path) || Number.isInteger(value))) return value;
    return refuse(`${isWhole(path) ? 'a whole number' : 'a number'} from ${low} to ${high}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse('an object');
  const known = Object.entries(fallback as Record<string, unknown>);
  const given = new Map<string, unknown>(Object.entries(value));
  for (const key of given.keys()) {
    if (known.some(([other]) => other === key)) continue;
    throw new InputError(
      `${label} has the unknown key "${key}". Known keys: ${known.map(([other]) => other).join(', ')}. Correct it or leave it out.`,
    );
  }
  return Object.fromEntries(
    known.map(([key, inner]) => [
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
export const parseVideoSettings = (value: unknown, name = 'videos'): VideoSettings =>
  merge(name, '', value, defaultVideoSettings) as VideoSettings;
