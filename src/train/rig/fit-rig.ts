/** Fits a rig to the points of one picture: pose by weak perspective, identity and expression by ridge regression. */
import { InputError } from '../../errors.ts';
import type { Point } from '../../geometry/coordinates.ts';
import { factorizeInPlace, solveFactored } from '../../geometry/positive-definite.ts';
import type { Rig } from './rig.ts';

/** Rig coordinates to picture pixels: p = scale · rotation · (x, −y, −z) + translation; the third is depth, away. */
export type RigPose = {
  /** Pixels per unit. */ scale: number;
  /** (9) row-major. */ rotation: Float64Array;
  /** Pixels. */ translation: Point;
};

export type RigFit = {
  pose: RigPose;
  /** (modes used) */ identity: Float64Array;
  /** (E) 0–1 */ expression: Float64Array;
  /** Root of the mean squared distance of the weighted points, share of the longer side of their box. */ error: number;
};

export type FitOptions = {
  /** Identity modes used, the first ones. Default 50. */ modes?: number;
  /** Standard deviation of a point, share of the longer side of the box of all. Default 0.012. */ noise?: number;
};

/** Product of 3 × 3 matrices. */
const multiply = (a: Float64Array, b: Float64Array): Float64Array => {
  const out = new Float64Array(9);
  for (let r = 0; r < 3; r++) {
    for (let q = 0; q < 3; q++) {
      for (let m = 0; m < 3; m++) out[3 * r + q] += a[3 * r + m] * b[3 * m + q];
    }
  }
  return out;
};

/** Rotation by a vector (Rodrigues) times a rotation. */
const rotate = ([x, y, z]: readonly number[], rotation: Float64Array): Float64Array => {
  const angle = Math.hypot(x, y, z);
  const [s, c] = angle < 1e-9 ? [1, 0.5] : [Math.sin(angle) / angle, (1 - Math.cos(angle)) / angle ** 2];
  const k = [0, -z, y, z, 0, -x, -y, x, 0];
  const step = new Float64Array(9);
  for (let r = 0; r < 3; r++) {
    for (let q = 0; q < 3; q++) {
      let squared = 0;
      for (let m = 0; m < 3; m++) squared += k[3 * r + m] * k[3 * m + q];
      step[3 * r + q] = (r === q ? 1 : 0) + s * k[3 * r + q] + c * squared;
    }
  }
  return multiply(step, rotation);
};

/** A displacement or place of the rig, turned and scaled into the picture; `at` is its first number. */
const turn = (
  { scale, rotation: r }: RigPose,
  v: ArrayLike<number>,
  at: number,
): [number, number, number] => {
  const [x, y, z] = [v[at], -v[at + 1], -v[at + 2]];
  return [
    scale * (r[0] * x + r[1] * y + r[2] * z),
    scale * (r[3] * x + r[4] * y + r[5] * z),
    scale * (r[6] * x + r[7] * y + r[8] * z),
  ];
};

/** (V, 3) of a rig into the picture: x, y in pixels, and depth in pixels. */
export const placeRig = (shape: Float32Array, pose: RigPose): Float32Array => {
  const placed = new Float32Array(shape.length);
  for (let i = 0; i < shape.length; i += 3) {
    const [x, y, z] = turn(pose, shape, i);
    placed[i] = x + pose.translation.x;
    placed[i + 1] = y + pose.translation.y;
    placed[i + 2] = z;
  }
  return placed;
};

