/** Files that are chosen in the page: decoded here, and guessed in by a model that runs here. */
import {
  InputError,
  ModelError,
  openModel,
  trackPicture,
  type LandmarkSet,
  type Point,
  type TrackingModel,
} from 'dve-sdk';
import type { Input, VideoSampleSink } from 'mediabunny';
import type { Clip, Guess, LabelHost } from './host.ts';
import type { Labels, LabelledFrame, Mark, Place } from './labels.ts';

/** A copy on this server; nothing is loaded from elsewhere. */
const mediabunnyUrl = new URL(
  '../../node_modules/mediabunny/dist/bundles/mediabunny.min.mjs',
  import.meta.url,
).href;

/** An open file. */
type Opened = { clip: Clip; frame: (index: number) => Promise<ImageBitmap> };

const loadMediabunny = (): Promise<typeof import('mediabunny')> =>
  import(/* @vite-ignore */ mediabunnyUrl) as Promise<typeof import('mediabunny')>;

/** Times of all frames, in the order in which they are shown, seconds. */
const timesOf = async (
  library: typeof import('mediabunny'),
  track: NonNullable<Awaited<ReturnType<Input['getPrimaryVideoTrack']>>>,
): Promise<number[]> => {
  const times: number[] = [];
  const packets = new library.EncodedPacketSink(track).packets(undefined, undefined, { metadataOnly: true });
  for await (const { timestamp } of packets) times.push(timestamp);
  return times.sort((a, b) => a - b);
};

const frameAt = async (sink: VideoSampleSink, time: number, name: string): Promise<ImageBitmap> => {
  const sample = await sink.getSample(time);
  if (sample === null) throw new Error(`${name} has no frame at ${time} s.`);
  try {
    // Upright, with square pixels.
    const canvas = new OffscreenCanvas(sample.displayWidth, sample.displayHeight);
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('This browser has no 2-D canvas.');
    sample.draw(context, 0, 0, canvas.width, canvas.height);
    return canvas.transferToImageBitmap();
  } finally {
    sample.close();
  }
};

const openVideoFile = async (file: File): Promise<Opened> => {
  const library = await loadMediabunny();
  const input = new library.Input({ formats: library.ALL_FORMATS, source: new library.BlobSource(file) });
  const track = await input.getPrimaryVideoTrack();
  if (track === null || !(await track.canDecode())) {
    throw new Error(
      `${file.name} is no video that this browser can decode. Convert it to MP4 (H.264) or WebM, or run dve label.`,
    );
  }
  const times = await timesOf(library, track);
  const sink = new library.VideoSampleSink(track);
  const [width, height] = [await track.getDisplayWidth(), await track.getDisplayHeight()];
  return {
    clip: { name: file.name, frames: times.length, isVideo: true, width, height },
    frame: (index) => frameAt(sink, times[index], file.name),
  };
};

const openPictureFile = async (file: File): Promise<Opened> => {
  const bitmap = await createImageBitmap(file).catch((error: unknown) => {
    throw new Error(`${file.name} is no picture that this browser can show.`, { cause: error });
  });
  const { name } = file;
  return {
    clip: { name, frames: 1, isVideo: false, width: bitmap.width, height: bitmap.height },
    frame: () => Promise.resolve(bitmap),
  };
};

const toPixels = (mark: Mark, { width, height }: ImageBitmap): Point | null =>
  mark ? { x: mark.x * width, y: mark.y * height } : null;

/** By fewer marked points the object has no size. */
const leastPoints = 3;

