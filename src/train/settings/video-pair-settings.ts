import { InputError } from '../../errors.ts';
import { number, whole } from './check-settings.ts';
import type { Rules } from './check-settings.ts';

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
  /**
   * Frames that a chain of flows is carried over: pairs are then of frames any distance apart within it, up to all of it, in
   * which what bends is bent otherwise. 0: pairs are of one flow, at most `maxStep` apart.
   */
  chain: number;
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
  chain: 0,
};

export const videoPairRules: Rules<VideoPairSettings> = {
  side: whole(32, 512, 'Side of the pictures that are cut out, pixels.'),
  maxSide: whole(32, 8192, 'Longer side that frames are decoded at, at most, pixels.'),
  frameStep: whole(1, 100_000, 'Frames from the beginning of one pair to the next, at least.'),
  pairsPerVideo: whole(1, 100_000, 'Pairs of one video, at most.'),
  maxStep: whole(1, 500, 'Frames between the two of a pair, at most; bounds the memory with maxSide.'),
  leastMotion: number(0, 100, 'The fastest twentieth of the pixels of a pair moves at least so far, pixels.'),
  greatestMotion: number(0.1, 100, 'It moves at most so far, pixels; at least twice leastMotion.'),
  greatestMedian: number(0.1, 100, 'Half of the pixels of a pair move at most so far, pixels.'),
  leastCoverage: number(0, 1, 'Share of the pixels whose flow has to pass the forward-backward test.'),
  tries: whole(1, 20, 'Distances in time that are tried before a frame is given up.'),
  chain: whole(
    0,
    500,
    'Frames that flows in a row are followed over, for pairs further apart; 0: one flow a pair. Bounds the memory.',
  ),
};

/**
 * Between 1.3 × the least and 0.7 × the greatest the motion of a pair is drawn.
 * @throws InputError where that leaves nothing
 */
export const checkMotion = ({ greatestMotion, leastMotion }: VideoPairSettings, name: string): void => {
  if (greatestMotion >= 2 * leastMotion) return;
  throw new InputError(
    `${name}.greatestMotion is ${greatestMotion} and leastMotion ${leastMotion}. Make the first at least twice the second.`,
  );
};
