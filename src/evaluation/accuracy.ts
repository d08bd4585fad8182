import type { Point } from '../geometry/coordinates.ts';
import { median } from '../geometry/statistics.ts';

/** Figures over a set of pictures. All are shares (0.05 is 5 %) of the unit that the errors were divided by. */
export type AccuracySummary = {
  /** Normalised mean error: mean over pictures of the mean over their landmarks. */ nme: number;
  /** Median over all landmarks of all pictures. */ median: number;
  /** Share of landmarks with an error of at most 0.1. */ pck10: number;
  /** Share of pictures whose mean error is above 0.1. */ failure10: number;
  /** Pictures measured. */ images: number;
};

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Distance of each landmark from where it belongs, divided by `unit`.
 * @param predicted (N), pixels
 * @param truth (N), pixels of the same picture
 * @param unit length that counts as 1, pixels; for faces the inter-ocular distance
 * @returns (N), shares of the unit
 */
export const landmarkErrors = (
  predicted: readonly Point[],
  truth: readonly Point[],
  unit: number,
): number[] => {
  if (predicted.length !== truth.length) {
    throw new RangeError(`${predicted.length} predicted landmarks cannot be held against ${truth.length}`);
  }
  return truth.map((point, index) => {
    const guess = predicted[index];
    return Math.hypot(guess.x - point.x, guess.y - point.y) / unit;
  });
};

/** Mean of the pictures' mean errors. @param errors (pictures) × (landmarks), at least one of each */
export const normalizedMeanError = (errors: readonly (readonly number[])[]): number =>
  mean(errors.map((ofPicture) => mean(ofPicture)));

/** Percentage of correct keypoints, as a share: landmarks with an error of at most `alpha`. @param errors (n) */
export const correctShare = (errors: readonly number[], alpha: number): number =>
  errors.filter((error) => error <= alpha).length / errors.length;

/** Share of pictures whose mean error is above `alpha`. @param errors (pictures) × (landmarks) */
export const failureRate = (errors: readonly (readonly number[])[], alpha: number): number =>
  errors.filter((ofPicture) => mean(ofPicture) > alpha).length / errors.length;

/** All figures at once. @param errors (pictures) × (landmarks), shares of the unit, at least one of each */
export const summarizeErrors = (errors: readonly (readonly number[])[]): AccuracySummary => {
  const all = errors.flat();
  if (all.length === 0) throw new RangeError('no errors to summarise');
  return {
    nme: normalizedMeanError(errors),
    median: median(all),
    pck10: correctShare(all, 0.1),
    failure10: failureRate(errors, 0.1),
    images: errors.length,
  };
};

/** Mean of several summaries (draws of references); `images` is that of the first. @param summaries (n), n ≥ 1 */
export const averageSummaries = (summaries: readonly AccuracySummary[]): AccuracySummary => ({
  nme: mean(summaries.map((summary) => summary.nme)),
  median: mean(summaries.map((summary) => summary.median)),
  pck10: mean(summaries.map((summary) => summary.pck10)),
  failure10: mean(summaries.map((summary) => summary.failure10)),
  images: summaries[0].images,
});
