/** Which videos are clips of one recording: those show the same instance, and count as one. */
import type { PairPool, PooledPair } from './pair-pool.ts';

/** Cells per side of the coarse picture by which videos are compared. */
const side = 8;
/** Pairs of a video that are looked at, at most. */
const looks = 12;
/**
 * Root mean square difference of two coarse pictures, grey levels, up to which they are of one recording. Chosen on the
 * clips that the face model learns from: those of one person in one place have another within 13, those of two people
 * differ by 15 and more.
 */
const alike = 14;

/** The mean over first pictures of a video's pairs, and how much each cell of it counts. */
type Thumbnail = {
  /** (side, side, 3) levels. */ rgb: Float64Array;
  /** (side, side). */ weights: Float64Array;
};

const thumbnailOf = ({ bytes, weights }: PairPool, pairs: readonly PooledPair[]): Thumbnail => {
  const thumbnail: Thumbnail = {
    rgb: new Float64Array(3 * side * side),
    weights: new Float64Array(side * side),
  };
  const count = Math.min(looks, pairs.length);
  for (let i = 0; i < count; i++) {
    const pair = pairs[Math.floor(((i + 0.5) / count) * pairs.length)];
    const { offset, width, height } = pair.a.levels[0];
    const share = (side * side) / (width * height * count);
    for (let y = 0; y < height; y++) {
      const row = side * Math.floor((side * y) / height);
      for (let x = 0; x < width; x++) {
        const cell = row + Math.floor((side * x) / width);
        const pixel = y * width + x;
        // What counts more because it deforms counts like the rest here.
        thumbnail.weights[cell] += share * Math.min(255, weights[pair.weights + pixel] * pair.fullWeight);
        for (let channel = 0; channel < 3; channel++) {
          thumbnail.rgb[3 * cell + channel] += share * bytes[offset + 3 * pixel + channel];
        }
      }
    }
  }
  return thumbnail;
};

/** Root mean square difference, cells that count in either of them more than others: two may stand before one wall. */
const difference = (a: Thumbnail, b: Thumbnail): number => {
  let sum = 0;
  let total = 0;
  a.rgb.forEach((value, i) => {
    const cell = Math.floor(i / 3);
    const weight = Math.max(a.weights[cell], b.weights[cell]);
    sum += weight * (value - b.rgb[i]) ** 2;
    total += weight;
  });
  return total === 0 ? 0 : Math.sqrt(sum / total);
};

/**
 * Videos in which the object and its surroundings look the same on the average are taken for clips of one recording.
 * Drawn each for itself, one person who was recorded twenty times would fill half of all batches, and be exchanged with
 * himself.
 *
 * @returns for each video of the pool the name of the first one of its recording; its own where it has no pairs
 */
export const groupRecordings = (pool: PairPool): string[] => {
  const { videos, pairs } = pool;
  const members = videos.map((): PooledPair[] => []);
  for (const pair of pairs) members[pair.video].push(pair);
  const thumbnails = members.map((own) => (own.length > 0 ? thumbnailOf(pool, own) : undefined));
  const first = videos.map((_, video) => video);
  thumbnails.forEach((thumbnail, video) => {
    for (let other = 0; other < video && thumbnail; other++) {
      const another = thumbnails[other];
      if (another === undefined || first[other] === first[video]) continue;
      if (difference(thumbnail, another) > alike) continue;
      // One that is like two recordings makes them one.
      const from = Math.max(first[video], first[other]);
      const to = Math.min(first[video], first[other]);
      first.forEach((value, i) => {
        if (value === from) first[i] = to;
      });
    }
  });
  return first.map((video) => videos[video]);
};
