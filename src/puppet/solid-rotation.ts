/** Rotations in space: (9) row-major matrices that map head coordinates to camera coordinates. */

/** Head pose as angles, degrees; the three are applied in this order. */
export type HeadAngles = {
  /** Positive turns to the right of the picture. */ yaw: number;
  /** Positive looks down. */ pitch: number;
  /** Positive tilts clockwise on screen. */ roll: number;
};

/** A rotation as a unit quaternion, w ≥ 0. */
export type Quaternion = {
  /** Along x, to the right. */ x: number;
  /** Along y, up. */ y: number;
  /** Along z, towards the camera. */ z: number;
  /** Real part. */ w: number;
};

/** out = a · b, (3, 3) each. @param out another array than both */
export const multiplyInto = (a: ArrayLike<number>, b: ArrayLike<number>, out: Float64Array): Float64Array => {
  for (let r = 0; r < 9; r += 3) {
    for (let c = 0; c < 3; c++) out[r + c] = a[r] * b[c] + a[r + 1] * b[c + 3] + a[r + 2] * b[c + 6];
  }
  return out;
};

/** Rotation about a vector by its length, radians (Rodrigues). */
export const rotationOfVector = (x: number, y: number, z: number): Float64Array => {
  const angle = Math.hypot(x, y, z);
  const s = angle < 1e-9 ? 1 : Math.sin(angle) / angle;
  const c = angle < 1e-9 ? 0.5 : (1 - Math.cos(angle)) / angle ** 2;
  return Float64Array.of(
    ...[1 - c * (y * y + z * z), c * x * y - s * z, c * x * z + s * y],
    ...[c * x * y + s * z, 1 - c * (x * x + z * z), c * y * z - s * x],
    ...[c * x * z - s * y, c * y * z + s * x, 1 - c * (x * x + y * y)],
  );
};

/** The vector that {@link rotationOfVector} makes this rotation of, radians; for angles below π. */
export const vectorOfRotation = (r: ArrayLike<number>): [number, number, number] => {
  const cosine = Math.max(-1, Math.min(1, (r[0] + r[4] + r[8] - 1) / 2));
  const angle = Math.acos(cosine);
  const gain = angle < 1e-6 ? 0.5 : angle / (2 * Math.sin(angle));
  return [gain * (r[7] - r[5]), gain * (r[2] - r[6]), gain * (r[3] - r[1])];
};

/** The rotation that takes a direction straight away from the camera, (0, 0, −1), by the shortest way. */
export const rotationToAxis = (x: number, y: number, z: number): Float64Array => {
  const length = Math.hypot(x, y, z);
  const [ux, uy, uz] = [x / length, y / length, z / length];
  // Axis: direction × (0, 0, −1).
  const sine = Math.hypot(ux, uy);
  if (sine < 1e-9) return Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
  const angle = Math.atan2(sine, -uz);
  return rotationOfVector((-uy / sine) * angle, (ux / sine) * angle, 0);
};

/** @param r rotation */
export const anglesOfRotation = (r: ArrayLike<number>): HeadAngles => {
  const degrees = 180 / Math.PI;
  return {
    yaw: Math.atan2(-r[6], r[8]) * degrees,
    pitch: Math.asin(Math.max(-1, Math.min(1, r[7]))) * degrees,
    roll: Math.atan2(r[1], r[4]) * degrees,
  };
};

/** @param r rotation */
export const quaternionOfRotation = (r: ArrayLike<number>): Quaternion => {
  // The largest of the four first (Shepperd 1978): none of the others is then divided by next to nothing.
  const squares = [
    1 + r[0] + r[4] + r[8],
    1 + r[0] - r[4] - r[8],
    1 - r[0] + r[4] - r[8],
    1 - r[0] - r[4] + r[8],
  ];
  const largest = squares.indexOf(Math.max(...squares));
  const h = Math.sqrt(squares[largest]) * 2;
  const [a, b, c] = [r[7] - r[5], r[2] - r[6], r[3] - r[1]];
  const [d, e, f] = [r[1] + r[3], r[2] + r[6], r[5] + r[7]];
  const four = [
    [a / h, b / h, c / h, h / 4],
    [h / 4, d / h, e / h, a / h],
    [d / h, h / 4, f / h, b / h],
    [e / h, f / h, h / 4, c / h],
  ][largest];
  const sign = four[3] < 0 ? -1 : 1;
  return { x: sign * four[0], y: sign * four[1], z: sign * four[2], w: sign * four[3] };
};
