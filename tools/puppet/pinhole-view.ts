/** A photographed head before a camera with a known lens: everything of the view is known to the last digit. */
import type { Random } from '../../src/augment/random.ts';
import type { RawPicture } from '../../src/media/raw-picture.ts';
import { createPainter } from '../../src/train/rig/paint.ts';
import { rasterize } from '../../src/train/rig/raster.ts';
import type { RigChange } from '../../src/train/rig/rig-change.ts';
import type { RigScene } from '../../src/train/rig/rig-scene.ts';
import { poseRig, type Rig } from '../../src/train/rig/rig.ts';

/** Where a head is: camera coordinates, x to the right, y up, z towards the onlooker; the camera looks along −z. */
export type TruePose = {
  /** (9) row-major, head to camera. */ rotation: number[];
  /** Of the rig's origin, cm. */ translation: [number, number, number];
};

export type PinholeView = TruePose & {
  /** By mode. */ identity: number[];
  /** By expression, 0–1. */ expression: number[];
  /** Pixels. */ focalLength: number;
  width: number;
  height: number;
};

/** Turns by Euler angles, degrees, as `HeadAngles` has them: yaw first, then pitch, then roll. */
export const rotationOf = (yaw: number, pitch: number, roll: number): number[] => {
  const radians = Math.PI / 180;
  const [cy, sy] = [Math.cos(yaw * radians), Math.sin(yaw * radians)];
  const [cp, sp] = [Math.cos(pitch * radians), Math.sin(pitch * radians)];
  const [cr, sr] = [Math.cos(-roll * radians), Math.sin(-roll * radians)];
  const times = (a: number[], b: number[]): number[] =>
    Array.from({ length: 9 }, (_, i) => {
      const [r, c] = [3 * Math.floor(i / 3), i % 3];
      return a[r] * b[c] + a[r + 1] * b[c + 3] + a[r + 2] * b[c + 6];
    });
  const turnYaw = [cy, 0, sy, 0, 1, 0, -sy, 0, cy];
  const turnPitch = [1, 0, 0, 0, cp, -sp, 0, sp, cp];
  const turnRoll = [cr, -sr, 0, sr, cr, 0, 0, 0, 1];
  return times(turnRoll, times(turnPitch, turnYaw));
};

/** Picture coordinates of a place of the head, and its distance along the view, cm. */
export const project = (
  { rotation: r, translation: [tx, ty, tz], focalLength, width, height }: PinholeView,
  [x, y, z]: readonly [number, number, number],
): [number, number, number] => {
  const away = -(r[6] * x + r[7] * y + r[8] * z + tz);
  return [
    width / 2 + (focalLength * (r[0] * x + r[1] * y + r[2] * z + tx)) / away,
    height / 2 - (focalLength * (r[3] * x + r[4] * y + r[5] * z + ty)) / away,
    away,
  ];
};

/** Distance of the outermost landmarks of somebody at rest, cm. */
const jawWidth = ({ neutral, identity, landmarks }: Rig, weights: ArrayLike<number>): number => {
  const [a, b] = [3 * landmarks[0], 3 * landmarks[16]];
  return Math.hypot(
    ...[0, 1, 2].map((axis) => {
      let apart = neutral[a + axis] - neutral[b + axis];
      for (let k = 0; k < weights.length; k++)
        apart += weights[k] * (identity[k][a + axis] - identity[k][b + axis]);
      return apart;
    }),
  );
};

/** (V + S, 3) of a scene in the rig's coordinates, the rig in another shape; the sheet grows with it. */
const solid = ({ prepared, fit, placed, rigVertices }: RigScene, view: PinholeView): Float32Array => {
  const { rig } = prepared;
  const shape = poseRig(rig, view.identity, view.expression);
  const { scale, rotation: r, translation } = fit.pose;
  const growth = jawWidth(rig, view.identity) / jawWidth(rig, fit.identity);
  const all = new Float32Array(placed.length);
  all.set(shape);
  for (let i = 3 * rigVertices; i < placed.length; i += 3) {
    const q = [placed[i] - translation.x, placed[i + 1] - translation.y, placed[i + 2]].map(
      (v) => (v * growth) / scale,
    );
    all[i] = r[0] * q[0] + r[3] * q[1] + r[6] * q[2];
    all[i + 1] = -(r[1] * q[0] + r[4] * q[1] + r[7] * q[2]);
    all[i + 2] = -(r[2] * q[0] + r[5] * q[1] + r[8] * q[2]);
  }
  return all;
};

/** Draws a scene through the lens, on a slope of two colours. @returns the picture, and (L) landmarks in it, pixels */
export const drawPinhole = (
  scene: RigScene,
  view: PinholeView,
  random: Random,
): { picture: RawPicture; landmarks: [number, number][] } => {
  const { width, height } = view;
  const all = solid(scene, view);
  const placed = new Float32Array(all.length);
  for (let i = 0; i < all.length; i += 3) {
    const [x, y, away] = project(view, [all[i], all[i + 1], all[i + 2]]);
    placed[i] = x;
    placed[i + 1] = y;
    // In the photograph's own unit, which the painter measures in.
    placed[i + 2] = (away + view.translation[2]) * scene.fit.pose.scale;
  }
  const raster = rasterize(placed, scene.triangles, scene.facing, width, height);
  const isBright = random.uniform(0.4, 1);
  const change: RigChange = {
    ...{ yaw: 0, pitch: 0, identity: [], expression: [], light: [0, 0, 0] },
    iris: [90 * isBright, 66 * isBright, random.uniform(30, 90) * isBright],
  };
  const gain = new Float32Array(placed.length / 3).fill(1);
  const paint = createPainter(scene, change, placed, raster, gain);
  const slope = [0, 1, 2].map(() => [random.uniform(20, 230), random.uniform(-80, 80)]);
  const exposure = random.uniform(0.65, 1.15);
  const rgb = new Uint8Array(width * height * 3);
  const colour = new Float32Array(3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const isSeen = raster.triangle[pixel] >= 0;
    if (isSeen) paint(pixel, colour);
    const down = Math.floor(pixel / width) / height;
    for (let channel = 0; channel < 3; channel++) {
      const value = isSeen ? exposure * colour[channel] : slope[channel][0] + slope[channel][1] * down;
      rgb[3 * pixel + channel] = Math.max(0, Math.min(255, Math.round(value + random.uniform(-5, 5))));
    }
  }
  const landmarks = scene.prepared.rig.landmarks.map((v): [number, number] => [
    placed[3 * v],
    placed[3 * v + 1],
  ]);
  return { picture: { file: scene.still.file, width, height, rgb }, landmarks };
};
