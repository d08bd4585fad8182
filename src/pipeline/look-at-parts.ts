/** Looks at what bends. In the tracker's worker this is fetched for sets that have parts only: `worker/parts-on-demand.ts`. */
import type { Roi } from '../geometry/roi.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { surestLogOdds } from '../landmarks/log-odds.ts';
import { fitParts, type Parts } from '../landmarks/parts-fit.ts';
import { readMatches, type Look } from './read-matches.ts';

export { partAgreement } from '../landmarks/parts-fit.ts';

/**
 * Of what bends each landmark is where the surest of its K references is found.
 * @param matches (K · N, 3)
 * @returns (N, 3)
 */
const surestMatches = (matches: Float32Array, count: number): Float32Array => {
  const surest = matches.slice(0, 3 * count);
  for (let at = 3 * count; at < matches.length; at += 3) {
    const to = at % (3 * count);
    if (matches[at + 2] > surest[to + 2]) surest.set(matches.subarray(at, at + 3), to);
  }
  return surest;
};

/** A look at what bends: its parts have to fit together, and not all of them have to be seen. */
export const lookFromParts = (
  matches: Float32Array,
  roi: Roi,
  { meanShape, evidence: levels }: Pick<LandmarkSet, 'meanShape' | 'evidence'>,
  { bones }: Parts,
  inputSize: number,
): Look => {
  const count = meanShape.length;
  const { points, confidences } = readMatches(surestMatches(matches, count), 0, count, roi, inputSize);
  const evidence = (surestLogOdds(confidences) - levels.background) / (levels.object - levels.background);
  const fit = fitParts(bones, points, confidences);
  const score = Math.max(0, evidence) * (fit?.agreement ?? 0);
  return { roi, points, confidences, fitted: points, evidence, fit, score };
};
