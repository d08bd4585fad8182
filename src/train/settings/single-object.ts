/** Settings for videos of one single object, where there is nothing to learn about other instances. */
import { defaultConfig, type TrainingConfig } from './config.ts';

/**
 * With more videos than these they are taken to show several instances of a category, as the defaults are for. Nobody says
 * so; `--instances` does.
 */
export const mostVideosOfOne = 12;

/**
 * What differs from the defaults, and why, by an arm of three joints (test/bench/objects/arm.ts). Its outer links turn by
 * any angle: with views turned by ±17° they are taken for something else. Its place is a box around all that it does, so
 * that a square of 1.6 boxes, cut to 128 pixels, leaves three pixels of a finger: squares are tighter and finer. There is
 * no other instance to go through, and a small network suffices. One flow sees its joints move by a few pixels, a chain of
 * them by up to sixty, bent and turned otherwise. Five clips are five backgrounds, which the network would learn by heart:
 * a third of the pairs is shown before others. With more of them what never moves is learnt from too few pairs.
 */
export const singleObjectConfig: TrainingConfig = {
  ...defaultConfig,
  steps: 4000,
  cropMargin: 1.3,
  network: { kind: 'light', embeddingSize: 32, widths: [16, 32, 64, 96, 96] },
  loss: { ...defaultConfig.loss, exchange: 0 },
  batch: {
    ...defaultConfig.batch,
    pairs: 6,
    base: { centerX: 0.5, centerY: 0.5, side: 0.89 },
    geometric: { ...defaultConfig.batch.geometric, rotationSd: 60, wideScaleShare: 0 },
  },
  videos: {
    ...defaultConfig.videos,
    // Flow at this size takes a tenth of a second: more pairs would take longer than the training.
    poolPairs: 160,
    context: 1.25,
    backdrops: 0.35,
    self: { ...defaultConfig.videos.self, start: 1500, every: 1200 },
    pairs: {
      ...defaultConfig.videos.pairs,
      side: 192,
      greatestMotion: 30,
      greatestMedian: 20,
      leastCoverage: 0.7,
      tries: 3,
      chain: 64,
    },
  },
};
