import type { Roi } from '../../geometry/roi.ts';
import { flowValidity, type FlowField, type FlowMethod } from '../../flow/optical-flow.ts';
import type { RawPicture } from '../../media/raw-picture.ts';
import { createRandom } from '../../augment/random.ts';
import { deformationOf, greatestDeformation } from './deformation.ts';
import type { Deformation, ObjectDisc } from './deformation.ts';
import { chainFlows, chainValidity, sameLooks } from './chained-flow.ts';
import type { ChainLink, MaskFinder } from './moving-masks.ts';
import { busiestSquare, cutFrame, insideFrame, scaleRoi, type Cut } from './frame-cut.ts';
import type { VideoPairSettings } from '../settings/video-pair-settings.ts';
import type { RgbFrame, VideoReader } from '../../media/video-reader.ts';

/** Two frames of one video, cut alike, and how each moves into the other. */
export type VideoPair = {
  /** The video's path. */ video: string;
  /** Number of the first frame in the video. */ frame: number;
  /** k: the second frame is number `frame + step`. */ step: number;
  /** Flows in a row that its own is made of. */ hops: number;
  /** The square that was cut out of both frames, pixels of the video's own frames. */ roi: Roi;
  /** (side, side) RGB. */ a: RawPicture;
  b: RawPicture;
  /** a → b, pixels of the pictures. */ flow: FlowField;
  /** (side, side): 1 where `flow` can be believed. */ valid: Uint8Array;
  /** b → a, likewise. */ backward: FlowField;
  backwardValid: Uint8Array;
  motion: Motion;
  /** What moves apart from the object as a whole; only where its place is known. */ deformation?: Deformation;
  /** Share of the square within the frame that is valid, 0–1. */ coverage: number;
  /** What moves before its background in both pictures, where that was told; see `movingMasks`. */ mattes?: Mattes;
};

/** (H, W) of two pictures: 0 background to 255 object. */
export type Mattes = { a: Uint8Array; b: Uint8Array };

/** How far the pixels of a pair move, pixels of the pictures. */
export type Motion = {
  /** Half of them move less. */ median: number;
  /** One in twenty moves more. */ fast: number;
};

/** What became of the first frames that were tried. */
export type PairCounts = {
  /** Pairs that were handed out. */ kept: number;
  /** No frame in reach had moved enough. */ tooStill: number;
  /** Even the next frame had moved too far, or could not be followed. */ tooFar: number;
  /** No region was given for the frame. */ noRegion: number;
};

export type VideoPairOptions = {
  /** What finds the flow; `createFlowCache` makes one that remembers. */ method: FlowMethod;
  settings: VideoPairSettings;
  /** Whole number; the pairs of a video are a pure function of it, the video and the settings. */ seed: number;
  /**
   * Where the object is in a frame, pixels of the video's own frames: the square that is cut out of it and of the
   * frame it is paired with. Undefined: nowhere, and the frame begins no pair. Without it the largest square is cut
   * that holds most of what moves.
   */
  regionOf?: (frame: number) => Roi | undefined;
  /** Where the object lies in what is cut out, pixels of the pictures: of several k the one at which it deforms most. */
  object?: ObjectDisc;
  /** Finds what moves before its background; with `chain` alone, as a single flow does not tell. */ masks?: MaskFinder;
  /** Told, in one line, of damage that decoding went on after. */ onWarning?: (message: string) => void;
  /** Told once, after the last pair. */ onCounts?: (counts: PairCounts) => void;
};

/**
 * Pairs of frames (t, t + k) of an open video, in order, with the flow both ways. k is chosen frame by frame so that the
 * motion of a pair is about as large as a drawn target: from a little more than `leastMotion` to less than
 * `greatestMotion`, where the flow still follows. Where it is known which part of a cut square the object fills, that k
 * of a few is taken at which it deforms most. With `chain` flow is followed through many frames in a row, and pairs are of
 * any two of them. Frames are decoded in order, and no more than `maxStep + 1` of them, or `chain + 1`, are in memory at
 * a time.
 *
 * @param path how pairs and errors call the video
 * @throws InputError for a video that breaks off
 */
