/** Draws a photographed object from another side, in another expression and another light. */
import type { RawPicture } from '../../media/raw-picture.ts';
import { createPainter } from './paint.ts';
import type { Raster } from './raster.ts';
import { rasterize } from './raster.ts';
import type { RigChange } from './rig-change.ts';
import type { RigScene } from './rig-scene.ts';

export type RigView = {
  picture: RawPicture;
  /** (V + S, 3) x, y in pixels, and depth. */ placed: Float32Array;
  raster: Raster;
  /** (H · W) share of each pixel that the background has, 0–1. */ covered: Float32Array;
};

/** Distance of the camera, in object sizes: a portrait's perspective. */
const cameraDistance = 4;
/** Displacements of the rig's vertices, rig units, into the picture. @returns (V, 3) pixels */
const deformation = ({ prepared, fit }: RigScene, { identity, expression }: RigChange): Float32Array => {
  const { rig, reach } = prepared;
  const moved = new Float32Array(rig.neutral.length);
  const add = (delta: Float32Array, weight: number): void => {
    if (weight === 0) return;
    for (let i = 0; i < moved.length; i++) moved[i] += weight * delta[i];
  };
  for (let k = 0; k < identity.length; k++) add(rig.identity[k], identity[k]);
  for (let k = 0; k < expression.length; k++) {
    const from = fit.expression[k];
    add(rig.expressions[k], Math.max(0, Math.min(1, from + expression[k])) - from);
  }
  const { scale, rotation: r } = fit.pose;
  for (let v = 0; v < reach.length; v++) {
    const gain = scale * reach[v];
    const [x, y, z] = [moved[3 * v], -moved[3 * v + 1], -moved[3 * v + 2]];
    moved[3 * v] = gain * (r[0] * x + r[1] * y + r[2] * z);
    moved[3 * v + 1] = gain * (r[3] * x + r[4] * y + r[5] * z);
    moved[3 * v + 2] = gain * (r[6] * x + r[7] * y + r[8] * z);
  }
  return moved;
};

/** (V + S, 3) the scene's vertices after a change. */
const placeScene = (scene: RigScene, change: RigChange): Float32Array => {
  const { placed: still, pivot, size, prepared, middle } = scene;
  const moved = deformation(scene, change);
  const placed = new Float32Array(still.length);
  const [cy, sy, cp, sp] = [
    Math.cos(change.yaw),
    Math.sin(change.yaw),
    Math.cos(change.pitch),
    Math.sin(change.pitch),
  ];
  const camera = cameraDistance * size;
  for (let i = 0; i < still.length; i += 3) {
    const isRig = i < moved.length;
    const dx = still[i] + (isRig ? moved[i] : 0) - pivot.x;
    const dy = still[i + 1] + (isRig ? moved[i + 1] : 0) - pivot.y;
    const dz = still[i + 2] + (isRig ? moved[i + 2] : 0) - pivot.depth;
    const x = cy * dx - sy * dz;
    const z = cy * dz + sy * dx;
    const y = cp * dy - sp * z;
    const depth = cp * z + sp * dy;
    // Against the photograph's own depth: that already has its perspective.
    const shrink = camera / Math.max(0.2 * camera, camera + depth - (still[i + 2] - pivot.depth));
    placed[i] = pivot.x + x * shrink;
    placed[i + 1] = pivot.y + y * shrink;
    placed[i + 2] = depth;
  }
  // A turn about the middle of the head takes the face aside; the crop goes along with it, mostly.
  const { landmarks } = prepared.rig;
  const mean = (axis: number): number =>
    landmarks.reduce((sum, v) => sum + placed[3 * v + axis], 0) / landmarks.length;
  const [shiftX, shiftY] = [0.8 * (middle.x - mean(0)), 0.8 * (middle.y - mean(1))];
  for (let i = 0; i < placed.length; i += 3) {
    placed[i] += shiftX;
    placed[i + 1] += shiftY;
  }
  return placed;
};

/** Gain of added light at every vertex. */
const shade = (
  placed: Float32Array,
  { triangles, facing }: RigScene,
  [lx, ly, lz]: RigChange['light'],
): Float32Array => {
  const gain = new Float32Array(placed.length / 3).fill(1);
  if (lx === 0 && ly === 0 && lz === 0) return gain;
  const normals = new Float32Array(placed.length);
  for (let t = 0; t < facing.length; t++) {
    const [a, b, c] = [3 * triangles[3 * t], 3 * triangles[3 * t + 1], 3 * triangles[3 * t + 2]];
    const [ux, uy, uz] = [
      placed[b] - placed[a],
      placed[b + 1] - placed[a + 1],
      placed[b + 2] - placed[a + 2],
    ];
    const [vx, vy, vz] = [
      placed[c] - placed[a],
      placed[c + 1] - placed[a + 1],
      placed[c + 2] - placed[a + 2],
    ];
    // Towards the onlooker where the front is seen: depth grows away, so the sign is turned.
    const sign = -facing[t];
    const normal = [sign * (uy * vz - uz * vy), sign * (uz * vx - ux * vz), sign * (ux * vy - uy * vx)];
    for (const at of [a, b, c]) {
      for (let axis = 0; axis < 3; axis++) normals[at + axis] += normal[axis];
    }
  }
  for (let v = 0; v < gain.length; v++) {
    const length = Math.hypot(normals[3 * v], normals[3 * v + 1], normals[3 * v + 2]);
    if (length === 0) continue;
    const along = (lx * normals[3 * v] + ly * normals[3 * v + 1] + lz * normals[3 * v + 2]) / length;
    gain[v] = Math.exp(along);
  }
  return gain;
};

/** Draws one view. */
export const drawView = (scene: RigScene, change: RigChange): RigView => {
  const { still, triangles, facing } = scene;
  const { width, height } = still;
  const placed = placeScene(scene, change);
  const raster = rasterize(placed, triangles, facing, width, height);
  const paint = createPainter(scene, change, placed, raster, shade(placed, scene, change.light));
  const rgb = new Uint8Array(width * height * 3);
  const covered = new Float32Array(width * height);
  const colour = new Float32Array(3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    covered[pixel] = paint(pixel, colour);
    const share = change.background ? covered[pixel] : 0;
    for (let channel = 0; channel < 3; channel++) {
      const behind = change.background ? change.background.rgb[3 * pixel + channel] : 0;
      const value = (1 - share) * colour[channel] + share * behind;
      rgb[3 * pixel + channel] = Math.max(0, Math.min(255, Math.round(value)));
    }
  }
  return { picture: { file: still.file, width, height, rgb }, placed, raster, covered };
};

/** The photograph itself as a view. */
export const stillView = ({ still, placed, raster }: RigScene): RigView => ({
  ...{ picture: still, placed, raster },
  covered: new Float32Array(still.width * still.height),
});
