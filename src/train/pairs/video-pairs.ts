import type { Roi } from '../../geometry/roi.ts';
import { flowValidity, type FlowField, type FlowMethod } from '../../flow/optical-flow.ts';
import type { RawPicture } from '../../media/raw-picture.ts';
import { createRandom } from '../../augment/random.ts';
import { deformationOf, greatestDeformation } from './deformation.ts';
import type { Deformation, ObjectDisc } from './deformation.ts';
import { busiestSquare, cutFrame, insideFrame, scaleRoi, type Cut } from './frame-cut.ts';
import type { VideoPairSettings } from '../settings/video-pair-settings.ts';
import type { RgbFrame, VideoReader } from '../../media/video-reader.ts';

/** Two frames of one video, cut alike, and how each moves into the other. */
export type VideoPair = {
  /** The video's path. */ video: string;
  /** Number of the first frame in the video. */ frame: number;
  /** k: the second frame is number `frame + step`. */ step: number;
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
};

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
  /** Told, in one line, of damage that decoding went on after. */ onWarning?: (message: string) => void;
  /** Told once, after the last pair. */ onCounts?: (counts: PairCounts) => void;
};

/**
 * Pairs of frames (t, t + k) of an open video, in order, with the flow both ways. k is chosen frame by frame so that the
 * motion of a pair is about as large as a drawn target: from a little more than `leastMotion` to less than
 * `greatestMotion`, where the flow still follows. Where it is known which part of a cut square the object fills, that k
 * of a few is taken at which it deforms most. Frames are decoded in order, and no more than `maxStep + 1` of
 * them are in memory at a time.
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
  const find = options.object ? createDeformationFinder(search) : createMotionFinder(search);
  const spacing = Math.max(settings.frameStep, Math.ceil((video.frameCount ?? 0) / settings.pairsPerVideo));
  // Where the pairs begin depends on the seed, so that another training sees other frames.
  let next = createRandom(seed, 0).int(spacing);
  /** Frames from the first that a pair may still begin with. */
  let window: RgbFrame[] = [];
  for await (const frame of video.frames) {
    if (frame.index < next) continue;
    window.push(frame);
    if (frame.index < next + settings.maxStep) continue;
    const found = await find(window);
    counts[typeof found === 'string' ? found : 'kept']++;
    if (typeof found !== 'string') yield found;
    next += spacing;
    window = window.filter(({ index }) => index >= next);
  }
  // At the end of the video there are fewer frames to pair with.
  for (; window.length > 1; window = window.filter(({ index }) => index >= next)) {
    const found = await find(window);
    counts[typeof found === 'string' ? found : 'kept']++;
    if (typeof found !== 'string') yield found;
    next += spacing;
  }
  options.onCounts?.(counts);
}

/** Pairs the first of consecutive frames with one of the others, or says why with none. */
type PairFinder = (frames: readonly RgbFrame[]) => Promise<VideoPair | keyof PairCounts>;

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
      if ('pair' in found) return found.pair;
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
    return best ?? outcome;
  };

const measureDeformation = (flow: FlowField, valid: Uint8Array, object: ObjectDisc): Deformation => {
  const map = deformationOf(flow, valid, object);
  return { map, greatest: greatestDeformation(map, object) };
};

const greatestIn = ({ deformation }: VideoPair): number => deformation?.greatest ?? 0;

/** @param object where it lies, if that is known: only its pixels count */
const measureMotion = ({ width, x, y }: FlowField, object?: ObjectDisc): Motion => {
  const isMeasured = (_: number, i: number): boolean =>
    object === undefined ||
    Math.hypot((i % width) + 0.5 - object.center.x, Math.floor(i / width) + 0.5 - object.center.y) <=
      object.radius;
  const lengths = x
    .map((value, i) => Math.hypot(value, y[i]))
    .filter(isMeasured)
    .sort();
  return { median: lengths[lengths.length >> 1], fast: lengths[Math.floor(0.95 * (lengths.length - 1))] };
};

/** Forward–backward test, and both ends within the frame: what lies beyond it is made up by the cut. */
const believed = (flow: FlowField, backward: FlowField, inside: Uint8Array): Uint8Array => {
  const { width, height } = flow;
  const valid = flowValidity(flow, backward);
  for (let i = 0; i < valid.length; i++) {
    if (valid[i] === 0) continue;
    const column = Math.min(width - 1, Math.max(0, Math.round((i % width) + flow.x[i])));
    const row = Math.min(height - 1, Math.max(0, Math.round(Math.floor(i / width) + flow.y[i])));
    if (inside[i] === 0 || inside[row * width + column] === 0) valid[i] = 0;
  }
  return valid;
};

const count = (mask: Uint8Array): number => mask.reduce((sum, one) => sum + one, 0);
