import type { Point } from '../geometry/coordinates.ts';
import { median } from '../geometry/statistics.ts';

/** Labelled points of one frame: undefined where a point is hidden. */
export type LabelledFrame = { frame: number; points: readonly (Point | undefined)[] };

/** How many of some labelled points were found. Shares, 0–1. */
export type PointFigures = {
  /** Labelled points. */ count: number;
  /** Share that has a place in the tracks at all. */ tracked: number;
  /** Mean and median distance of those that have, pixels; NaN where none has. */ meanPixels: number;
  medianPixels: number;
  /** Share within 5 and 10 % of the object's size; one without a place is a miss. */ pck05: number;
  pck10: number;
};

export type PointReport = PointFigures & {
  /** Labelled frames. */ frames: number;
  /** One per name. */ points: PointFigures[];
  /** Labelled frames, the worst first: the mean distance over the object's size; a lost point counts as one whole size. */
  worst: { frame: number; error: number }[];
};

/** Longer side of the box of some points, pixels; 0 for fewer than two. */
const boxSide = (points: readonly Point[]): number => {
  if (points.length < 2) return 0;
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  return Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
};

/** Distance of one labelled point in pixels and over the object's size; undefined where it is not tracked. */
type Miss = { pixels: number; share: number } | undefined;

const figuresOf = (misses: readonly Miss[]): PointFigures => {
  const found = misses.flatMap((miss) => (miss === undefined ? [] : [miss]));
  const within = (limit: number): number =>
    found.filter(({ share }) => share <= limit).length / misses.length;
  const pixels = found.map((miss) => miss.pixels);
  return {
    count: misses.length,
    tracked: found.length / misses.length,
    meanPixels: pixels.reduce((sum, value) => sum + value, 0) / pixels.length,
    medianPixels: pixels.length === 0 ? Number.NaN : median(pixels),
    pck05: within(0.05),
    pck10: within(0.1),
  };
};

/**
 * Holds tracks against labels. The object's size in a frame is the longer side of the box of its labelled points, but
 * no less than half the median over the frames: a frame that shows two neighbours only says nothing of the size.
 * @param tracks (frames) of N points, pixels; undefined where nothing is tracked
 * @param labels N points each; frames beyond the tracks count as not tracked
 */
export const evaluatePoints = (
  tracks: readonly (readonly (Point | undefined)[] | undefined)[],
  labels: readonly LabelledFrame[],
): PointReport => {
  const sides = labels.map(({ points }) => boxSide(points.filter((point) => point !== undefined)));
  const known = sides.filter((side) => side > 0);
  const least = known.length === 0 ? Number.NaN : median(known) / 2;
  const misses = labels.map(({ frame, points }, index) =>
    points.map((wanted, n): Miss | 'hidden' => {
      if (wanted === undefined) return 'hidden';
      const found = tracks.at(frame)?.[n];
      if (found === undefined) return undefined;
      const pixels = Math.hypot(found.x - wanted.x, found.y - wanted.y);
      return { pixels, share: pixels / Math.max(least, sides[index]) };
    }),
  );
  const seen = (some: readonly (Miss | 'hidden')[]): Miss[] =>
    some.flatMap((miss) => (miss === 'hidden' ? [] : [miss]));
  const names = labels[0]?.points.length ?? 0;
  const worst = labels.flatMap(({ frame }, index) => {
    const shares = seen(misses[index]).map((miss) => miss?.share ?? 1);
    if (shares.length === 0) return [];
    return [{ frame, error: shares.reduce((sum, share) => sum + share, 0) / shares.length }];
  });
  return {
    ...figuresOf(seen(misses.flat())),
    frames: labels.length,
    points: Array.from({ length: names }, (_, n) => figuresOf(seen(misses.map((ofFrame) => ofFrame[n])))),
    worst: worst.sort((a, b) => b.error - a.error),
  };
};
