import type { Point } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { median } from '../geometry/statistics.ts';
import type { Look } from './look.ts';
import { roiOfShape } from './roi-of-shape.ts';

/** A settled candidate under closer examination: looks at it through several squares of one frame. */
export type Trial = { looks: Look[] };

/**
 * The squares of a trial. The object is recognised through all of them, and its landmarks stay where they are; what
 * resembles it by chance is not, because its matches come from how the crop happened to fall.
 */
const poses: readonly { scale: number; rotation: number; /** Sides of the ROI. */ shift: Point }[] = [
  { scale: 1, rotation: 0, shift: { x: 0, y: 0 } },
  { scale: 0.8, rotation: -0.35, shift: { x: 0, y: 0 } },
  { scale: 1.1, rotation: 0, shift: { x: 0.15, y: 0 } },
  { scale: 1.1, rotation: 0.2, shift: { x: -0.1, y: -0.12 } },
  { scale: 0.9, rotation: 0.15, shift: { x: 0.1, y: 0.1 } },
  { scale: 1.2, rotation: 0, shift: { x: 0, y: -0.2 } },
];

/** Scores and evidence (see `Look`): the object itself has 1, other things 0. */
const limits = {
  /** Mean evidence of all looks from which it is the object. */ evidence: 0.72,
  /** Steadiness from which it is: the mean score, less `wandering` times how far the landmarks wander. */
  steadiness: -0.15,
  /** The same for what bends: its joints are found less exactly. */ steadinessOfParts: -1.2,
};
/**
 * Print and patterns resemble many landmarks, but hardly where the shape has them, and hardly at the same places from
 * look to look.
 * Weight and limits were chosen by test/bench/face-free.ts and test/bench/composites.ts, which print what comes of them.
 */
const wandering = 80;

/** How steady something has to be that is found by its parts; see `judgeTrial`. */
export const partsSteadiness = limits.steadinessOfParts;

/** Mean evidence (see `Look`) of a trial's looks from which something is taken for the object. */
export const evidenceNeeded = limits.evidence;

/** Network runs that a trial takes, all in one frame: from one to the next the object may move. */
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
 * How far landmarks wander from look to look: the mean distance of each from its median place, then the median over
 * the landmarks, because a few are hidden or unsure on every object.
 * @param looks at one frame
 * @returns sides of the first look's ROI
 */
export const landmarkSpread = (looks: readonly Look[]): number => {
  const spreads = looks[0].fitted.map((_, index) => {
    const places = looks.map(({ fitted }) => fitted[index]);
    const x = median(places.map((place) => place.x));
    const y = median(places.map((place) => place.y));
    return meanOf(places.map((place) => Math.hypot(place.x - x, place.y - y)));
  });
  return median(spreads) / looks[0].roi.size;
};

/**
 * Counts one more look of a trial.
 * @param least steadiness from which it is the object: the more, the fewer other things are taken for it
 * @returns the object's ROI when it was the last look and all of them convince
 */
export const judgeTrial = (
  { looks }: Trial,
  look: Look,
  least: number = limits.steadiness,
): Roi | undefined => {
  looks.push(look);
  if (looks.length < trialLooks || look.fit === undefined) return undefined;
  const evidence = meanOf(looks.map((one) => one.evidence));
  const score = meanOf(looks.map((one) => one.score));
  const convinces = evidence >= limits.evidence && score - wandering * landmarkSpread(looks) >= least;
  return convinces ? roiOfShape(look.fit.transform) : undefined;
};