/** The square in which a labelled frame is matched: around its points, or the whole picture where they are too few. */
const squareOf = (marks: readonly Mark[], picture: ImageBitmap) => {
  const seen = marks.flatMap((mark) => (mark ? [toPixels(mark, picture) ?? { x: 0, y: 0 }] : []));
  const [xs, ys] = [seen.map(({ x }) => x), seen.map(({ y }) => y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const { width, height } = picture;
  if (seen.length < leastPoints) {
    return { center: { x: width / 2, y: height / 2 }, size: Math.max(width, height), rotation: 0 };
  }
  // About what models are trained with.
  const size = 1.6 * Math.max(right - left, bottom - top, 1);
  return { center: { x: (left + right) / 2, y: (top + bottom) / 2 }, size, rotation: 0 };
};

type FrameReader = (place: Place) => Promise<ImageBitmap>;

/** Matches each point from the most similar frame that shows it, in the same square: for what nothing finds anew. */
const guessByMatch = async (
  model: TrackingModel,
  frame: FrameReader,
  from: readonly LabelledFrame[],
  picture: ImageBitmap,
): Promise<(Guess | undefined)[]> => {
  const guesses: (Guess | undefined)[] = (from.at(0)?.marks ?? []).map(() => undefined);
  for (const { marks, ...place } of from) {
    const source = await frame(place);
    const missing = marks.flatMap((mark, n) => {
      const point = toPixels(mark, source);
      return guesses[n] === undefined && point !== null ? [{ n, point }] : [];
    });
    if (missing.length === 0) continue;
    const roi = squareOf(marks, source);
    const points = missing.map(({ point }) => point);
    const found = await model.correspond({ picture: source, roi }, { picture, roi }, { points });
    missing.forEach(({ n }, index) => {
      const { x, y, confidence } = found.points[index];
      guesses[n] = { x: x / picture.width, y: y / picture.height, confidence };
    });
  }
  return guesses;
};

/** The landmark set of what is labelled finds the object anew in each frame, as a tracker would. */
const createGuesser = (model: () => Promise<TrackingModel>, frame: FrameReader) => {
  let made: { labels: Labels; set: Promise<LandmarkSet | undefined> } | undefined;
  const makeSet = async ({ names }: Labels, from: readonly LabelledFrame[]) => {
    const opened = await model();
    const pictures: { picture: ImageBitmap; points: (Point | null)[] }[] = [];
    for (const { marks, ...place } of from) {
      const picture = await frame(place);
      pictures.push({ picture, points: marks.map((mark) => toPixels(mark, picture)) });
    }
    // Too few points, or points that the network hardly knows, make no set: they are matched one by one.
    return opened.createLandmarkSet({ pictures, names }).catch((error: unknown) => {
      if (error instanceof InputError || error instanceof ModelError) return undefined;
      throw error;
    });
  };
  return async (
    labels: Labels,
    from: readonly LabelledFrame[],
    to: Place,
  ): Promise<(Guess | undefined)[]> => {
    if (made?.labels !== labels) made = { labels, set: makeSet(labels, from) };
    const landmarks = await made.set;
    const picture = await frame(to);
    const opened = await model();
    const result = landmarks && (await trackPicture(picture, { model: opened, landmarks }));
    if (result === undefined || result.status === 'searching') {
      return guessByMatch(opened, frame, from, picture);
    }
    return result.landmarks.map(({ normalized: { x, y }, confidence }) => ({ x, y, confidence }));
  };
};

/** @param modelUrl of a model directory; undefined is the package's own model of faces */
export const createBrowserHost = (modelUrl: string | undefined): LabelHost => {
  const opened: Opened[] = [];
  const listeners: (() => void)[] = [];
  let opening: Promise<TrackingModel> | undefined;
  const model = (): Promise<TrackingModel> => {
    opening ??= openModel(modelUrl === undefined ? {} : { model: modelUrl }).catch((error: unknown) => {
      // The next who needs it tries again.
      opening = undefined;
      throw error;
    });
    return opening;
  };
  const frame = async ({ clip, frame: index = 0 }: Place): Promise<ImageBitmap> => {
    const found = opened.find((one) => one.clip.name === clip);
    if (found === undefined) throw new Error(`${clip} is not open. Open the file.`);
    return found.frame(index);
  };
  return {
    clips: () => opened.map(({ clip }) => clip),
    onClips: (listener) => listeners.push(listener),
    frame,
    open: async (files) => {
      for (const file of files) {
        const one = await (file.type.startsWith('image/') ? openPictureFile(file) : openVideoFile(file));
        const known = opened.findIndex(({ clip }) => clip.name === one.clip.name);
        opened.splice(known < 0 ? opened.length : known, known < 0 ? 0 : 1, one);
        for (const listener of listeners) listener();
      }
    },
    guess: createGuesser(model, frame),
  };
};
