/** Figures of named points, as results and lines of the commands that measure them. */
import type { PointFigures } from '../evaluation/evaluate-points.ts';
import { printNote, round } from './output.ts';

const percent = (share: number): number | null => (Number.isFinite(share) ? round(100 * share, 2) : null);
const pixels = (value: number): number | null => (Number.isFinite(value) ? round(value, 2) : null);

/** Percent and pixels; null where nothing was measured. */
export const pointFigures = ({ count, tracked, meanPixels, medianPixels, pck05, pck10 }: PointFigures) => ({
  ...{ points: count, tracked: percent(tracked) },
  ...{ mean_pixels: pixels(meanPixels), median_pixels: pixels(medianPixels) },
  ...{ pck05: percent(pck05), pck10: percent(pck10) },
});

/** Figures by name; unless the result is JSON, which holds them, a line of each on stderr. */
export const printPerPoint = (names: readonly string[], points: readonly PointFigures[], json: boolean) => {
  const perPoint = Object.fromEntries(names.map((name, n) => [name, pointFigures(points[n])]));
  if (json) return perPoint;
  for (const [name, { pck05, pck10, median_pixels: median }] of Object.entries(perPoint)) {
    printNote(`${name}: PCK@0.05 ${pck05 ?? '–'} %, PCK@0.1 ${pck10 ?? '–'} %, median ${median ?? '–'} px`);
  }
  return perPoint;
};
