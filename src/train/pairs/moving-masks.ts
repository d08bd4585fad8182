/**
 * What moves before its background: a mask for each frame of a chain of flows, by motion alone, whatever the object is. The
 * background is what most of the square's rim goes along with. A pixel is the object's where it is carried away from the
 * background, as long trajectories tell better than single flows (Brox and Malik, ECCV 2010), and does not look in the
 * other frames as the background would.
 */
import type { FlowField } from '../../flow/optical-flow.ts';
import { flowValidity } from '../../flow/optical-flow.ts';
import { sampleBilinear } from '../../flow/plane.ts';
import type { Point, Size } from '../../geometry/coordinates.ts';
import {
  applySimilarity,
  composeSimilarity,
  fitSimilarity,
  identitySimilarity,
  invertSimilarity,
  type Similarity,
} from '../../geometry/similarity.ts';
import type { RawPicture } from '../../media/raw-picture.ts';
import { boxBlur } from './plane-filters.ts';
import type { ObjectDisc } from './deformation.ts';
import type { Cut } from './frame-cut.ts';

/** A flow of a chain: from one frame to the next, and back. */
export type ChainLink = {
  a: Cut;
  b: Cut;
  forward: FlowField;
  backward: FlowField;
};

/** {@link movingMasks}, or whatever else tells an object from its background in the frames of a chain. */
export type MaskFinder = typeof movingMasks;

/** Pixels between those that a fit looks at. */
const stride = 3;
const iterations = 10;
/** Flow misses the background's motion by so much, pixels, and has half the say. */
const tolerance = 0.4;
/** Fewer places than this say nothing of the background. */
const leastPlaces = 60;
/** Half of the rim has to go along with the background this well, pixels; else nothing is known of it. */
const greatestMiss = 1.5;
/** Change of brightness from pixel to pixel that makes a flow half sure: a plain wall goes along with anything. */
const halfSure = 6;
/** So far from the background's place, pixels, is carried away; more after several flows, whose errors add up like chance. */
const leastDrift = 1;
/** Frames that each is compared with. */
const compared = 12;
/** Grey levels that noise, compression and light that is not even change a colour by. */
const sameColor = 12;
/** Seen in more of the frames than this where the background would be, it is background whatever the flow says. */
const surelyBehind = 0.8;
/** Seen in fewer than this, it is not, whatever the flow says. */
const surelyBefore = 0.3;
/** Share of what is taken for the background that is to be seen behind: else its motion was not what was thought. */
const leastBehind = 0.8;
/** Share of the square that the object fills, at least and at most; else it was not told from the background. */
const leastShare = 0.01;
const greatestShare = 0.6;

/** The similarity that most of the rim goes along with, about the square's corner. */
const backgroundMotion = ({ a, forward }: ChainLink, isRim: Uint8Array): Similarity | undefined => {
  const { width, height, x, y } = forward;
  const { data } = a.gray;
  const from: Point[] = [];
  const to: Point[] = [];
  const sure: number[] = [];
  for (let row = 1; row < height - 1; row += stride) {
    for (let column = 1; column < width - 1; column += stride) {
      const i = row * width + column;
      if (isRim[i] === 0) continue;
      const slope = (data[i + 1] - data[i - 1]) ** 2 + (data[i + width] - data[i - width]) ** 2;
      sure.push(slope / (slope + 4 * halfSure ** 2));
      from.push({ x: column, y: row });
      to.push({ x: column + x[i], y: row + y[i] });
    }
  }
  if (from.length < leastPlaces) return undefined;
  const middle = (values: number[]): number => values.sort((p, q) => p - q)[values.length >> 1];
  let motion: Similarity = {
    ...identitySimilarity,
    x0: middle(from.map((place, i) => to[i].x - place.x)),
    y0: middle(from.map((place, i) => to[i].y - place.y)),
  };
  const weights = new Float64Array(from.length);
  const missOf = (i: number): number => {
    const moved = applySimilarity(motion, from[i]);
    return Math.hypot(moved.x - to[i].x, moved.y - to[i].y);
  };
  for (let iteration = 0; iteration < iterations; iteration++) {
    from.forEach((_, i) => {
      weights[i] = sure[i] / (1 + (missOf(i) / tolerance) ** 2) ** 2;
    });
    motion = fitSimilarity(from, to, weights);
  }
  return middle(from.map((_, i) => missOf(i))) <= greatestMiss ? motion : undefined;
};

