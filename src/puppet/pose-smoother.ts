/** Smooths a pose by a One Euro filter per number: what the net makes of points trembles more than they do. */
import { OneEuroFilter } from '../landmarks/one-euro-filter.ts';
import type { Placement } from './pose-fit.ts';
import { quaternionOfRotation } from './solid-rotation.ts';

/** A still head trembles little, one that turns by a radian a second lags by less than a frame. */
const turnOptions = { minCutoff: 0.6, beta: 16, derivativeCutoff: 1.5, noise: 0 };
/** Speeds are shares of the distance. */
const placeOptions = { minCutoff: 0.8, beta: 60, derivativeCutoff: 1.5, noise: 0 };

const turnFilters = (): OneEuroFilter[] => [0, 1, 2, 3].map(() => new OneEuroFilter(turnOptions));
const placeFilters = (): OneEuroFilter[] => [0, 1, 2].map(() => new OneEuroFilter(placeOptions));

export class PoseSmoother {
  #turn = turnFilters();
  #place = placeFilters();
  #last = [0, 0, 0, 1];

  /** @param timestamp seconds */
  filter({ rotation, translation }: Placement, timestamp: number): Placement {
    const { x, y, z, w } = quaternionOfRotation(rotation);
    const [sx, sy, sz, sw] = this.#last;
    // A quaternion and its negative are the same turn: the one that is nearer to the last.
    const sign = x * sx + y * sy + z * sz + w * sw < 0 ? -1 : 1;
    const four = [x, y, z, w].map((value, i) => this.#turn[i].filter(sign * value, timestamp, 1));
    const length = Math.hypot(...four);
    const [a, b, c, d] = four.map((value) => value / length);
    this.#last = [a, b, c, d];
    const distance = Math.hypot(...translation);
    return {
      rotation: Float64Array.of(
        ...[1 - 2 * (b * b + c * c), 2 * (a * b - c * d), 2 * (a * c + b * d)],
        ...[2 * (a * b + c * d), 1 - 2 * (a * a + c * c), 2 * (b * c - a * d)],
        ...[2 * (a * c - b * d), 2 * (b * c + a * d), 1 - 2 * (a * a + b * b)],
      ),
      translation: translation.map((value, axis) => this.#place[axis].filter(value, timestamp, distance)),
    };
  }

  /** Forgets the head. */
  reset(): void {
    this.#turn = turnFilters();
    this.#place = placeFilters();
  }
}
