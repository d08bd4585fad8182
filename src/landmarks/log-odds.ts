/** Confidences beyond this are taken as this: how near they are to 0 or 1 says nothing any more. */
const certain = 0.999;

/** ln(p / (1 − p)) of a confidence, at most ±6.9. */
export const logOdds = (confidence: number): number => {
  const p = Math.min(Math.max(confidence, 1 - certain), certain);
  return Math.log(p / (1 - p));
};

/** Mean log-odds of the surest half of some confidences: of what bends some parts are always hard to see. */
export const surestLogOdds = (confidences: ArrayLike<number>): number => {
  const surest = Float32Array.from(confidences, logOdds).sort().reverse();
  const count = Math.ceil(surest.length / 2);
  return surest.subarray(0, count).reduce((sum, value) => sum + value, 0) / count;
};