export async function* pairsOfReader(
  path: string,
  video: VideoReader,
  options: VideoPairOptions,
): AsyncGenerator<VideoPair, void> {
  const { settings, seed } = options;
  const counts: PairCounts = { kept: 0, tooStill: 0, tooFar: 0, noRegion: 0 };
  const search: Search = { path, video, options, scale: video.width / video.original.width };
  const find = finderOf(search);
  const reach = settings.chain > 0 ? settings.chain : settings.maxStep;
  const spacing = spacingOf(settings, video.frameCount ?? 0);
  // Where the pairs begin depends on the seed, so that another training sees other frames.
  let next = createRandom(seed, 0).int(spacing);
  /** Frames from the first that a pair may still begin with. */
  let window: RgbFrame[] = [];
  for await (const frame of video.frames) {
    if (frame.index < next) continue;
    window.push(frame);
    if (frame.index < next + reach) continue;
    yield* told(await find(window), counts);
    next += spacing;
    window = window.filter(({ index }) => index >= next);
  }
  // At the end of the video there are fewer frames to pair with.
  for (; window.length > 1; window = window.filter(({ index }) => index >= next)) {
    yield* told(await find(window), counts);
    next += spacing;
  }
  options.onCounts?.(counts);
}

/** Pairs of consecutive frames, which begin with the first of them or in a chain from it on, or why there are none. */
type Found = readonly VideoPair[] | keyof PairCounts;
type PairFinder = (frames: readonly RgbFrame[]) => Promise<Found>;

/** Counts what was found, and gives it. */
const told = (found: Found, counts: PairCounts): readonly VideoPair[] => {
  if (typeof found === 'string') {
    counts[found]++;
    return [];
  }
  counts.kept += found.length;
  return found;
};

const finderOf = (search: Search): PairFinder => {
  const { object, settings } = search.options;
  if (settings.chain > 0) return createChainFinder(search);
  return object ? createDeformationFinder(search) : createMotionFinder(search);
};

/** Frames from the beginning of one pair, or of one chain, to the next. */
const spacingOf = (settings: VideoPairSettings, frames: number): number => {
  if (settings.chain === 0) return Math.max(settings.frameStep, Math.ceil(frames / settings.pairsPerVideo));
  const chains = Math.max(1, Math.floor(settings.pairsPerVideo / pairsPerChain(settings)));
  return Math.max(Math.ceil(settings.chain / 2), Math.floor(frames / chains));
};

/** What pairs are sought in, and how. */
type Search = {
  path: string;
  video: VideoReader;
  options: VideoPairOptions;
  /** Pixels of the decoded frames over those of the video's own. */ scale: number;
};

/** What came of two frames: a pair, or why they are none. */
type Attempt = { pair: VideoPair } | { reason: 'still' | 'fast' | 'uncovered'; motion: Motion };

/** The square to cut, pixels of the decoded frames. @param step of the frame that the first may be paired with */
const regionIn = (
  { video, options: { regionOf }, scale }: Search,
  frames: readonly RgbFrame[],
  step: number,
): Roi | undefined => {
  const [first] = frames;
  if (regionOf === undefined) return busiestSquare(first.rgb, frames[step].rgb, video);
  const roi = regionOf(first.index);
  return roi === undefined ? undefined : scaleRoi(roi, scale);
};

/** Cuts the first of some frames once, and pairs it with others. */
const createAttempts = (
  { path, video, options: { method, settings, object }, scale }: Search,
  frames: readonly RgbFrame[],
  roi: Roi,
): ((step: number) => Promise<Attempt>) => {
  const [first] = frames;
  const inside = insideFrame(roi, settings.side, video);
  const cut = (frame: RgbFrame): Cut => cutFrame(path, frame, video, roi, settings.side);
  const a = cut(first);
  return async (step) => {
    const b = cut(frames[step]);
    const flow = await method.flow(a.gray, b.gray);
    const motion = measureMotion(flow, object);
    if (motion.fast < settings.leastMotion) return { reason: 'still', motion };
    if (motion.fast > settings.greatestMotion || motion.median > settings.greatestMedian) {
      return { reason: 'fast', motion };
    }
    const backward = await method.flow(b.gray, a.gray);
    const valid = believed(flow, backward, inside);
    const coverage = count(valid) / Math.max(1, count(inside));
    if (coverage < settings.leastCoverage) return { reason: 'uncovered', motion };
    const pair: VideoPair = {
      video: path,
      frame: first.index,
      step,
      hops: 1,
      roi: scaleRoi(roi, 1 / scale),
      a: a.picture,
      b: b.picture,
      flow,
      valid,
      backward,
      backwardValid: believed(backward, flow, inside),
      motion,
      ...(object && { deformation: measureDeformation(flow, valid, object) }),
      coverage,
    };
    return { pair };
  };
};