/** How the light of one frame becomes that of another: exp(a + b·x + c·y), x and y from −0.5 to 0.5. */
type Light = readonly [number, number, number];

/** A frame as others are compared with it: its colours, and the darkest and brightest ones around each pixel. */
type Look = { plain: Float32Array; low: Float32Array; high: Float32Array };

/** The least or greatest of each 3×3 pixels. */
const extremes = (
  plane: Float32Array,
  width: number,
  height: number,
  pick: (p: number, q: number) => number,
): Float32Array => {
  const lines = plane.map((value, i) => {
    const column = i % width;
    const left = column > 0 ? plane[i - 1] : value;
    const right = column < width - 1 ? plane[i + 1] : value;
    return pick(value, pick(left, right));
  });
  return lines.map((value, i) => {
    const above = i >= width ? lines[i - width] : value;
    const below = i < width * (height - 1) ? lines[i + width] : value;
    return pick(value, pick(above, below));
  });
};

const lookOf = ({ rgb, width, height }: RawPicture): Look => {
  const area = width * height;
  const look: Look = {
    plain: new Float32Array(3 * area),
    low: new Float32Array(3 * area),
    high: new Float32Array(3 * area),
  };
  for (let channel = 0; channel < 3; channel++) {
    const plane = Float32Array.from({ length: area }, (_, i) => rgb[3 * i + channel]);
    boxBlur(plane, width, height, 1);
    look.plain.set(plane, channel * area);
    look.low.set(extremes(plane, width, height, Math.min), channel * area);
    look.high.set(extremes(plane, width, height, Math.max), channel * area);
  }
  return look;
};

/** Solves the 3×3 normal equations of a weighted fit of a + b·x + c·y. */
const fitPlane = (rows: readonly (readonly [number, number, number])[], weights: Float64Array): Light => {
  const [m, v] = [new Float64Array(9), new Float64Array(3)];
  rows.forEach(([x, y, value], i) => {
    const basis = [1, x, y];
    for (let r = 0; r < 3; r++) {
      v[r] += weights[i] * basis[r] * value;
      for (let c = 0; c < 3; c++) m[3 * r + c] += weights[i] * basis[r] * basis[c];
    }
  });
  // A little of the identity: where the rim lies on one line, slopes across it are none.
  for (let r = 0; r < 3; r++) m[4 * r] += 1e-3 * (r === 0 ? 1 : m[0]);
  const det = (a: number, b: number, c: number): number =>
    m[a] * (m[b + 1] * m[c + 2] - m[b + 2] * m[c + 1]) -
    m[a + 1] * (m[b] * m[c + 2] - m[b + 2] * m[c]) +
    m[a + 2] * (m[b] * m[c + 1] - m[b + 1] * m[c]);
  const whole = det(0, 3, 6);
  const solve = (column: number): number => {
    const kept = [0, 1, 2].map((r) => m[3 * r + column]);
    for (let r = 0; r < 3; r++) m[3 * r + column] = v[r];
    const part = det(0, 3, 6);
    for (let r = 0; r < 3; r++) m[3 * r + column] = kept[r];
    return part / whole;
  };
  return [solve(0), solve(1), solve(2)];
};

/** Masks of the frames of one chain. */
type Chain = Size & {
  looks: Look[];
  motions: Similarity[];
  links: readonly ChainLink[];
  inside: Uint8Array;
};

/** From where the background of each frame lies to where it lies in another. */
const betweenFrames = ({ motions }: Chain, from: number, to: number): Similarity => {
  let motion = identitySimilarity;
  for (let i = from; i < to; i++) motion = composeSimilarity(motions[i], motion);
  for (let i = from - 1; i >= to; i--) motion = composeSimilarity(invertSimilarity(motions[i]), motion);
  return motion;
};

