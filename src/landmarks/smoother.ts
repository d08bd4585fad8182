import { InputError } from '../errors.ts';
import type { Point } from '../geometry/coordinates.ts';
import { applySimilarity, fitSimilarity, invertSimilarity, similarityScale } from '../geometry/similarity.ts';
import { OneEuroFilter, type OneEuroOptions } from './one-euro-filter.ts';

/** Settings of the smoother; every one has a default that fits every resolution and frame rate. */
export type SmootherOptions = {
  /** Cut-off frequency of a still point, Hz; lower is calmer. */ minCutoff?: number;
  /** How fast the cut-off rises with speed (object sizes per second); higher is quicker. */ beta?: number;
  /** Cut-off frequency of the speed estimate, Hz. */ derivativeCutoff?: number;
};

/** What the smoother does unless told otherwise. */
export const defaultSmoothing: Readonly<Required<SmootherOptions>> = {
  minCutoff: 1,
  beta: 30,
  derivativeCutoff: 1,
};

/** @throws InputError for an option that does not exist or a number that is not usable */
const checkOptions = (options: SmootherOptions): OneEuroOptions => {
  for (const [key, value] of Object.entries(options)) {
    if (!(key in defaultSmoothing)) {
      throw new InputError(
        `The smoother has no option "${key}". Its options are ${Object.keys(defaultSmoothing).join(', ')}.`,
      );
    }
    if (!Number.isFinite(value) || value < 0 || (value === 0 && key !== 'beta')) {
      throw new InputError(`The smoother's ${key} is ${value}. Pass a number above 0.`);
    }
  }
  return { ...defaultSmoothing, ...options };
};

/**
 * Smooths the landmarks of one object. What all of them do together (a similarity of the mean shape) and what each does
 * on its own are filtered apart: the common motion is known far better than any single point, so it may be followed
 * quickly, and the points, freed of it, hardly move and may be calmed strongly.
 */
export class LandmarkSmoother {
  readonly #meanShape: readonly Point[];
  #options: OneEuroOptions;
  #common: OneEuroFilter[] = [];
  #own: OneEuroFilter[] = [];

  /** @param meanShape (N), any unit; its size counts as one object size after scaling to the ROI */
  constructor(meanShape: readonly Point[], options: SmootherOptions = {}) {
    this.#meanShape = meanShape;
    this.#options = checkOptions(options);
    this.reset();
  }

  /**
   * @param points (N) image pixels
   * @param confidences (N) 0–1
   * @param timestamp seconds; one that repeats, goes back or is missing is bridged by the last interval
   * @returns (N) image pixels
   */
  filter(points: readonly Point[], confidences: ArrayLike<number>, timestamp?: number): Point[] {
    const transform = fitSimilarity(this.#meanShape, points, confidences);
    const size = similarityScale(transform);
    const values = [transform.a, transform.b, transform.x0, transform.y0];
    const [a, b, x0, y0] = values.map((value, index) => this.#common[index].filter(value, timestamp, size));
    const back = invertSimilarity(transform);
    return points.map((point, index) => {
      const own = applySimilarity(back, point);
      const x = this.#own[2 * index].filter(own.x - this.#meanShape[index].x, timestamp);
      const y = this.#own[2 * index + 1].filter(own.y - this.#meanShape[index].y, timestamp);
      return applySimilarity(
        { a, b, x0, y0 },
        { x: this.#meanShape[index].x + x, y: this.#meanShape[index].y + y },
      );
    });
  }

  /** Forgets the object. */
  reset(): void {
    this.#common = Array.from({ length: 4 }, () => new OneEuroFilter(this.#options));
    this.#own = Array.from({ length: 2 * this.#meanShape.length }, () => new OneEuroFilter(this.#options));
  }
}