/** Takes the first k at which the motion of the whole is about as large as drawn. */
const createMotionFinder = (search: Search): PairFinder => {
  const { settings, seed } = search.options;
  const { leastMotion, greatestMotion, tries } = settings;
  /** How far the fast pixels went per frame in the pair before, pixels; the first guess is a slow object. */
  let speed = 1;
  return async (frames) => {
    const furthest = frames.length - 1;
    // Drawn evenly in the logarithm: as many small motions as large ones.
    const [low, high] = [Math.log(1.3 * leastMotion), Math.log(0.7 * greatestMotion)];
    const target = Math.exp(createRandom(seed, 1, frames[0].index).uniform(low, high));
    const inReach = (step: number): number => Math.min(furthest, Math.max(1, Math.round(step)));
    let step = inReach(target / speed);
    const roi = regionIn(search, frames, step);
    if (roi === undefined) return 'noRegion';
    const attempt = createAttempts(search, frames, roi);
    const tried = new Set<number>();
    let outcome: 'tooStill' | 'tooFar' = 'tooStill';
    for (let i = 0; i < tries && !tried.has(step); i++) {
      tried.add(step);
      const found = await attempt(step);
      const { motion } = 'pair' in found ? found.pair : found;
      speed = Math.max(0.05, motion.fast / step);
      if ('pair' in found) return [found.pair];
      outcome = found.reason === 'still' ? 'tooStill' : 'tooFar';
      if (found.reason === 'still') step = inReach(Math.max(step + 1, Math.min(4 * step, target / speed)));
      else if (found.reason === 'fast') step = inReach(Math.min(step - 1, target / speed));
      else step = inReach(step / 2);
    }
    return outcome;
  };
};

/**
 * Takes, of several k at even distances in the logarithm, the one at which the object deforms most. Speech and gestures
 * come and go, so that frames further apart do not differ more; and shift, turn and growth are taught by warps already.
 */
const createDeformationFinder =
  (search: Search): PairFinder =>
  async (frames) => {
    const { settings, seed } = search.options;
    const { tries } = settings;
    const furthest = frames.length - 1;
    const roi = regionIn(search, frames, 1);
    if (roi === undefined) return 'noRegion';
    const attempt = createAttempts(search, frames, roi);
    const random = createRandom(seed, 1, frames[0].index);
    const steps = Array.from({ length: tries }, (_, i) =>
      Math.round(furthest ** ((i + random.uniform()) / tries)),
    );
    let best: VideoPair | undefined;
    let outcome: 'tooStill' | 'tooFar' = 'tooStill';
    for (const step of new Set(steps)) {
      const found = await attempt(step);
      if ('pair' in found) {
        if (best === undefined || greatestIn(found.pair) > greatestIn(best)) best = found.pair;
      } else if (found.reason !== 'still') outcome = 'tooFar';
    }
    return best === undefined ? outcome : [best];
  };

/** How far what is fastest in one flow of a chain is to move, pixels: what flow follows nearly without fault. */
const chainMotion = 5;
/** Share of the pixels that are slower: a hand at the end of an arm is a hundredth of the square. */
const slower = 0.99;
/** Flows of a chain, at least and at most; where motion is fast it goes through fewer frames. */
const leastLinks = 8;
const mostLinks = 24;
/** Share of the pixels that a chain still has to follow at its end. */
const leastChained = 0.25;

/** Pairs that one chain gives at most: one each from as many of its frames on. */
const pairsPerChain = ({ chain }: VideoPairSettings): number => Math.min(chain, 16);

/**
 * Follows flow from frame to frame through a chain of them, all cut by one square, and pairs each with one further on: a
 * single flow sees a limb turn by a little, a chain sees it bent another way. The flows of a chain are found once for all its
 * pairs.
 */
const createChainFinder = (search: Search): PairFinder => {
  const { video, options } = search;
  const { settings, seed, object, method } = options;
  const { side, chain, leastMotion } = settings;
  return async (frames) => {
    const furthest = Math.min(chain, frames.length - 1);
    const roi = regionIn(search, frames, Math.min(furthest, settings.maxStep));
    if (roi === undefined) return 'noRegion';
    const cut = (frame: RgbFrame): Cut => cutFrame(search.path, frame, video, roi, side);
    const first = cut(frames[0]);
    const beginning = await method.flow(first.gray, cut(frames[1]).gray);
    if (measureMotion(beginning, object).fast * furthest < leastMotion) return 'tooStill';
    const greatest = quantile(lengthsOf(beginning, object), slower);
    const longest = Math.max(1, Math.floor(furthest / leastLinks));
    const step = Math.min(longest, Math.max(1, Math.round(chainMotion / Math.max(greatest, 0.1))));
    const links: Link[] = [];
    for (let at = 0; at + step <= furthest && links.length < mostLinks; at += step) {
      const [a, b] = [links.at(-1)?.b ?? first, cut(frames[at + step])];
      links.push({
        ...{ frame: frames[at].index, a, b },
        forward: await method.flow(a.gray, b.gray),
        backward: await method.flow(b.gray, a.gray),
      });
    }
    const random = createRandom(seed, 2, frames[0].index);
    const inside = insideFrame(roi, side, video);
    const masks = options.masks?.(links, inside, object);
    const starts = Math.min(links.length, pairsPerChain(settings));
    const pairs = Array.from({ length: starts }, (_, i) => Math.floor((i * links.length) / starts)).flatMap(
      (from) => {
        const hops = 1 + random.int(links.length - from);
        const pair = chainedPair(search, links.slice(from, from + hops), { roi, inside, step });
        if (pair.coverage < leastChained || pair.motion.fast < leastMotion) return [];
        // Handed over for good, too.
        const mattes = masks && { a: masks[from].slice(), b: masks[from + hops].slice() };
        return [mattes ? { ...pair, mattes } : pair];
      },
    );
    return pairs.length > 0 ? pairs : 'tooFar';
  };
};

