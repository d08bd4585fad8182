import { sampleBilinear } from '../../flow/plane.ts';
import { motionWeights, regionWeights } from './motion-weights.ts';
import type { FramePair } from './pair-pool.ts';
import type { VideoRegions } from './regions.ts';
import type { VideoPair } from './video-pairs.ts';
import type { VideoSettings } from '../settings/video-settings.ts';
import type { CropBase } from '../views/warps.ts';

/** The canonical crop where the whole frame is used: its rim is for the views to move in. */
const wholeFrame: CropBase = { centerX: 0.5, centerY: 0.5, side: 0.85 };

/** The canonical crop in a square that is cut around a region. */
export const cutBase = ({ context }: Pick<VideoSettings, 'context'>): CropBase => ({
  ...{ centerX: 0.5, centerY: 0.5 },
  side: 1 / context,
});

/** Pairs that do not deform are drawn as often as ones that deform by so much of the canonical side. */
const calmDraw = 1 / 192;

/** A flow there and back that misses its start by so much, pixels, counts six tenths; errors of several add up like chance. */
const trustedMiss = 0.2;

/**
 * Takes weight from pixels whose flow does not lead back to where it started: by less than what makes it invalid, but
 * a fraction of a pixel is what a tracker is to be exact to.
 * @param weights (H, W) changed in place; what is above 0 stays above 0
 */
const trustByReturn = (
  weights: Uint8Array,
  { flow, backward, hops }: Pick<VideoPair, 'flow' | 'backward' | 'hops'>,
): Uint8Array => {
  const { width, height } = flow;
  const backX = { width, height, data: backward.x };
  const backY = { width, height, data: backward.y };
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (weights[i] === 0) continue;
      const [atX, atY] = [x + flow.x[i], y + flow.y[i]];
      const missX = flow.x[i] + sampleBilinear(backX, atX, atY);
      const missY = flow.y[i] + sampleBilinear(backY, atX, atY);
      const trust = Math.exp(-(missX * missX + missY * missY) / (2 * hops * trustedMiss ** 2));
      weights[i] = Math.max(1, Math.round(weights[i] * trust));
    }
  }
  return weights;
};

/**
 * A pair as it goes into a pool: with its canonical crop, and how much each pixel counts.
 * @param kind what its square is: the `whole` frame, or a region around the object
 * @param objectShare side of the object over the side of its region, 0–1
 */
export const toFramePair = (
  pair: VideoPair,
  kind: VideoRegions['kind'],
  settings: VideoSettings,
  objectShare: number,
): FramePair => {
  const { a, b, flow, valid, frame, step, mattes } = pair;
  const frames = [frame, frame + step] as const;
  const told = mattes && { mattes };
  if (kind === 'whole') {
    const weights = motionWeights({ a, b, flow, valid }, settings.stillWeight);
    return { a, b, flow, frames, base: wholeFrame, weights: trustByReturn(weights, pair), ...told };
  }
  const base = cutBase(settings);
  const { map, greatest } = pair.deformation ?? { map: new Float32Array(valid.length), greatest: 0 };
  const weights = regionWeights(flow, { valid, deformation: map, base, objectShare }, settings);
  return {
    ...{ a, b, flow, frames, base },
    weights: trustByReturn(weights, pair),
    fullWeight: settings.deformationWeight,
    drawWeight: calmDraw * base.side * flow.width + greatest,
    ...told,
  };
};
