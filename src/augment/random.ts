/**
 * Seeded pseudo-random numbers (sfc32 behind a 32-bit mixing of the key).
 * Every draw is a pure function of the key and of how many numbers were drawn before it.
 */
export type Random = {
  /** Uniform in [min, max). */ uniform(min?: number, max?: number): number;
  /** Normal, cut off at three standard deviations so that no draw is absurd. */
  normal(mean?: number, sd?: number): number;
  /** 32 random bits, as an unsigned integer. */ bits(): number;
  /** Uniform integer in [0, count). */ int(count: number): number;
  /** True with the given probability. */ chance(probability: number): boolean;
  /** Shuffles in place (Fisher–Yates) and returns the same array. */
  shuffle<T extends { [index: number]: number; length: number }>(array: T): T;
  /** Independent stream; depends on the keys alone, never on how many numbers were drawn so far. */
  split(...key: number[]): Random;
};

/** Mixes one 32-bit word into a running hash (multiply, xor-shift). */
const mix = (hash: number, word: number): number => {
  let h = Math.imul(hash ^ word, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca77);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae3d);
  return (h ^ (h >>> 16)) >>> 0;
};

/**
 * @param key integers that name the stream, for example (seed, step, item)
 */
export const createRandom = (...key: number[]): Random => {
  let hash = mix(0x2545f491, key.length);
  for (const number of key) {
    // Both halves of integers beyond 32 bits count.
    hash = mix(mix(hash, number >>> 0), Math.floor(number / 2 ** 32) >>> 0);
  }
  let a = mix(hash, 1);
  let b = mix(hash, 2);
  let c = mix(hash, 3);
  let counter = 1;
  const bits = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return t >>> 0;
  };
  const next = (): number => bits() / 2 ** 32;
  for (let i = 0; i < 12; i++) bits();

  const uniform = (min = 0, max = 1): number => min + (max - min) * next();
  const int = (count: number): number => Math.floor(next() * count);
  const normal = (mean = 0, sd = 1): number => {
    for (;;) {
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      const value = radius * Math.cos(2 * Math.PI * next());
      if (Math.abs(value) <= 3) return mean + sd * value;
    }
  };
  return {
    uniform,
    normal,
    bits,
    int,
    chance: (probability) => next() < probability,
    shuffle: (array) => {
      for (let i = array.length - 1; i > 0; i--) {
        const j = int(i + 1);
        const kept = array[i];
        array[i] = array[j];
        array[j] = kept;
      }
      return array;
    },
    split: (...more) => createRandom(...key, ...more),
  };
};
