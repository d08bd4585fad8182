/**
 * Expressions that points show plainly: openings of lips and lids, height of brows. Measured in sizes of the face and against
 * the face's own rest, which is followed slowly: the network, trained on drawn heads, tells them less well of real ones.
 */
import type { ExpressionName } from './expression-names.ts';
import type { FacePoints, Solved } from './face-solver.ts';

/** What is measured of a frame; the subject's right before left. */
export type Measures = {
  /** Opening between the lips, distances of the outer eye corners. */ lips: number;
  /** Opening of each eye, its widths. */ lids: readonly [number, number];
  /** Height of each brow above its eye, distances of the outer eye corners. */ brows: readonly [
    number,
    number,
  ];
};

/** The expressions that are told by measures. */
export const seenNames = [
  ...(['jawOpen', 'eyeBlinkRight', 'eyeBlinkLeft'] as const),
  ...(['browInnerUp', 'browOuterUpRight', 'browOuterUpLeft'] as const),
] satisfies ExpressionName[];

export type SeenExpressions = Record<(typeof seenNames)[number], number>;

/** `jawOpen` of an opening of one, fitted on drawn heads; so much is open of a mouth that is closed. */
const [jawGain, closedLips] = [2.2, 0.01];
/** Matches follow lids about half the way: an eye that is closed looks half as open as at rest. */
const lidTravel = 0.5;
/** `browInnerUp` of a height of one. */
const browGain = 8;

/** How rests are followed: what they are of most people, how long they take upwards and downwards, seconds. */
const lidRest = { usual: 0.235, up: 30, down: 120 };
const browRest = { usual: 0.308, up: 30, down: 10 };
/** How much of the first frame is believed against what is usual. */
const firstShare = 0.7;

/** Points of one side: brow, upper and lower lid, corners of the eye. */
const sides = [
  { brow: [18, 19, 20], over: [37, 38], lids: [37, 41, 38, 40], corners: [36, 39] },
  { brow: [23, 24, 25], over: [43, 44], lids: [43, 47, 44, 46], corners: [42, 45] },
] as const;

const limit = (value: number): number => Math.max(0, Math.min(1, value));

/** @param points (68) pixels @param solved of the same points */
export const measure = ({ x, y }: FacePoints, { landmarks, rotation: r }: Solved): Measures => {
  const apart = (a: number, b: number): number =>
    Math.hypot(...[0, 1, 2].map((axis) => landmarks[3 * a + axis] - landmarks[3 * b + axis]));
  const flat = (a: number, b: number): number => Math.hypot(x[a] - x[b], y[a] - y[b]);
  const unit = apart(36, 45);
  // In the picture, where lips have not been made to fit a face; a head that is turned has its eyes nearer to each other.
  const wide = flat(36, 45) / Math.max(0.5, Math.hypot(r[0], r[3]));
  const [lids, brows] = [
    sides.map(({ lids: [a, b, c, d], corners: [e, f] }) => (apart(a, b) + apart(c, d)) / 2 / apart(e, f)),
    sides.map(({ brow, over: [a, b], corners: [e, f] }, side) => {
      const toCorners = brow.reduce((sum, l) => {
        const [dx, dy, dz] = [0, 1, 2].map(
          (axis) => landmarks[3 * l + axis] - (landmarks[3 * e + axis] + landmarks[3 * f + axis]) / 2,
        );
        return sum + Math.hypot(dx, dy, dz) / brow.length;
      }, 0);
      const [inner, outer] = side === 0 ? [brow[2], brow[1]] : [brow[0], brow[1]];
      const toLid = side === 0 ? apart(outer, a) + apart(inner, b) : apart(inner, a) + apart(outer, b);
      return (toLid / 2 + toCorners) / 2 / unit;
    }),
  ];
  return {
    lips: (flat(61, 67) + flat(62, 66) + flat(63, 65)) / 3 / wide,
    lids: [lids[0], lids[1]],
    brows: [brows[0], brows[1]],
  };
};

/** Follows how a face looks at rest, and tells what is beyond it. */
export class RestFollower {
  #lids: [number, number] | undefined;
  #brows: [number, number] | undefined;
  /** Of a face that was calibrated: its lips at rest. */ #lips = closedLips;
  #timestamp = 0;

  /** Learns from a frame. @param timestamp seconds */
  follow({ lids, brows }: Measures, timestamp: number): void {
    const passed = Math.max(0, timestamp - this.#timestamp);
    this.#timestamp = timestamp;
    this.#lids = stepBoth(this.#lids, lids, lidRest, passed);
    this.#brows = stepBoth(this.#brows, brows, browRest, passed);
  }

  /** Takes a face for one at rest. */
  calibrate({ lips, lids, brows }: Measures): void {
    this.#lips = Math.max(closedLips, lips);
    this.#lids = [lids[0], lids[1]];
    this.#brows = [brows[0], brows[1]];
  }

  /** Forgets the face. */
  reset(): void {
    this.#lids = undefined;
    this.#brows = undefined;
    this.#lips = closedLips;
  }

  tell({ lips, lids, brows }: Measures): SeenExpressions {
    const [right, left] = lids.map((lid, side) => limit((1 - lid / (this.#lids ?? lids)[side]) / lidTravel));
    const [browRight, browLeft] = brows.map((brow, side) =>
      limit(browGain * (brow - (this.#brows ?? brows)[side])),
    );
    return {
      jawOpen: limit(jawGain * (lips - this.#lips)),
      ...{ eyeBlinkRight: right, eyeBlinkLeft: left },
      browInnerUp: (browRight + browLeft) / 2,
      ...{ browOuterUpRight: browRight, browOuterUpLeft: browLeft },
    };
  }
}

const stepBoth = (
  rest: readonly [number, number] | undefined,
  values: readonly [number, number],
  { usual, up, down }: typeof lidRest,
  passed: number,
): [number, number] => {
  const [a, b] = values.map((value, side) => {
    if (rest === undefined) return usual + firstShare * (value - usual);
    const seconds = value > rest[side] ? up : down;
    return rest[side] + (value - rest[side]) * (1 - Math.exp(-passed / seconds));
  });
  return [a, b];
};
