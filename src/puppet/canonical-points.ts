/**
 * Points of a face as they look straight at the camera's axis, upright and of one size: what is left is the face's turn, its
 * expression and who it is.
 */
import { rotationToAxis } from './solid-rotation.ts';

/** Points of the face. */
export const pointCount = 68;
/** Numbers that the network sees: x and y of every point, and how large the face is. */
export const inputCount = 2 * pointCount + 1;

/** Points as rays: (x, y, −1) in camera coordinates goes through the point. */
export type PointRays = { /** (N). */ x: Float64Array; y: Float64Array };

/** How points were brought into their frame. */
export type CanonicalFrame = {
  /** (9) turns rays onto the axis. */ turn: Float64Array;
  /** Canonical point = similarity of the turned ray: a, b, x0, y0. */
  similarity: { a: number; b: number; x0: number; y0: number };
  /** (2N + 1) x, y of each point, y up, in sizes of the face (root of the mean squared distance from its middle), then its angle. */
  values: Float64Array;
};

/** Where a ray goes after a turn. @param turn (9), or its transpose by `isBack` */
const turnRay = (q: ArrayLike<number>, x: number, y: number, isBack: boolean): [number, number] => {
  const [i, j] = isBack ? [3, 1] : [1, 3];
  const z = -(q[2 * j] * x + q[2 * j + i] * y - q[8]);
  return [(q[0] * x + q[i] * y - q[2 * i]) / z, (q[j] * x + q[j + i] * y - q[j + 2 * i]) / z];
};

/** Eyes' corners: they say what is upright. */
const [right, left] = [
  [36, 39],
  [42, 45],
];

export const canonicalize = ({ x, y }: PointRays): CanonicalFrame => {
  let [mx, my] = [0, 0];
  for (let i = 0; i < pointCount; i++) {
    mx += x[i] / pointCount;
    my += y[i] / pointCount;
  }
  const turn = rotationToAxis(mx, my, -1);
  const values = new Float64Array(inputCount);
  let [cx, cy] = [0, 0];
  for (let i = 0; i < pointCount; i++) {
    const [u, v] = turnRay(turn, x[i], y[i], false);
    values[2 * i] = u;
    values[2 * i + 1] = v;
    cx += u / pointCount;
    cy += v / pointCount;
  }
  let squared = 0;
  for (let i = 0; i < pointCount; i++) squared += (values[2 * i] - cx) ** 2 + (values[2 * i + 1] - cy) ** 2;
  const size = Math.sqrt(squared / pointCount);
  const at = (points: readonly number[], axis: number): number =>
    points.reduce((sum, i) => sum + values[2 * i + axis] / points.length, 0);
  const angle = Math.atan2(at(left, 1) - at(right, 1), at(left, 0) - at(right, 0));
  const [a, b] = [Math.cos(angle) / size, -Math.sin(angle) / size];
  const [x0, y0] = [-(a * cx - b * cy), -(b * cx + a * cy)];
  for (let i = 0; i < pointCount; i++) {
    const [u, v] = [values[2 * i], values[2 * i + 1]];
    values[2 * i] = a * u - b * v + x0;
    values[2 * i + 1] = b * u + a * v + y0;
  }
  values[2 * pointCount] = size;
  return { turn, similarity: { a, b, x0, y0 }, values };
};

/** Canonical points back to rays, into `out`. @param values x, y of each point */
export const decanonicalize = (
  { turn, similarity: { a, b, x0, y0 } }: CanonicalFrame,
  values: ArrayLike<number>,
  out: PointRays,
): void => {
  const squared = a * a + b * b;
  for (let i = 0; i < pointCount; i++) {
    const [dx, dy] = [values[2 * i] - x0, values[2 * i + 1] - y0];
    const [u, v] = [(a * dx + b * dy) / squared, (-b * dx + a * dy) / squared];
    const [x, y] = turnRay(turn, u, v, true);
    out.x[i] = x;
    out.y[i] = y;
  }
};

/** Any rays in the frame of others. */
export const intoFrame = (
  { turn, similarity: { a, b, x0, y0 } }: CanonicalFrame,
  x: number,
  y: number,
): [number, number] => {
  const [u, v] = turnRay(turn, x, y, false);
  return [a * u - b * v + x0, b * u + a * v + y0];
};
