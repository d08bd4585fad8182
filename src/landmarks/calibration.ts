import type { Point } from '../geometry/coordinates.ts';
import { logOdds } from './log-odds.ts';

/** Two landmarks by index. */
type IndexPair = readonly [number, number];

/**
 * How likely a landmark is right, by what was seen: a logistic model (Platt 1999) of the landmark's own log-odds, those
 * of all landmarks together, and how far it lies from where the fitted mean shape has it. A landmark counts as right
 * within `tolerance` units of its place; see {@link unitLength}.
 */
export type Calibration = {
  /** Share of the unit. */ tolerance: number;
  /** Weight of the landmark's own log-odds. */ own: number;
  /** Weight of the mean log-odds of all landmarks. */ mean: number;
  /** Weight of {@link misfit}. */ misfit: number;
  /** (N) log-odds that each landmark starts from. */ offsets: readonly number[];
};

/**
 * The length that a set's errors are told in, pixels: the distance of the two landmarks that the set names (for faces
 * the outer eye corners), or the object's size, the longer side of the box of its points, where it names none.
 * @param points (N) pixels
 */
export const unitLength = (points: readonly Point[], unit: IndexPair | undefined): number => {
  if (unit !== undefined) {
    const [a, b] = unit.map((index) => points[index]);
    return Math.hypot(a.x - b.x, a.y - b.y);
  }
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  return Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
};

/**
 * A residual of a shape fit as the model takes it: its logarithm, because twice as far off means the same near and far.
 * @param residual shares of the shape's extent; undefined where there was no fit
 */
export const misfit = (residual: number | undefined): number =>
  Math.log(Math.min(residual ?? Number.POSITIVE_INFINITY, 0.5) + 0.01);

export const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));

/**
 * @param confidences (N) as the network gives them, 0–1
 * @param residuals (N) of the shape fit of this look, shares of the shape's extent; undefined where there was none
 * @returns (N) 0–1
 */
export const calibrate = (
  confidences: ArrayLike<number>,
  residuals: ArrayLike<number> | undefined,
  calibration: Calibration,
): number[] => {
  const own = Array.from(confidences, logOdds);
  const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
  return own.map((value, index) =>
    sigmoid(
      calibration.offsets[index] +
        calibration.own * value +
        calibration.mean * mean +
        calibration.misfit * misfit(residuals?.[index]),
    ),
  );
};
