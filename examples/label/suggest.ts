/** Which frame is most worth labelling next: one that the model is unsure of, and that is unlike those labelled. */
import type { Guess, LabelHost } from './host.ts';
import { isSame, type LabelledFrame, type Labels, type Place } from './labels.ts';

/** Frames that are looked at in all. */
const candidateCount = 24;
/** Of these, the most different ones, in which the model guesses. */
const guessCount = 8;
const [columns, rows] = [16, 12];

export type Suggestion = {
  place: Place;
  /** Mean confidence of the guess; undefined where nothing guesses. */ confidence?: number;
};

/** What a frame looks like from afar: (columns · rows) grey values, 0–255, their mean taken away. */
const thumbnailOf = async (host: LabelHost, place: Place): Promise<Float32Array> => {
  const picture = await host.frame(place);
  const context = new OffscreenCanvas(columns, rows).getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('This browser has no 2-D canvas.');
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, columns, rows);
  const { data } = context.getImageData(0, 0, columns, rows);
  const grey = Float32Array.from(
    { length: columns * rows },
    (_, i) => (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3,
  );
  const mean = grey.reduce((sum, value) => sum + value, 0) / grey.length;
  return grey.map((value) => value - mean);
};

const distance = (a: Float32Array, b: Float32Array): number =>
  Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length);

/** How unlike frames are: thumbnails are made once. */
export type Likeness = {
  /** Labelled frames, the one most like `to` first. */
  nearest: (labels: Labels, to: Place) => Promise<LabelledFrame[]>;
  /** How far a frame is from the labelled one most like it, grey values; Infinity where nothing is labelled. */
  unlike: (labels: Labels, to: Place) => Promise<number>;
};

export const createLikeness = (host: LabelHost): Likeness => {
  const known = new Map<string, Promise<Float32Array>>();
  const thumbnail = ({ clip, frame }: Place): Promise<Float32Array> => {
    const key = `${clip}/${frame}`;
    const made = known.get(key) ?? thumbnailOf(host, frame === undefined ? { clip } : { clip, frame });
    known.set(key, made);
    return made;
  };
  /** Labels of clips that are not open have no picture. */
  const open = ({ frames }: Labels): LabelledFrame[] =>
    frames.filter(({ clip, frame }) =>
      host.clips().some(({ name, frames: count }) => name === clip && (frame ?? 0) < count),
    );
  const distances = async (labels: Labels, to: Place) => {
    const wanted = await thumbnail(to);
    const found: { frame: LabelledFrame; far: number }[] = [];
    for (const frame of open(labels)) {
      if (!isSame(frame, to)) found.push({ frame, far: distance(wanted, await thumbnail(frame)) });
    }
    return found.sort((a, b) => a.far - b.far);
  };
  return {
    nearest: async (labels, to) => (await distances(labels, to)).map(({ frame }) => frame),
    unlike: async (labels, to) => (await distances(labels, to)).at(0)?.far ?? Infinity,
  };
};

/** Frames spread evenly over all clips, without those that are labelled. */
const candidatesOf = (host: LabelHost, { frames }: Labels): Place[] => {
  const clips = host.clips();
  const all = clips.reduce((sum, clip) => sum + clip.frames, 0);
  const step = Math.max(1, all / candidateCount);
  const places: Place[] = [];
  for (let position = step / 2; position < all; position += step) {
    let at = Math.floor(position);
    const clip = clips.find((one) => at < one.frames || ((at -= one.frames), false));
    if (clip === undefined) continue;
    places.push(clip.isVideo ? { clip: clip.name, frame: at } : { clip: clip.name });
  }
  return places.filter((place) => !frames.some((labelled) => isSame(labelled, place)));
};

export const meanConfidence = (guesses: readonly (Guess | undefined)[]): number => {
  const sure = guesses.map((guess) => guess?.confidence ?? 0);
  return sure.reduce((sum, value) => sum + value, 0) / Math.max(1, sure.length);
};

/** @returns undefined where every frame that was looked at is labelled already */
export const suggestNext = async (
  host: LabelHost,
  likeness: Likeness,
  labels: Labels,
): Promise<Suggestion | undefined> => {
  const ranked: { place: Place; far: number }[] = [];
  for (const place of candidatesOf(host, labels)) {
    ranked.push({ place, far: await likeness.unlike(labels, place) });
  }
  ranked.sort((a, b) => b.far - a.far);
  const best = ranked.at(0);
  if (best === undefined) return undefined;
  if (host.guess === undefined || labels.frames.length === 0) return { place: best.place };
  let chosen: { place: Place; confidence: number; score: number } | undefined;
  for (const { place, far } of ranked.slice(0, guessCount)) {
    const guesses = await host.guess(labels, await likeness.nearest(labels, place), place);
    const confidence = meanConfidence(guesses);
    const score = 1 - confidence + far / Math.max(best.far, 1e-6);
    if (chosen === undefined || score > chosen.score) chosen = { place, confidence, score };
  }
  return chosen;
};
