/** Pairs of frames as pictures: the two frames, and the flow between them in colours. */
import { createRandom } from '../../augment/random.ts';
import { pairMap } from '../pairs/pair-pool.ts';
import type { PairPool, PooledPair } from '../pairs/pair-pool.ts';

/** A pair that training learns from. */
export type SampleFlow = {
  /** Name of the video or picture. */ name: string;
  /** Side of each picture, pixels. */ width: number;
  height: number;
  /** (H, W, 3) bytes each: the first frame, the second one, the flow in colours. */
  pictures: [Uint8Array, Uint8Array, Uint8Array];
  /** The longest flow, pixels: full colour. */ longest: number;
  /** Share of the pixels whose flow is valid, 0–1. */ coverage: number;
};

/** Hue on the colour wheel, degrees, at full saturation. @returns red, green, blue 0–1 */
const rainbow = (degrees: number): [number, number, number] => {
  const channel = (shift: number): number => {
    const k = (shift + degrees / 60) % 6;
    return 1 - Math.max(0, Math.min(k, 4 - k, 1));
  };
  return [channel(5), channel(3), channel(1)];
};

const flowColors = (pool: PairPool, pair: PooledPair): Omit<SampleFlow, 'name'> => {
  const { width, height, levels } = pair.a;
  const area = width * height;
  const map = pairMap(pool, pair);
  const flow = new Float32Array(2 * area);
  const valid = new Uint8Array(area);
  const place = new Float64Array(2);
  let longest = 0;
  let count = 0;
  for (let i = 0; i < area; i++) {
    const x = (i % width) + 0.5;
    const y = Math.floor(i / width) + 0.5;
    if (map(x, y, place) === 0) continue;
    valid[i] = 1;
    count += 1;
    flow[2 * i] = place[0] - x;
    flow[2 * i + 1] = place[1] - y;
    longest = Math.max(longest, Math.hypot(flow[2 * i], flow[2 * i + 1]));
  }
  const colors = new Uint8Array(3 * area);
  for (let i = 0; i < area; i++) {
    // Where no flow is known the picture stays black; white is no motion.
    if (valid[i] === 0) continue;
    const [dx, dy] = [flow[2 * i], flow[2 * i + 1]];
    const length = longest > 0 ? Math.hypot(dx, dy) / longest : 0;
    const hue = ((Math.atan2(dy, dx) * 180) / Math.PI + 360) % 360;
    rainbow(hue).forEach((value, c) => (colors[3 * i + c] = Math.round(255 * (1 - length * (1 - value)))));
  }
  const frame = (offset: number): Uint8Array => pool.bytes.slice(offset, offset + 3 * area);
  return {
    ...{ width, height, longest, coverage: count / area },
    pictures: [frame(levels[0].offset), frame(pair.b.levels[0].offset), colors],
  };
};

/** A few pairs of a pool, of different videos where there are enough; the same ones for the same pool and seed. */
export const sampleFlows = (pool: PairPool, count: number, seed: number): SampleFlow[] => {
  const order = createRandom(seed).shuffle(pool.pairs.map((_, index) => index));
  const seen = new Set<number>();
  const first = order.filter((index) => {
    const { video } = pool.pairs[index];
    if (seen.has(video)) return false;
    seen.add(video);
    return true;
  });
  return [...new Set([...first, ...order])].slice(0, count).map((index) => {
    const pair = pool.pairs[index];
    return { name: pool.videos[pair.video], ...flowColors(pool, pair) };
  });
};
