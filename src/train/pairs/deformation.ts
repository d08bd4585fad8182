/**
 * How an object deforms: what is left of a flow when the shift, turn and growth of the whole object are taken
 * off. A mouth that opens, an eye that closes, a head that turns out of the picture's plane. Warps of still pictures teach
 * the rest already; this is what only videos can show.
 */
import { applySimilarity, fitSimilarity } from '../../geometry/similarity.ts';
import type { Similarity } from '../../geometry/similarity.ts';
import type { Point } from '../../geometry/coordinates.ts';
import type { FlowField } from '../../flow/optical-flow.ts';
import type { CropBase } from '../views/warps.ts';

/** The disc around the middle of a canonical crop that the object fills. */
export type ObjectDisc = { /** Pixels. */ center: Point; radius: number };

/** @param objectShare side of the object over side of the canonical crop */
export const objectDisc = (
  { width, height }: Pick<FlowField, 'width' | 'height'>,
  base: CropBase,
  objectShare: number,
): ObjectDisc => ({
  center: { x: base.centerX * width, y: base.centerY * height },
  radius: (objectShare * base.side * Math.min(width, height)) / 2,
});

/** Pixels between those that the fit looks at. */
const stride = 2;
/** A residual of so much of the disc's radius has half the say of none (Cauchy's weights; Holland & Welsch 1977). */
const tolerance = 0.01;
const iterations = 8;
/** Fewer places than this say nothing of the whole. */
const leastPlaces = 50;

/** The similarity that most of the disc moves by; undefined where too little of its flow is valid. */
const wholeMotion = (
  { width, height, x, y }: FlowField,
  valid: ArrayLike<number>,
  { center, radius }: ObjectDisc,
): Similarity | undefined => {
  const from: Point[] = [];
  const to: Point[] = [];
  for (let row = 0; row < height; row += stride) {
    for (let column = 0; column < width; column += stride) {
      const i = row * width + column;
      const place = { x: column + 0.5 - center.x, y: row + 0.5 - center.y };
      if (valid[i] === 0 || Math.hypot(place.x, place.y) > radius) continue;
      from.push(place);
      to.push({ x: place.x + x[i], y: place.y + y[i] });
    }
  }
  if (from.length < leastPlaces) return undefined;
  const scale = tolerance * radius;
  const weights = new Float64Array(from.length).fill(1);
  let motion = fitSimilarity(from, to, weights);
  for (let iteration = 0; iteration < iterations; iteration++) {
    from.forEach((place, i) => {
      const moved = applySimilarity(motion, place);
      weights[i] = 1 / (1 + ((moved.x - to[i].x) ** 2 + (moved.y - to[i].y) ** 2) / scale ** 2);
    });
    motion = fitSimilarity(from, to, weights);
  }
  return motion;
};

/**
 * How far each pixel of the object moves apart from the object as a whole.
 * @param valid (H, W) 0 where the flow cannot be believed
 * @returns (H, W) pixels; 0 outside the disc, where the flow is not valid, and where the whole is not known
 */
export const deformationOf = (flow: FlowField, valid: ArrayLike<number>, disc: ObjectDisc): Float32Array => {
  const { width, height, x, y } = flow;
  const own = new Float32Array(width * height);
  const motion = wholeMotion(flow, valid, disc);
  if (motion === undefined) return own;
  const { center, radius } = disc;
  for (let i = 0; i < own.length; i++) {
    const place = { x: (i % width) + 0.5 - center.x, y: Math.floor(i / width) + 0.5 - center.y };
    if (valid[i] === 0 || Math.hypot(place.x, place.y) > radius) continue;
    const moved = applySimilarity(motion, place);
    own[i] = Math.hypot(place.x + x[i] - moved.x, place.y + y[i] - moved.y);
  }
  return own;
};

/** How the object deforms in a pair of pictures. */
export type Deformation = {
  /** (H, W) of {@link deformationOf}, pixels. */ map: Float32Array;
  /** How far the parts of the object go that move most, pixels. */ greatest: number;
};

/** Share of the object's pixels that move further than what {@link greatestDeformation} tells. */
const fastShare = 0.03;

/**
 * How far the parts of the object go that move most. @param own of {@link deformationOf} @returns pixels
 */
export const greatestDeformation = (own: Float32Array, { radius }: ObjectDisc): number => {
  const places = Math.max(1, Math.round(fastShare * Math.PI * radius ** 2));
  const sorted = own.slice().sort();
  return sorted[Math.max(0, sorted.length - places)];
};
