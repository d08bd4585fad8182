import type { Point } from '../geometry/coordinates.ts';
import { OneEuroFilter, type OneEuroOptions } from './one-euro-filter.ts';
import { checkSmootherOptions } from './smoother-check.ts';
import type { SmootherOptions } from './smoother-options.ts';

export type { SmootherOptions } from './smoother-options.ts';

/**
 * Smooths the landmarks of one object: a One Euro filter per coordinate, speed measured in object sizes per second, so
 * that one setting fits every resolution and distance.
 */
export class LandmarkSmoother {
  readonly #options: OneEuroOptions;
  /** x and y of each point. */ #filters: OneEuroFilter[][] = [];

  /** @throws InputError for an option that does not exist or a number that is not usable */
  constructor(options: SmootherOptions = {}) {
    this.#options = checkSmootherOptions(options);
  }

  /**
   * @param points (N) image pixels, the same N in every call until `reset`
   * @param objectSize side of the object's ROI, image pixels
   * @param timestamp seconds; one that repeats, goes back or is missing is bridged by the last interval
   * @returns (N) image pixels
   */
  filter(points: readonly Point[], objectSize: number, timestamp?: number): Point[] {
    const create = (): OneEuroFilter => new OneEuroFilter(this.#options);
    return points.map((point, index) => {
      const [x, y] = (this.#filters[index] ??= [create(), create()]);
      return { x: x.filter(point.x, timestamp, objectSize), y: y.filter(point.y, timestamp, objectSize) };
    });
  }

  /** Forgets the object. */
  reset(): void {
    this.#filters = [];
  }
}