/** The index of the pixel that a place of a frame lies at in another, or −1 outside of what is known. */
const landing = ({ width, height, inside }: Chain, motion: Similarity): Int32Array =>
  Int32Array.from({ length: width * height }, (_, i) => {
    const { x, y } = applySimilarity(motion, { x: i % width, y: Math.floor(i / width) });
    const [column, row] = [Math.round(x), Math.round(y)];
    if (column < 0 || row < 0 || column >= width || row >= height) return -1;
    const at = row * width + column;
    return inside[i] === 0 || inside[at] === 0 ? -1 : at;
  });

/** How frame `to` is lit against `from`, by what lies behind the object. */
const lightBetween = (
  { width, height, looks }: Chain,
  from: number,
  to: number,
  places: Int32Array,
  rim: Uint8Array,
): Light => {
  const area = width * height;
  const brightness = ({ plain }: Look, i: number): number =>
    plain[i] + plain[area + i] + plain[2 * area + i] + 3;
  const rows: [number, number, number][] = [];
  for (let i = 0; i < area; i += 7) {
    if (places[i] < 0 || rim[i] === 0) continue;
    const ratio = Math.log(brightness(looks[to], places[i]) / brightness(looks[from], i));
    rows.push([(i % width) / width - 0.5, Math.floor(i / width) / height - 0.5, ratio]);
  }
  if (rows.length < leastPlaces) return [0, 0, 0];
  const weights = new Float64Array(rows.length).fill(1);
  let light: Light = [rows.map(([, , ratio]) => ratio).sort((p, q) => p - q)[rows.length >> 1], 0, 0];
  for (let iteration = 0; iteration < 5; iteration++) {
    rows.forEach(([x, y, ratio], i) => {
      weights[i] = 1 / (1 + ((ratio - light[0] - light[1] * x - light[2] * y) / 0.05) ** 2);
    });
    light = fitPlane(rows, weights);
  }
  return light;
};

/** A frame beside another one: where the background lies in that, and 1 where it looks the same there. */
type Comparison = { other: number; places: Int32Array; same: Uint8Array };

const compareFrame = (chain: Chain, frame: number, rim: Uint8Array): Comparison[] => {
  const { width, height, looks } = chain;
  const area = width * height;
  const others = looks.map((_, i) => i).filter((i) => i !== frame);
  const count = Math.min(others.length, compared);
  return Array.from({ length: count }, (_, n) => {
    const other = others[Math.floor(((n + 0.5) * others.length) / count)];
    const same = new Uint8Array(area);
    const places = landing(chain, betweenFrames(chain, frame, other));
    const light = lightBetween(chain, frame, other, places, rim);
    const { low, high } = looks[other];
    const { plain } = looks[frame];
    for (let i = 0; i < area; i++) {
      const place = places[i];
      if (place < 0) continue;
      const x = (i % width) / width - 0.5;
      const y = Math.floor(i / width) / height - 0.5;
      const gain = Math.exp(light[0] + light[1] * x + light[2] * y);
      let isSame = true;
      for (let channel = 0; channel < 3 && isSame; channel++) {
        const value = gain * plain[channel * area + i];
        isSame =
          value > low[channel * area + place] - sameColor && value < high[channel * area + place] + sameColor;
      }
      if (isSame) same[i] = 1;
    }
    return { other, places, same };
  });
};

/**
 * Share of the other frames in which the background's place looks as a pixel does, 0–1; NaN where it is in none.
 * @param masks where the object is thought to be: there nothing is seen of what is behind it
 */
const shareSeen = (comparisons: readonly Comparison[], masks?: readonly Uint8Array[]): Float32Array =>
  Float32Array.from({ length: comparisons[0].same.length }, (_, i) => {
    let [seen, known] = [0, 0];
    for (const { other, places, same } of comparisons) {
      if (places[i] < 0 || masks?.[other][places[i]] === 1) continue;
      known++;
      seen += same[i];
    }
    return seen / known;
  });