/** One flow of a chain. */
type Link = ChainLink & { frame: number };

/** Pairs are handed over for good, and those of one chain have frames in common. */
const copyOf = ({ picture }: Cut): RawPicture => ({ ...picture, rgb: picture.rgb.slice() });

/** The pair of the first and the last frame of a chain. @param step frames from link to link */
const chainedPair = (
  { path, options: { object }, scale }: Search,
  links: readonly Link[],
  { roi, inside, step }: { roi: Roi; inside: Uint8Array; step: number },
): VideoPair => {
  const hops = links.length;
  const flow = links.map(({ forward }) => forward).reduce(chainFlows);
  const backward = links.map((link) => link.backward).reduce((sum, next) => chainFlows(next, sum));
  const within = (valid: Uint8Array, one: FlowField): Uint8Array => withinFrame(valid, one, inside);
  const [a, b] = [copyOf(links[0].a), copyOf(links[hops - 1].b)];
  const valid = within(sameLooks(a, b, flow, chainValidity(flow, backward, hops)), flow);
  return {
    ...{ video: path, frame: links[0].frame, step: hops * step, hops, roi: scaleRoi(roi, 1 / scale) },
    ...{ a, b, flow, valid, backward },
    backwardValid: within(sameLooks(b, a, backward, chainValidity(backward, flow, hops)), backward),
    motion: measureMotion(flow, object),
    ...(object && { deformation: measureDeformation(flow, valid, object) }),
    coverage: count(valid) / Math.max(1, count(inside)),
  };
};

const measureDeformation = (flow: FlowField, valid: Uint8Array, object: ObjectDisc): Deformation => {
  const map = deformationOf(flow, valid, object);
  return { map, greatest: greatestDeformation(map, object) };
};

const greatestIn = ({ deformation }: VideoPair): number => deformation?.greatest ?? 0;

/** How far pixels move, ascending. @param object where it lies, if that is known: only its pixels count */
const lengthsOf = ({ width, x, y }: FlowField, object?: ObjectDisc): Float32Array => {
  const isMeasured = (_: number, i: number): boolean =>
    object === undefined ||
    Math.hypot((i % width) + 0.5 - object.center.x, Math.floor(i / width) + 0.5 - object.center.y) <=
      object.radius;
  return x
    .map((value, i) => Math.hypot(value, y[i]))
    .filter(isMeasured)
    .sort();
};

/** @param ascending at least one */
const quantile = (ascending: Float32Array, share: number): number =>
  ascending[Math.floor(share * (ascending.length - 1))];

const measureMotion = (flow: FlowField, object?: ObjectDisc): Motion => {
  const lengths = lengthsOf(flow, object);
  return { median: lengths[lengths.length >> 1], fast: quantile(lengths, 0.95) };
};

/** Forward–backward test, and both ends within the frame: what lies beyond it is made up by the cut. */
const believed = (flow: FlowField, backward: FlowField, inside: Uint8Array): Uint8Array =>
  withinFrame(flowValidity(flow, backward), flow, inside);

/** Takes what begins or ends outside of the frame off `valid`, in place. */
const withinFrame = (valid: Uint8Array, flow: FlowField, inside: Uint8Array): Uint8Array => {
  const { width, height } = flow;
  for (let i = 0; i < valid.length; i++) {
    if (valid[i] === 0) continue;
    const column = Math.min(width - 1, Math.max(0, Math.round((i % width) + flow.x[i])));
    const row = Math.min(height - 1, Math.max(0, Math.round(Math.floor(i / width) + flow.y[i])));
    if (inside[i] === 0 || inside[row * width + column] === 0) valid[i] = 0;
  }
  return valid;
};

const count = (mask: Uint8Array): number => mask.reduce((sum, one) => sum + one, 0);
