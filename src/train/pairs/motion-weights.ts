import type { Size } from '../../geometry/coordinates.ts';
import { sampleBilinear } from '../../flow/plane.ts';
import { rgbToGray } from '../../flow/optical-flow.ts';
import type { FlowField } from '../../flow/optical-flow.ts';
import type { RawPicture } from '../../media/raw-picture.ts';
import type { VideoSettings } from '../settings/video-settings.ts';
import type { CropBase } from '../views/warps.ts';
import { boxBlur, quantile } from './plane-filters.ts';

/** Two pictures of one size and what is known of the flow between them. */
export type KnownFlow = {
  a: RawPicture;
  b: RawPicture;
  /** a → b, pixels. */ flow: FlowField;
  /** (H, W) 0 where the flow cannot be believed. */ valid: Uint8Array;
};

/** Below this, pixels, motion is as good as none: what the flow is wrong by. */
const leastMotion = 0.25;
/** Grey levels by which a motion has to explain a picture better than none, to be half believed. */
const halfBelieved = 1.5;
/** A deformation of so much of the canonical side, a cell of the networks' maps, counts in full. */
const fullDeformation = 1 / 48;
/** Grey levels by which noise and compression change a picture in which nothing moves. */
const unchanged = 4;

/**
 * How fast each pixel moves against the whole picture: the camera's part (the median flow, or none where half of the
 * picture stays as it is) is taken off. Motion counts as far as it explains the second picture better than the camera
 * alone does: over a plain wall, flow is what smoothness and noise make of it. The outcome is smoothed over a sixteenth
 * of the side, so that the plain middle of what moves counts as well.
 * @returns (H, W) pixels
 */
export const ownMotion = ({ a, b, flow, valid }: KnownFlow): Float32Array => {
  const { width, height, x, y } = flow;
  const from = rgbToGray(a.rgb, width, height);
  const to = rgbToGray(b.rgb, width, height);
  const known = (plane: Float32Array): Float32Array => plane.filter((_, i) => valid[i] !== 0).sort();
  const change = from.data.map((value, i) => Math.abs(value - to.data[i])).sort();
  // A plain wall goes along with any motion; one that looks the same stands still, and so does the camera.
  const cameraRests = quantile(change, 0.5) < unchanged;
  const camera = cameraRests ? { x: 0, y: 0 } : { x: quantile(known(x), 0.5), y: quantile(known(y), 0.5) };
  const motion = new Float32Array(width * height);
  const gain = new Float32Array(width * height);
  for (let i = 0; i < motion.length; i++) {
    if (valid[i] === 0) continue;
    const column = i % width;
    const row = Math.floor(i / width);
    const still = Math.abs(from.data[i] - sampleBilinear(to, column + camera.x, row + camera.y));
    const moved = Math.abs(from.data[i] - sampleBilinear(to, column + x[i], row + y[i]));
    motion[i] = Math.hypot(x[i] - camera.x, y[i] - camera.y);
    gain[i] = still - moved;
  }
  const side = Math.min(width, height);
  boxBlur(gain, width, height, Math.max(1, Math.round(side / 64)));
  for (let i = 0; i < motion.length; i++) {
    const better = Math.max(0, gain[i]);
    motion[i] *= better / (better + halfBelieved);
  }
  const radius = Math.max(1, Math.round(side / 16));
  boxBlur(motion, width, height, radius);
  boxBlur(motion, width, height, radius);
  return motion;
};

/**
 * How much each pixel of a pair's first frame counts in training, so that the background, which mostly stands still
 * and is most of the picture, does not dominate: 1 for what moves at half the speed of the fastest tenth or more,
 * `stillWeight` for what stands still.
 * @returns (H, W), 1–255 for 0–1; 0 where the flow is not valid
 */
export const motionWeights = (pair: KnownFlow, stillWeight: number): Uint8Array => {
  const motion = ownMotion(pair);
  const fast = quantile(motion.slice().sort(), 0.9);
  const full = Math.max(leastMotion, 0.5 * fast);
  return pair.valid.map((isValid, i) =>
    isValid === 0 ? 0 : toByte(stillWeight + (1 - stillWeight) * Math.min(1, motion[i] / full)),
  );
};

/** What region weights are made from. */
type KnownRegion = {
  /** (H, W) 0 where the flow cannot be believed. */ valid: Uint8Array;
  /** (H, W) of `deformationOf`, pixels. */ deformation: Float32Array;
  /** Canonical crop. */ base: CropBase;
  /** Side of the object over side of the canonical crop. */ objectShare: number;
};

/**
 * The same for a picture whose object is known to fill the middle of its canonical crop: 1 on the object, falling to
 * `stillWeight` at the crop's edge, and up to `deformationWeight` where the object deforms.
 * @returns (H, W), 1–255 for 0 to `deformationWeight`; 0 where the flow is not valid
 */
export const regionWeights = (
  { width, height }: Size,
  { valid, deformation, base, objectShare }: KnownRegion,
  { stillWeight, deformationWeight }: Pick<VideoSettings, 'stillWeight' | 'deformationWeight'>,
): Uint8Array => {
  const side = base.side * Math.min(width, height);
  return valid.map((isValid, i) => {
    if (isValid === 0) return 0;
    const dx = (i % width) + 0.5 - base.centerX * width;
    const dy = Math.floor(i / width) + 0.5 - base.centerY * height;
    const distance = Math.hypot(dx, dy) / (side / 2);
    const fall = Math.min(1, Math.max(0, (distance - objectShare) / (1 - objectShare)));
    const place = 1 - fall * (1 - stillWeight);
    const share = Math.min(1, deformation[i] / (fullDeformation * side));
    return toByte((place * (1 + share * (deformationWeight - 1))) / deformationWeight);
  });
};

/** @param weight 0–1 */
const toByte = (weight: number): number => Math.max(1, Math.round(255 * weight));
