/** Settings of a One Euro filter. */
export type OneEuroOptions = {
  /** Cut-off frequency at rest, Hz. */ minCutoff: number;
  /** Rise of the cut-off per unit of speed, Hz per (value unit per second). */ beta: number;
  /** Cut-off frequency of the estimates of speed and of noise, Hz. */ derivativeCutoff: number;
  /** Speed below so many times that of the values' own noise is none. 0 as in the paper. */ noise: number;
};

/** Share of the new value in an exponential low-pass with this cut-off (Hz), `dt` seconds after the last value. */
export const smoothingFactor = (cutoff: number, dt: number): number => {
  const turns = 2 * Math.PI * cutoff * dt;
  return turns / (1 + turns);
};

/**
 * A low-pass filter whose cut-off rises with speed: calm at rest, quick in motion.
 * Casiez, Roussel, Vogel: "1€ Filter", CHI 2012. With `noise` values that jump to and fro are still: how far a value lies off
 * the line through its neighbours tells noise, whatever the motion.
 *
 * A timestamp that repeats, goes back or is missing does not say how much time has passed: the last interval that was
 * known is used for it.
 */
export class OneEuroFilter {
  #options: OneEuroOptions;
  /** Seconds between values, until timestamps tell. */
  #interval = 1 / 30;
  #value: number | undefined;
  #derivative = 0;
  /** The last value as it came in, and how far it was from the one before. */
  #given = 0;
  #step = 0;
  /** Of the noise of what comes in. */
  #variance = 0;
  #timestamp = Number.NaN;

  constructor(options: OneEuroOptions) {
    this.#options = options;
  }

  /**
   * @param value any unit; one that is not finite is answered with the last output and otherwise ignored
   * @param timestamp seconds
   * @param unit what speed is measured in: with an object's size (in the unit of `value`), `beta` fits every resolution; or 1
   * @returns the filtered value, same unit
   */
  filter(value: number, timestamp: number | undefined, unit: number): number {
    if (!Number.isFinite(value)) return this.#value ?? value;
    const dt = this.#elapsed(timestamp);
    const { minCutoff, beta, derivativeCutoff, noise } = this.#options;
    this.#value ??= this.#given = value;
    const share = smoothingFactor(derivativeCutoff, dt);
    this.#derivative += share * ((value - this.#value) / dt - this.#derivative);
    // Second differences of noise have six times its variance.
    const bend = value - this.#given - this.#step;
    this.#variance += share * (bend ** 2 / 6 - this.#variance);
    this.#step = value - this.#given;
    this.#given = value;
    const speed = Math.max(0, Math.abs(this.#derivative) - (noise * Math.sqrt(this.#variance)) / dt);
    return (this.#value += smoothingFactor(minCutoff + (beta * speed) / unit, dt) * (value - this.#value));
  }

  #elapsed(timestamp: number | undefined): number {
    if (timestamp !== undefined && Number.isFinite(timestamp)) {
      if (timestamp > this.#timestamp) this.#interval = timestamp - this.#timestamp;
      this.#timestamp = timestamp;
    }
    return this.#interval;
  }
}