/** One Gauss–Newton step of the pose. @param shape (L, 3) landmarks in rig units */
const improvePose = (
  pose: RigPose,
  shape: Float64Array,
  points: readonly Point[],
  weights: readonly number[],
): RigPose => {
  const a = new Float64Array(36);
  const b = new Float64Array(6);
  const row = new Float64Array(6);
  points.forEach((point, i) => {
    const [x, y, z] = turn(pose, shape, 3 * i);
    const gradients = [
      [0, z, -y, x, 1, 0],
      [-z, 0, x, y, 0, 1],
    ];
    const residuals = [point.x - x - pose.translation.x, point.y - y - pose.translation.y];
    residuals.forEach((residual, axis) => {
      row.set(gradients[axis]);
      for (let p = 0; p < 6; p++) {
        b[p] += weights[i] * row[p] * residual;
        for (let q = 0; q < 6; q++) a[6 * p + q] += weights[i] * row[p] * row[q];
      }
    });
  });
  // A little damping: points in one place leave directions open.
  for (let p = 0; p < 6; p++) a[7 * p] += 1e-6 * (1 + a[7 * p]);
  factorizeInPlace(a, 6);
  const step = solveFactored(a, 6, b);
  const angle = Math.hypot(step[0], step[1], step[2]);
  const shorten = angle > 0.5 ? 0.5 / angle : 1;
  return {
    scale: pose.scale * Math.exp(Math.max(-0.5, Math.min(0.5, step[3]))),
    rotation: rotate([step[0] * shorten, step[1] * shorten, step[2] * shorten], pose.rotation),
    translation: { x: pose.translation.x + step[4], y: pose.translation.y + step[5] },
  };
};

const landmarkValues = (values: Float32Array, landmarks: readonly number[]): Float64Array =>
  Float64Array.from(
    { length: 3 * landmarks.length },
    (_, i) => values[3 * landmarks[Math.floor(i / 3)] + (i % 3)],
  );

const boxOf = (points: readonly Point[]) => {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return {
    center: { x: (left + right) / 2, y: (top + bottom) / 2 },
    size: Math.max(right - left, bottom - top),
  };
};

/** Rounds of pose and coefficients in turn. */
const rounds = 16;
/** Sweeps of coordinate descent over the coefficients in one round. */
const sweeps = 12;

/** What a fit needs of a rig: its landmarks alone. */
type LandmarkModel = {
  /** (L, 3) at rest. */ neutral: Float64Array;
  /** (L, 3) each: identity modes first, then expressions. */ deltas: Float64Array[];
  /** Of the coefficients, and how far they may go. */ variances: number[];
  ranges: (readonly [number, number])[];
  /** (L) */ weights: readonly number[];
};

const modelOf = (rig: Rig, modes: number): LandmarkModel => {
  const { landmarks, landmarkWeights, expressionSds } = rig;
  const identity = rig.identity.slice(0, modes);
  return {
    neutral: landmarkValues(rig.neutral, landmarks),
    deltas: [...identity, ...rig.expressions].map((delta) => landmarkValues(delta, landmarks)),
    variances: [...identity.map(() => 1), ...expressionSds.map((sd) => sd ** 2)],
    ranges: [...identity.map(() => [-3, 3] as const), ...expressionSds.map(() => [0, 1] as const)],
    weights: landmarkWeights,
  };
};

const shapeOf = ({ neutral, deltas }: LandmarkModel, coefficients: Float64Array): Float64Array => {
  const shape = neutral.slice();
  deltas.forEach((delta, k) => {
    for (let i = 0; i < shape.length; i++) shape[i] += coefficients[k] * delta[i];
  });
  return shape;
};

/** (2L) how far points lie from a shape, weighted. @param scale of a pixel */
const residualsOf = (
  shape: Float64Array,
  pose: RigPose,
  points: readonly Point[],
  weights: readonly number[],
  scale: number,
): Float64Array => {
  const residuals = new Float64Array(2 * points.length);
  points.forEach((point, i) => {
    const [x, y] = turn(pose, shape, 3 * i);
    const gain = Math.sqrt(weights[i]) * scale;
    residuals[2 * i] = gain * (point.x - x - pose.translation.x);
    residuals[2 * i + 1] = gain * (point.y - y - pose.translation.y);
  });
  return residuals;
};

