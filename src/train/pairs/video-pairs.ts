import type { Size } from '../../geometry/coordinates.ts';
import { cropToImage, type Roi } from '../../geometry/roi.ts';
import { cropToTensor } from '../../pipeline/crop.ts';
import {
  flowValidity,
  rgbToGray,
  type FlowField,
  type FlowMethod,
  type GrayImage,
} from '../../flow/optical-flow.ts';
import type { RawPicture } from '../../media/raw-picture.ts';
import { createRandom } from '../../augment/random.ts';
import { deformationOf, greatestDeformation } from './deformation.ts';
import type { Deformation, ObjectDisc } from './deformation.ts';
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
  const finder = createPairFinder(path, video, options, counts);
  const spacing = Math.max(settings.frameStep, Math.ceil((video.frameCount ?? 0) / settings.pairsPerVideo));
  // Where the pairs begin depends on the seed, so that another training sees other frames.
  let next = createRandom(seed, 0).int(spacing);
  /** Frames from the first that a pair may still begin with. */
  let window: RgbFrame[] = [];
  for await (const frame of video.frames) {
    if (frame.index < next) continue;
    window.push(frame);
    if (frame.index < next + settings.maxStep) continue;
    const pair = await finder.find(window);
    if (pair !== undefined) yield pair;
    next += spacing;
    window = window.filter(({ index }) => index >= next);
  }
  // At the end of the video there are fewer frames to pair with.
  for (; window.length > 1; window = window.filter(({ index }) => index >= next)) {
    const pair = await finder.find(window);
    if (pair !== undefined) yield pair;
    next += spacing;
  }
  options.onCounts?.(counts);
}

type PairFinder = {
  /** Pairs the first of consecutive frames with one of the others, or with none. */
  find(frames: readonly RgbFrame[]): Promise<VideoPair | undefined>;
};

/** What came of two frames: a pair, or why they are none. */
type Attempt = { pair: VideoPair } | { reason: 'still' | 'fast' | 'uncovered'; motion: Motion };

