/** Settings of a One Euro filter. */
export type OneEuroOptions = {
  /** Cut-off frequency at rest, Hz. */ minCutoff: number;
  /** Rise of the cut-off per unit of speed, Hz per (value unit per second). */ beta: number;
  /** Cut-off frequency of the speed estimate, Hz. */ derivativeCutoff: number;
};

/** Share of the new value in an exponential low-pass with this cut-off (Hz), `dt` seconds after the last value. */
export const smoothingFactor = (cutoff: number, dt: number): number => {
  const turns = 2 * Math.PI * cutoff * dt;
  return turns / (1 + turns);
};

/**
 * A low-pass filter whose cut-off rises with speed: calm at rest, quick in motion.
 * Casiez, Roussel, Vogel: "1€ Filter", CHI 2012.
 *
 * A timestamp that repeats, goes back or is missing does not say how much time has passed: the last interval that was
 * known is used for it.
 */
export class OneEuroFilter {
  #options: OneEuroOptions;
  #interval: number;
  #last: { value: number; derivative: number } | undefined;
  #timestamp: number | undefined;

  /** @param interval seconds between values until timestamps tell */
  constructor(options: OneEuroOptions, interval = 1 / 30) {
    this.#options = options;
    this.#interval = interval;
  }

  /**
   * @param value any unit; one that is not finite is answered with the last output and otherwise ignored
   * @param timestamp seconds
   * @param unit what speed is measured in: with an object's size (in the unit of `value`), `beta` fits every resolution
   * @returns the filtered value, same unit
   */
  filter(value: number, timestamp?: number, unit = 1): number {
    if (!Number.isFinite(value)) return this.#last?.value ?? value;
    const dt = this.#elapsed(timestamp);
    if (this.#last === undefined) {
      this.#last = { value, derivative: 0 };
      return value;
    }
    const { minCutoff, beta, derivativeCutoff } = this.#options;
    const slope = (value - this.#last.value) / dt;
    const derivative =
      this.#last.derivative + smoothingFactor(derivativeCutoff, dt) * (slope - this.#last.derivative);
    const share = smoothingFactor(minCutoff + (beta * Math.abs(derivative)) / unit, dt);
    this.#last = { value: this.#last.value + share * (value - this.#last.value), derivative };
    return this.#last.value;
  }

  /** Forgets all values; the next one is answered with itself. */
  reset(): void {
    this.#last = undefined;
    this.#timestamp = undefined;
  }

  #elapsed(timestamp: number | undefined): number {
    if (timestamp === undefined || !Number.isFinite(timestamp)) return this.#interval;
    if (this.#timestamp !== undefined && timestamp > this.#timestamp)
      this.#interval = timestamp - this.#timestamp;
    this.#timestamp = timestamp;
    return this.#interval;
  }
}