/** Ridge regression with coefficients kept in their ranges, by coordinate descent. @param sigma of a point, pixels */
const improveCoefficients = (
  model: LandmarkModel,
  coefficients: Float64Array,
  pose: RigPose,
  points: readonly Point[],
  sigma: number,
): void => {
  const { deltas, variances, ranges, weights } = model;
  const columns = deltas.map((delta) => {
    const column = new Float64Array(2 * points.length);
    for (let i = 0; i < points.length; i++) {
      const [x, y] = turn(pose, delta, 3 * i);
      column[2 * i] = (Math.sqrt(weights[i]) / sigma) * x;
      column[2 * i + 1] = (Math.sqrt(weights[i]) / sigma) * y;
    }
    return column;
  });
  const residuals = residualsOf(shapeOf(model, coefficients), pose, points, weights, 1 / sigma);
  for (let sweep = 0; sweep < sweeps; sweep++) {
    columns.forEach((column, k) => {
      let [dot, norm] = [0, 1 / variances[k]];
      for (let r = 0; r < column.length; r++) {
        dot += column[r] * residuals[r];
        norm += column[r] ** 2;
      }
      const old = coefficients[k];
      const [least, greatest] = ranges[k];
      const next = Math.max(least, Math.min(greatest, old + (dot - old / variances[k]) / norm));
      for (let r = 0; r < column.length; r++) residuals[r] -= (next - old) * column[r];
      coefficients[k] = next;
    });
  }
};

/** Straight ahead, over the points. */
const firstPose = ({ neutral }: LandmarkModel, points: readonly Point[]): RigPose => {
  const { center, size } = boxOf(points);
  const rest = boxOf(Array.from(points, (_, i) => ({ x: neutral[3 * i], y: neutral[3 * i + 1] })));
  const scale = size / rest.size;
  return {
    scale,
    rotation: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
    translation: { x: center.x - scale * rest.center.x, y: center.y + scale * rest.center.y },
  };
};

/** Fits pictures of one rig: what depends on the rig alone is made once. */
export const createRigFitter = (rig: Rig, { modes = 50, noise = 0.012 }: FitOptions = {}) => {
  const model = modelOf(rig, modes);
  const { weights } = model;
  const identityCount = Math.min(modes, rig.identity.length);
  const totalWeight = weights.reduce((sum, weight) => sum + weight, 0);

  /**
   * @param points (L) of the rig's landmarks, picture pixels
   * @throws InputError for another number of points than the rig has landmarks, or points all in one place
   */
  return (points: readonly Point[]): RigFit => {
    if (points.length !== weights.length) {
      throw new InputError(
        `A picture has ${points.length} points but the rig has ${weights.length} landmarks. Give the points of these landmarks, in their order.`,
      );
    }
    const { size } = boxOf(points);
    if (!(size > 1)) {
      throw new InputError(`The ${points.length} points of a picture lie in one place. Annotate it again.`);
    }
    let pose = firstPose(model, points);
    const coefficients = new Float64Array(model.deltas.length);
    for (let round = 0; round < rounds; round++) {
      const shape = shapeOf(model, coefficients);
      for (let step = 0; step < 6; step++) pose = improvePose(pose, shape, points, weights);
      improveCoefficients(model, coefficients, pose, points, noise * size);
    }
    const shape = shapeOf(model, coefficients);
    for (let step = 0; step < 3; step++) pose = improvePose(pose, shape, points, weights);
    const squared = residualsOf(shape, pose, points, weights, 1).reduce((sum, value) => sum + value ** 2, 0);
    return {
      pose,
      identity: coefficients.slice(0, identityCount),
      expression: coefficients.slice(identityCount),
      error: Math.sqrt(squared / totalWeight) / size,
    };
  };
};

/** Pose of the object against one that looks straight at the onlooker. */
export type HeadAngles = {
  /** Degrees; positive turns to the right of the picture. */ yaw: number;
  /** Degrees; positive looks down. */ pitch: number;
  /** Degrees, clockwise on screen. */ roll: number;
};

/** Rotation as angles: yaw first, then pitch, then roll, as views are turned. */
export const anglesOf = (r: Float64Array): HeadAngles => {
  const degrees = 180 / Math.PI;
  return {
    yaw: Math.atan2(r[6], r[8]) * degrees,
    pitch: Math.asin(Math.max(-1, Math.min(1, r[7]))) * degrees,
    roll: Math.atan2(-r[1], r[4]) * degrees,
  };
};

/** A rotation after which a view was turned by yaw and pitch, radians. */
export const turnRotation = (rotation: Float64Array, yaw: number, pitch: number): Float64Array => {
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  return multiply(Float64Array.of(cy, 0, -sy, -sp * sy, cp, -sp * cy, cp * sy, sp, cp * cy), rotation);
};
