import type { PairPool, PooledPair } from './pair-pool.ts';

/** Videos that frames are held back of, at most. */
const mostVideos = 3;
/** A video with fewer pairs is needed whole. */
const leastPairs = 12;
/** Share of a video's pairs that may be lost to training. */
const mostLost = 1 / 8;

/**
 * The last stretch of a video that holds a pair, so that no other pair shows any of its frames.
 * @param pairs of one video
 * @returns the pair, and all that reach into its stretch; undefined where that would be too many
 */
const lastStretch = (pairs: readonly PooledPair[]): { held: PooledPair; lost: PooledPair[] } | undefined => {
  const known = pairs.flatMap((pair) => (pair.frames === undefined ? [] : [{ pair, frames: pair.frames }]));
  if (known.length < Math.max(leastPairs, pairs.length)) return undefined;
  // The later a stretch begins, the fewer pairs reach into it.
  const [held] = known.sort((p, q) => Math.min(...q.frames) - Math.min(...p.frames));
  const from = Math.min(...held.frames);
  const lost = known.filter(({ frames }) => Math.max(...frames) >= from);
  return lost.length > mostLost * pairs.length
    ? undefined
    : { held: held.pair, lost: lost.map(({ pair }) => pair) };
};

/**
 * Keeps the last frames of a few videos from training: what a network makes of them tells more than what it makes of those it
 * learnt from. Pairs whose frame numbers are not known stay.
 * @returns the pairs to train on, and one pair each of up to three videos, of other recordings where the pool tells them; no
 * frame of these is in the former
 */
export const holdBack = (pool: PairPool): { pool: PairPool; held: PairPool } => {
  const ofVideo = new Map<number, PooledPair[]>();
  for (const pair of pool.pairs) ofVideo.set(pair.video, [...(ofVideo.get(pair.video) ?? []), pair]);
  const recordingOf = (video: number): string => (pool.recordings ?? pool.videos)[video];
  const held: PooledPair[] = [];
  const lost = new Set<PooledPair>();
  // Longest first: these miss a stretch the least.
  for (const [video, pairs] of [...ofVideo].sort(([, p], [, q]) => q.length - p.length)) {
    if (held.length >= mostVideos) break;
    if (held.some((one) => recordingOf(one.video) === recordingOf(video))) continue;
    const stretch = lastStretch(pairs);
    if (stretch === undefined) continue;
    held.push(stretch.held);
    stretch.lost.forEach((pair) => lost.add(pair));
  }
  return {
    pool: { ...pool, pairs: pool.pairs.filter((pair) => !lost.has(pair)) },
    held: { ...pool, pairs: held },
  };
};