/** How far each pixel of a frame is carried from the background's place at most, over what may be chance; 0 where nothing is known. */
const carriedAway = (chain: Chain, frame: number, valid: readonly Uint8Array[][]): Float32Array => {
  const { width, height, links, inside } = chain;
  const area = width * height;
  const away = new Float32Array(area);
  const follow = (step: 1 | -1): void => {
    const [x, y] = [new Float32Array(area), new Float32Array(area)];
    const alive = inside.slice();
    let motion = identitySimilarity;
    for (let at = frame, hops = 1; step > 0 ? at < links.length : at > 0; at += step, hops++) {
      const index = step > 0 ? at : at - 1;
      const flow = step > 0 ? links[index].forward : links[index].backward;
      const isValid = valid[index][step > 0 ? 0 : 1];
      const one = chain.motions[index];
      motion = composeSimilarity(step > 0 ? one : invertSimilarity(one), motion);
      const planes = { x: { width, height, data: flow.x }, y: { width, height, data: flow.y } };
      const limit = leastDrift * Math.sqrt(hops);
      for (let i = 0; i < area; i++) {
        if (alive[i] === 0) continue;
        const [column, row] = [i % width, Math.floor(i / width)];
        const [atX, atY] = [column + x[i], row + y[i]];
        const near = Math.round(atY) * width + Math.round(atX);
        if (atX < 0 || atY < 0 || atX > width - 1 || atY > height - 1 || isValid[near] === 0) {
          alive[i] = 0;
          continue;
        }
        x[i] += sampleBilinear(planes.x, atX, atY);
        y[i] += sampleBilinear(planes.y, atX, atY);
        const stays = applySimilarity(motion, { x: column, y: row });
        away[i] = Math.max(away[i], Math.hypot(column + x[i] - stays.x, row + y[i] - stays.y) / limit);
      }
    }
  };
  follow(1);
  follow(-1);
  return away;
};

/** Whether more than `share` of the pixels within `radius` are set: grows (below a half) or shrinks, and drops specks. */
const mostOf = (mask: Uint8Array, { width, height }: Size, radius: number, share: number): Uint8Array => {
  const plane = Float32Array.from(mask);
  boxBlur(plane, width, height, radius);
  return Uint8Array.from(plane, (value) => (value > share ? 1 : 0));
};

/** Fills what is enclosed, in place. */
const fillHoles = (mask: Uint8Array, { width, height }: Size): Uint8Array => {
  const open = new Uint8Array(mask.length);
  const stack: number[] = [];
  const visit = (i: number): void => {
    if (mask[i] !== 0 || open[i] !== 0) return;
    open[i] = 1;
    stack.push(i);
  };
  for (let column = 0; column < width; column++) {
    visit(column);
    visit((height - 1) * width + column);
  }
  for (let row = 0; row < height; row++) {
    visit(row * width);
    visit(row * width + width - 1);
  }
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    if (i % width > 0) visit(i - 1);
    if (i % width < width - 1) visit(i + 1);
    if (i >= width) visit(i - width);
    if (i < width * (height - 1)) visit(i + width);
  }
  return mask.map((_, i) => 1 - open[i]);
};

/** Radius by which gaps are closed, pixels of a square of 192. */
const closing = 3 / 192;
/** How far the mask reaches beyond what was seen to move, likewise. */
const margin = 2 / 192;

/** Parts smaller than this share of the largest are specks. */
const leastPart = 0.1;

const reachIn = ({ width, height }: Size, share: number): number =>
  Math.max(1, Math.round(share * Math.min(width, height)));

/** Leaves out parts that are much smaller than the largest. */
const withoutSpecks = (mask: Uint8Array, { width, height }: Size): Uint8Array => {
  const labels = new Int32Array(mask.length);
  const sizes = [0];
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] === 0 || labels[start] !== 0) continue;
    const label = sizes.length;
    sizes.push(0);
    const stack = [start];
    labels[start] = label;
    for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
      sizes[label]++;
      const column = i % width;
      for (const near of [
        column > 0 ? i - 1 : i,
        column < width - 1 ? i + 1 : i,
        i >= width ? i - width : i,
        i < width * (height - 1) ? i + width : i,
      ]) {
        if (mask[near] === 0 || labels[near] !== 0) continue;
        labels[near] = label;
        stack.push(near);
      }
    }
  }
  const least = leastPart * Math.max(...sizes);
  return mask.map((_, i) => (labels[i] !== 0 && sizes[labels[i]] >= least ? 1 : 0));
};

