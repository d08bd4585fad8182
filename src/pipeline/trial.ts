import type { Point } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { median } from '../landmarks/accuracy.ts';
import type { Look } from './look.ts';
import { roiOfShape } from './roi-of-shape.ts';

/** A settled candidate under closer examination. */
export type Trial = {
  /** What brought it here. */ first: Look;
  /** Through other squares of one frame. */ looks: Look[];
};

/**
 * The other squares of a trial. The object is recognised through all of them, and its landmarks stay where they are;
 * what resembles it by chance is not, because its matches come from how the crop happened to fall.
 */
const poses: readonly { scale: number; rotation: number; /** Sides of the ROI. */ shift: Point }[] = [
  { scale: 1, rotation: 0.35, shift: { x: 0, y: 0 } },
  { scale: 1.1, rotation: 0, shift: { x: 0.15, y: 0 } },
  { scale: 1.1, rotation: 0.2, shift: { x: -0.1, y: -0.12 } },
];

/** Scores and evidence (see `Look`): the object itself has 1, other things 0. */
const limits = {
  /** Mean evidence of all looks from which it is the object. */ evidence: 0.72,
  /** Their mean score, less `wandering` times how far the landmarks wander, from which it is. */
  steadiness: 0.145,
};
/**
 * Print and patterns resemble many landmarks, but hardly where the shape has them, and hardly at the same places from
 * look to look. A skull printed on a shirt has the scores of a badly seen face, but its landmarks wander further.
 * Together, with this weight, they keep clear of each other: the skull comes up to 0.089, 168 faces of all sizes come
 * from 0.199.
 */
const wandering = 60;

/** Network runs that a trial takes. It should get them in one frame: from one to the next the object may move. */
export const trialLooks = poses.length;

export const trialRois = ({ center, size, rotation }: Roi): Roi[] =>
  poses.map(({ scale, rotation: turn, shift }) => ({
    center: { x: center.x + shift.x * size, y: center.y + shift.y * size },
    size: size * scale,
    rotation: rotation + turn,
  }));

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * How far landmarks wander from look to look: the mean distance of each from its mean place, then the median over the
 * landmarks, because a few are hidden or unsure on every object.
 * @param looks at one frame
 * @returns sides of the first look's ROI
 */
export const landmarkSpread = (looks: readonly Look[]): number => {
  const spreads = looks[0].points.map((_, index) => {
    const places = looks.map(({ points }) => points[index]);
    const x = meanOf(places.map((place) => place.x));
    const y = meanOf(places.map((place) => place.y));
    return meanOf(places.map((place) => Math.hypot(place.x - x, place.y - y)));
  });
  return median(spreads) / looks[0].roi.size;
};

/**
 * Counts one more look of a trial.
 * @returns the object's ROI when it was the last look and all of them convince
 */
export const judgeTrial = ({ first, looks }: Trial, look: Look): Roi | undefined => {
  looks.push(look);
  if (looks.length < trialLooks || look.fit === undefined) return undefined;
  const all = [first, ...looks];
  const evidence = meanOf(all.map((one) => one.evidence));
  const score = meanOf(all.map((one) => one.score));
  const convinces =
    evidence >= limits.evidence && score - wandering * landmarkSpread(looks) >= limits.steadiness;
  return convinces ? roiOfShape(look.fit.transform) : undefined;
};
