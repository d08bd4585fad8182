import { InputError } from '../errors.ts';

/** How pairs are chosen from videos: a plain JSON object. */
export type VideoPairSettings = {
  /** Side of the pictures that are cut out, pixels. */ side: number;
  /** Longer side that frames are decoded at, at most, pixels. */ maxSide: number;
  /** Frames from the beginning of one pair to the next, at least. */ frameStep: number;
  /** Pairs of one video, at most: a long one is gone through in longer steps. */ pairsPerVideo: number;
  /** k at most: frames between the two of a pair. With `maxSide` it bounds the memory. */ maxStep: number;
  /** The fast pixels (one in twenty is faster) of a pair move at least so far, pixels. */ leastMotion: number;
  /** … and at most so far. */ greatestMotion: number;
  /** Half of the pixels move at most so far, pixels. */ greatestMedian: number;
  /** Share of the pixels whose flow must pass the forward–backward test, 0–1. */ leastCoverage: number;
  /** Values of k that are tried before a frame is given up. */ tries: number;
};

/** Bounds of the motion as measured for the flow at this size: it follows up to about 20 px. */
export const defaultVideoPairSettings: VideoPairSettings = {
  side: 128,
  maxSide: 640,
  frameStep: 5,
  pairsPerVideo: 60,
  maxStep: 24,
  leastMotion: 1,
  greatestMotion: 18,
  greatestMedian: 12,
  leastCoverage: 0.8,
  tries: 4,
};

/** Inclusive bounds. */
const bounds: Record<keyof VideoPairSettings, [number, number]> = {
  side: [32, 512],
  maxSide: [32, 8192],
  frameStep: [1, 100_000],
  pairsPerVideo: [1, 100_000],
  maxStep: [1, 500],
  leastMotion: [0, 100],
  greatestMotion: [0.1, 100],
  greatestMedian: [0.1, 100],
  leastCoverage: [0, 1],
  tries: [1, 20],
};
const wholeNumbers = new Set(['side', 'maxSide', 'frameStep', 'pairsPerVideo', 'maxStep', 'tries']);

/**
 * Completes settings with the defaults.
 * @param value plain JSON object, every key optional
 * @param name how the object is called in messages
 * @throws InputError for an unknown key, a wrong type, or a number out of bounds
 */
export const parseVideoPairSettings = (value: unknown, name = 'videoPairs'): VideoPairSettings => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(
      `${name} is ${JSON.stringify(value)} but has to be an object. Correct it or leave it out.`,
    );
  }
  const settings = { ...defaultVideoPairSettings };
  for (const [key, given] of Object.entries(value) as [string, unknown][]) {
    if (!isKey(key)) {
      throw new InputError(
        `${name} has the unknown key "${key}". Known keys: ${Object.keys(bounds).join(', ')}. Correct it or leave it out.`,
      );
    }
    const [low, high] = bounds[key];
    const whole = wholeNumbers.has(key);
    if (
      typeof given !== 'number' ||
      !(given >= low && given <= high) ||
      (whole && !Number.isInteger(given))
    ) {
      throw new InputError(
        `${name}.${key} is ${JSON.stringify(given)} but has to be ${whole ? 'a whole number' : 'a number'} from ${low} to ${high}. Correct it or leave it out.`,
      );
    }
    settings[key] = given;
  }
  // Between 1.3 × the least and 0.7 × the greatest the motion of a pair is drawn.
  if (settings.greatestMotion < 2 * settings.leastMotion) {
    throw new InputError(
      `${name}.greatestMotion is ${settings.greatestMotion} and leastMotion ${settings.leastMotion}. Make the first at least twice the second.`,
    );
  }
  return settings;
};

const isKey = (key: string): key is keyof VideoPairSettings => Object.hasOwn(bounds, key);
