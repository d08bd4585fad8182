import { median } from '../geometry/statistics.ts';

/** When a frame was captured, and how it lies among those before it. */
export type FrameTime = {
  /** Seconds. */ timestamp: number;
  /** How long until the next frame, in intervals from the last frame to this one: below 1 after dropped frames. */
  lead: number;
};

/** Intervals that are remembered: some may have been lengthened by dropped frames. */
const remembered = 5;
/** Intervals this much longer or shorter than usual are regular: timestamps are rounded. */
const tolerance = 1.25;

/** Follows capture times. Missing, repeated and backward ones never break anything. */
export class FrameClock {
  #timestamp = 0;
  #intervals: number[] = [];

  /** @param timestamp seconds; a missing one is bridged by the usual interval, others are taken as they are */
  note(timestamp: number | undefined): FrameTime {
    const known = timestamp !== undefined && Number.isFinite(timestamp);
    const usual = this.#intervals.length === 0 ? 1 / 30 : median(this.#intervals);
    const time = known ? timestamp : this.#timestamp + usual;
    const interval = time - this.#timestamp;
    this.#timestamp = time;
    if (!known || interval <= 0 || interval >= 1) return { timestamp: time, lead: 1 };
    const ratio = this.#intervals.length === 0 ? 1 : usual / interval;
    this.#intervals = [...this.#intervals, interval].slice(-remembered);
    return { timestamp: time, lead: ratio < tolerance && ratio > 1 / tolerance ? 1 : ratio };
  }
}
