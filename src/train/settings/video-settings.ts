import { group, number, text, whole } from './check-settings.ts';
import type { Rules } from './check-settings.ts';
import { defaultVideoPairSettings, videoPairRules } from './video-pair-settings.ts';
import type { VideoPairSettings } from './video-pair-settings.ts';

/** How training uses videos: a plain JSON object. */
export type VideoSettings = {
  /** Share of the pairs of a batch that come from videos where there are pictures, too, 0–1. */ share: number;
  /** Which pairs go through auxiliary pictures (`loss.exchange`): of all kinds alike, or pictures before frames. */
  exchange: 'all' | 'pictures';
  /** Pairs that are kept in memory, of all videos together; one takes 13 bytes per pixel of `pairs.side`². */
  poolPairs: number;
  /** How much of a pair's picture counts that stands still, or lies beside the object's region, 0–1. */
  stillWeight: number;
  /** How much counts what the object deforms by, where its region is known, against the rest of it. */
  deformationWeight: number;
  /** Side of the square that is cut around a region, over the region's: room for the views to move in. */
  context: number;
  /**
   * Share of the pairs that are shown before other backgrounds, another one in each view, where the object is told from
   * its own by motion (`pairs.chain`): the network does not learn the few that it was filmed before. 0: none.
   */
  backdrops: number;
  self: SelfSettings;
  pairs: VideoPairSettings;
};

/** When and how the object is searched in the videos by the network that is being trained. */
export type SelfSettings = {
  /** Steps on pictures before the first search; none after `--init`. */ start: number;
  /** Steps from one search to the next. */ every: number;
  /** Searches. */ rounds: number;
  /** Frames from one that is searched to the next, at least. */ frameStep: number;
  /** Network runs that one frame may take. */ budget: number;
};

export const defaultVideoSettings: VideoSettings = {
  share: 0.5,
  exchange: 'all',
  poolPairs: 1000,
  stillWeight: 0.1,
  deformationWeight: 8,
  context: 1.5,
  backdrops: 0,
  self: { start: 2000, every: 4000, rounds: 2, frameStep: 5, budget: 48 },
  pairs: defaultVideoPairSettings,
};

export const videoRules: Rules<VideoSettings> = {
  share: number(0, 1, 'Share of the pairs of a batch that come from videos, where there are pictures, too.'),
  exchange: text(
    'Which pairs go through auxiliaries first (loss.exchange): all kinds alike, or pictures before frames.',
    ['all', 'pictures'],
  ),
  poolPairs: whole(1, 1_000_000, 'Pairs kept in memory, of all videos; 13 bytes per pixel of pairs.side².'),
  stillWeight: number(
    0.004,
    1,
    'How much counts what stands still, or lies beside the region of the object.',
  ),
  deformationWeight: number(
    1,
    16,
    'How much counts what moves apart from the object as a whole (a mouth that opens), where its region is known.',
  ),
  context: number(1, 4, 'Side of the square that is cut around a region, over that of the region.'),
  backdrops: number(
    0,
    1,
    'Share of the pairs shown before other backgrounds, where motion tells the object from its own; with pairs.chain.',
  ),
  self: group<SelfSettings>('With --roi self: when and how the object is searched in the videos.', {
    start: whole(1, 1e8, 'Steps before the first search; none after --init.'),
    every: whole(1, 1e8, 'Steps from one search to the next.'),
    rounds: whole(1, 100, 'Searches.'),
    frameStep: whole(1, 100_000, 'Frames from one that is searched to the next, at least.'),
    budget: whole(1, 10_000, 'Network runs that one frame may take.'),
  }),
  pairs: group('How pairs of frames are chosen.', videoPairRules),
};
