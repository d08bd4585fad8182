import { motionWeights, regionWeights } from './motion-weights.ts';
import type { FramePair } from './pair-pool.ts';
import type { VideoRegions } from './regions.ts';
import type { VideoPair } from './video-pairs.ts';
import type { VideoSettings } from './video-settings.ts';
import type { CropBase } from './warps.ts';

/** The canonical crop where the whole frame is used: its rim is for the views to move in. */
const wholeFrame: CropBase = { centerX: 0.5, centerY: 0.5, side: 0.85 };

/**
 * A pair as it goes into a pool: with its canonical crop, and how much each pixel counts.
 * @param kind what its square is: the `whole` frame, or a region around the object
 * @param objectShare side of the object over the side of its region, 0–1
 */
export const toFramePair = (
  { a, b, flow, valid }: VideoPair,
  kind: VideoRegions['kind'],
  settings: VideoSettings,
  objectShare: number,
): FramePair => {
  if (kind === 'whole') {
    return {
      a,
      b,
      flow,
      base: wholeFrame,
      weights: motionWeights({ a, b, flow, valid }, settings.stillWeight),
    };
  }
  const base = { centerX: 0.5, centerY: 0.5, side: 1 / settings.context };
  return { a, b, flow, base, weights: regionWeights(flow, valid, base, objectShare, settings.stillWeight) };
};