const createPairFinder = (
  path: string,
  video: VideoReader,
  { method, settings, seed, regionOf, object }: VideoPairOptions,
  counts: PairCounts,
): PairFinder => {
  const { side, leastMotion, greatestMotion, greatestMedian, leastCoverage, tries } = settings;
  const scale = video.width / video.original.width;
  /** How far the fast pixels went per frame in the pair before, pixels; the first guess is a slow object. */
  let speed = 1;

  const regionIn = (frames: readonly RgbFrame[], step: number): Roi | undefined => {
    const [first] = frames;
    if (regionOf === undefined) return busiestSquare(first.rgb, frames[step].rgb, video);
    const roi = regionOf(first.index);
    return roi === undefined ? undefined : scaleRoi(roi, scale);
  };

  /** Cuts the first of some frames once, and pairs it with others. */
  const createAttempts = (frames: readonly RgbFrame[], roi: Roi): ((step: number) => Promise<Attempt>) => {
    const [first] = frames;
    const inside = insideFrame(roi, side, video);
    const cut = (frame: RgbFrame): Cut => cutFrame(path, frame, video, roi, side);
    const a = cut(first);
    return async (step) => {
      const b = cut(frames[step]);
      const flow = await method.flow(a.gray, b.gray);
      const motion = measureMotion(flow, object);
      if (motion.fast < leastMotion) return { reason: 'still', motion };
      if (motion.fast > greatestMotion || motion.median > greatestMedian) return { reason: 'fast', motion };
      const backward = await method.flow(b.gray, a.gray);
      const valid = believed(flow, backward, inside);
      const coverage = count(valid) / Math.max(1, count(inside));
      if (coverage < leastCoverage) return { reason: 'uncovered', motion };
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

  /** The first k at which the motion of the whole is about as large as drawn. */
  const byMotion = async (frames: readonly RgbFrame[]): Promise<VideoPair | keyof PairCounts> => {
    const [first] = frames;
    const furthest = frames.length - 1;
    // Drawn evenly in the logarithm: as many small motions as large ones.
    const [low, high] = [Math.log(1.3 * leastMotion), Math.log(0.7 * greatestMotion)];
    const target = Math.exp(createRandom(seed, 1, first.index).uniform(low, high));
    const inReach = (step: number): number => Math.min(furthest, Math.max(1, Math.round(step)));
    let step = inReach(target / speed);
    const roi = regionIn(frames, step);
    if (roi === undefined) return 'noRegion';
    const attempt = createAttempts(frames, roi);
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

  /**
   * Of several k, at even distances in the logarithm, the one at which the object deforms most. Speech and gestures come
   * and go, so that frames further apart do not differ more; and shift, turn and growth are taught by warps already.
   */
  const byDeformation = async (frames: readonly RgbFrame[]): Promise<VideoPair | keyof PairCounts> => {
    const [first] = frames;
    const furthest = frames.length - 1;
    const roi = regionIn(frames, 1);
    if (roi === undefined) return 'noRegion';
    const attempt = createAttempts(frames, roi);
    const random = createRandom(seed, 1, first.index);
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

  const find = async (frames: readonly RgbFrame[]): Promise<VideoPair | undefined> => {
    const found = await (object ? byDeformation(frames) : byMotion(frames));
    if (typeof found === 'string') {
      counts[found]++;
      return undefined;
    }
    counts.kept++;
    return found;
  };
  return { find };
};

const measureDeformation = (flow: FlowField, valid: Uint8Array, object: ObjectDisc): Deformation => {
  const map = deformationOf(flow, valid, object);
  return { map, greatest: greatestDeformation(map, object) };
};

const greatestIn = ({ deformation }: VideoPair): number => deformation?.greatest ?? 0;

const scaleRoi = ({ center, size, rotation }: Roi, scale: number): Roi => ({
  center: { x: center.x * scale, y: center.y * scale },
  size: size * scale,
  rotation,
});

type Cut = { picture: RawPicture; gray: GrayImage };

/** Cuts a square out of a frame, as the training and the tracker do. */
const cutFrame = (path: string, frame: RgbFrame, size: Size, roi: Roi, side: number): Cut => {
  const image = { data: frame.rgb, width: size.width, height: size.height, channels: 3 as const };
  const planes = cropToTensor(image, roi, side);
  const area = side * side;
  const rgb = new Uint8Array(3 * area);
  for (let i = 0; i < area; i++) {
    for (let channel = 0; channel < 3; channel++) {
      rgb[3 * i + channel] = Math.round(255 * planes[channel * area + i]);
    }
  }
  return {
    picture: { file: `${path}#${frame.index}`, width: side, height: side, rgb },
    gray: rgbToGray(rgb, side, side),
  };
};

/** Pixels between those that are looked at for where something moves. */
const STRIDE = 4;

/**
 * The largest upright square of a frame, moved along its longer side to where the two frames differ most; in the
 * middle where they do not differ.
 */
const busiestSquare = (a: Uint8Array, b: Uint8Array, { width, height }: Size): Roi => {
  const size = Math.min(width, height);
  const wide = width >= height;
  const length = Math.max(width, height);
  const change = new Float64Array(Math.ceil(length / STRIDE));
  for (let y = 0; y < height; y += STRIDE) {
    for (let x = 0; x < width; x += STRIDE) {
      const green = (y * width + x) * 3 + 1;
      const difference = Math.abs(a[green] - b[green]);
      // Noise differs everywhere.
      if (difference > 8) change[(wide ? x : y) / STRIDE] += difference;
    }
  }
  const span = Math.floor(size / STRIDE);
  const middle = (change.length - span) / 2;
  let sum = 0;
  for (let i = 0; i < span; i++) sum += change[i];
  let best = { sum: -1, start: 0 };
  for (let start = 0; start + span <= change.length; start++) {
    const closer = Math.abs(start - middle) < Math.abs(best.start - middle);
    if (sum > best.sum || (sum === best.sum && closer)) best = { sum, start };
    sum += (change[start + span] ?? 0) - change[start];
  }
  const along = Math.min(length - size / 2, Math.max(size / 2, best.start * STRIDE + size / 2));
  const across = size / 2;
  return { center: wide ? { x: along, y: across } : { x: across, y: along }, size, rotation: 0 };
};

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

/** (side, side): 1 where a cut square lies within its frame, 0 where the cut repeats the frame's edge. */
const insideFrame = (roi: Roi, side: number, { width, height }: Size): Uint8Array =>
  Uint8Array.from({ length: side * side }, (_, i) => {
    const { x, y } = cropToImage({ x: (i % side) + 0.5, y: Math.floor(i / side) + 0.5 }, roi, side);
    return x >= 0 && y >= 0 && x <= width && y <= height ? 1 : 0;
  });

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