/** Without specks, gaps and holes. */
const cleaned = (mask: Uint8Array, size: Size): Uint8Array => {
  const radius = reachIn(size, closing);
  const grown = mostOf(mostOf(mask, size, 1, 0.5), size, radius, 0.001);
  return withoutSpecks(fillHoles(mostOf(grown, size, radius, 0.999), size), size);
};

/** Share of the pixels beside the object, around the place where it is, that look as the background in most frames. */
const backgroundShare = (behind: Float32Array, mask: Uint8Array, rim: Uint8Array): number => {
  let [seen, all] = [0, 0];
  for (let i = 0; i < mask.length; i++) {
    if (rim[i] === 0 || mask[i] !== 0 || Number.isNaN(behind[i])) continue;
    all++;
    if (behind[i] >= surelyBehind) seen++;
  }
  return seen / Math.max(1, all);
};

const shareOf = (mask: Uint8Array): number => mask.reduce((sum, one) => sum + one, 0) / mask.length;

/**
 * @param links flows of a chain, one after the other
 * @param inside (H, W) 1 where the square lies within its frame
 * @param object where the object lies, if that is known: around it is the background
 * @returns for each frame (H, W): 0 background to 255 object, soft at its rim; undefined where no object was told from a
 * background: the camera moves among things that are far apart in depth, nothing moves, or everything does
 */
export const movingMasks = (
  links: readonly ChainLink[],
  inside: Uint8Array,
  object?: ObjectDisc,
): Uint8Array[] | undefined => {
  const { width, height } = links[0].forward;
  const size = { width, height };
  const rim = inside.map((isInside, i) => {
    if (isInside === 0 || object === undefined) return isInside;
    const { center, radius } = object;
    return Math.hypot((i % width) + 0.5 - center.x, Math.floor(i / width) + 0.5 - center.y) > radius ? 1 : 0;
  });
  const valid = links.map(({ forward, backward }) => [
    flowValidity(forward, backward),
    flowValidity(backward, forward),
  ]);
  const motions: Similarity[] = [];
  for (const [i, link] of links.entries()) {
    const isRim = rim.map((one, at) => one & valid[i][0][at]);
    const motion = backgroundMotion(link, isRim);
    if (motion === undefined) return undefined;
    motions.push(motion);
  }
  const pictures = [links[0].a.picture, ...links.map(({ b }) => b.picture)];
  const chain: Chain = { width, height, looks: pictures.map(lookOf), motions, links, inside };
  const comparisons = pictures.map((_, frame) => compareFrame(chain, frame, rim));
  const drifts = pictures.map((_, frame) => carriedAway(chain, frame, valid));
  /** @param before masks of the look before: what they cover in other frames hides the background there */
  const look = (before?: readonly Uint8Array[]): Uint8Array[] =>
    pictures.map((_, frame) => {
      const behind = shareSeen(comparisons[frame], before);
      const isObject = (i: number): boolean => {
        if (inside[i] === 0) return false;
        const moves = drifts[frame][i] > 1 && behind[i] < surelyBehind;
        // At first by motion alone: a place that the object comes to in most frames looks other than itself there, too.
        if (before === undefined) return moves;
        // Nothing of the background is seen: as it was thought.
        if (Number.isNaN(behind[i])) return before[frame][i] === 1;
        return moves || behind[i] < surelyBefore;
      };
      return cleaned(
        inside.map((_inside, i) => (isObject(i) ? 1 : 0)),
        size,
      );
    });
  const masks = look(look(look()));
  const told = masks.every(
    (mask, frame) => backgroundShare(shareSeen(comparisons[frame], masks), mask, rim) >= leastBehind,
  );
  const shares = masks.map(shareOf).sort((p, q) => p - q);
  const middle = shares[shares.length >> 1];
  if (!told || middle < leastShare || middle > greatestShare) return undefined;
  return masks.map((mask) => {
    const soft = Float32Array.from(mostOf(mask, size, reachIn(size, margin), 0.001), (one) => 255 * one);
    boxBlur(soft, width, height, 1);
    return Uint8Array.from(soft, Math.round);
  });
};
