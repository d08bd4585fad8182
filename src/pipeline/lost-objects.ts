import type { Roi } from '../geometry/roi.ts';
import type { Appearance, Portrait } from './appearance.ts';

/** What is known of an object that is not in sight. */
export type LostObject = {
  id: number;
  portrait: Portrait;
  /** Where it was seen last, image pixels. */ roi: Roi;
  /** When, seconds. */ timestamp: number;
};

/** Seconds after which an object is forgotten. */
const longest = 60;
/** Objects that are remembered. */
const most = 32;
/**
 * How much (see `resemblance`) a found object must be like a lost one to be it, less what its place tells. Chosen by
 * test/bench/objects/several.ts.
 */
const leastResemblance = 0.45;
/** What it tells that an object is found at the very place where one was lost a moment ago. */
const nearnessWeight = 0.2;
/** Seconds in which where an object was lost becomes worthless. */
const placeMemory = 3;

/** The objects that were lost: who is found may be one of them. */
export class LostObjects {
  #objects: LostObject[] = [];

  add(object: LostObject): void {
    this.#objects = [...this.#objects, object].slice(-most);
  }

  /** Forgets all of them. */
  clear(): void {
    this.#objects = [];
  }

  /**
   * Which of them an object is, by appearance and by place; it is then no longer lost.
   * @param timestamp seconds
   * @returns undefined for one that was never seen
   */
  take(appearance: Appearance, roi: Roi, timestamp: number): LostObject | undefined {
    this.#objects = this.#objects.filter((lost) => Math.abs(timestamp - lost.timestamp) <= longest);
    let best: LostObject | undefined;
    let bestScore = leastResemblance;
    for (const lost of this.#objects) {
      const score = lost.portrait.resembles(appearance) + nearnessWeight * nearness(lost, roi, timestamp);
      if (score < bestScore) continue;
      best = lost;
      bestScore = score;
    }
    this.#objects = this.#objects.filter((lost) => lost !== best);
    return best;
  }
}

/** 1 at the place and time of the loss, 0 far from either. */
const nearness = (lost: LostObject, { center, size }: Roi, timestamp: number): number => {
  const distance = Math.hypot(center.x - lost.roi.center.x, center.y - lost.roi.center.y);
  const sides = distance / Math.max(size, lost.roi.size);
  return Math.exp(-(sides ** 2) - Math.abs(timestamp - lost.timestamp) / placeMemory);
};
