import type { LiveOptions } from './correspond/live-correspondence.ts';
import { InputError } from './errors.ts';
import type { Roi } from './geometry/roi.ts';
import type { LandmarkSet } from './landmarks/landmark-set.ts';
import type { SmootherOptions } from './landmarks/smoother.ts';
import type { CorrespondPicture } from './marks.ts';
import type { FrameTiming } from './pipeline/frame-tracker.ts';
import type { TrackResult } from './pipeline/result.ts';
import type { FrameSource } from './sources/frame-source.ts';
import { isVideoElement, openSource, type TrackSource } from './sources/open-source.ts';
import { toVideoFrame, type FrameInput, type TimedFrame } from './sources/picture.ts';
import {
  checkTrackerOptions,
  endOf,
  stepOf,
  Tracker,
  trackerOptionKeys,
  type LiveCorrespondence,
  type TrackerOptions,
} from './tracker.ts';
import type { TrackerInfo } from './worker/messages.ts';

/** Options of {@link track}. */
export type TrackOptions = TrackerOptions & {
  /** A tracker to use instead of a new one; it stays the caller's. Other options must then be left out. */
  tracker?: Tracker;
  /** Whether each result carries the frame that it was measured on: see {@link FramedResult}. Default false. */
  withFrame?: boolean;
  /**
   * Whether a video element is kept at the frame it shows until the model is there, so that nothing of it is missed.
   * Default true; what plays a stream is never held.
   */
  hold?: boolean;
};

/**
 * A result with the frame that it was measured on, for drawing, say. Close it when done with it. One that is not closed
 * is closed when the next result has come, or the tracking ends: what is to live longer is cloned, `frame.clone()`.
 */
export type FramedResult = TrackResult & {
  /** What the landmarks were found in. */ frame: VideoFrame;
};

/** What a tracking has done so far. */
export type TrackStats = {
  /** Frames that the source gave since the model was loaded. */ framesSeen: number;
  /** Frames that gave a result. */ framesProcessed: number;
  /** Frames closed unseen because a newer one came. */ framesDropped: number;
  /** Where the network runs; undefined until it is loaded. */ device: TrackerInfo['device'] | undefined;
  /** Where the last frame's time went, milliseconds in the worker. */ timing: FrameTiming;
  /** From taking the last frame to its result in the page, milliseconds. */ roundTrip: number;
  /** From `track()` to the first result, milliseconds; undefined before it. */ firstResult:
    number | undefined;
};

/** Results of a running source: `for await (const result of tracking)`, once. Leaving the loop closes it. */
export type Tracking<Result extends TrackResult = TrackResult> = AsyncIterable<Result> & {
  /** Device, landmarks and the like, once the model is loaded. @throws what the iteration would throw */
  readonly ready: Promise<TrackerInfo>;
  /**
   * The stream of the camera that was opened, or that was given: `video.srcObject = await tracking.stream` shows it. It is
   * undefined for sources that are no stream. @throws SourceError when the camera cannot be had
   */
  readonly stream: Promise<MediaStream | undefined>;
  /** The video element that was given; undefined for other sources. */
  readonly video: HTMLVideoElement | undefined;
  /** What it has done so far. */ readonly stats: TrackStats;
  /** Forgets the object: the next frame is searched anew. */ reset(): Promise<void>;
  /** Matches a reference picture with the objects of live frames: see `Tracker`. */
  correspondence(reference: CorrespondPicture, options?: LiveOptions): Promise<LiveCorrespondence>;
  /** Looks for an object in a square, image pixels, from the next frame on: see `Tracker`. */
  follow(roi: Roi): Promise<void>;
  /** Changes smoothing from the next frame on; false switches it off. */
  setSmoothing(smoothing: SmootherOptions | false): Promise<void>;
  /**
   * Takes no more frames until `resume`: the source goes on, a camera stays on. What a stream that waits for its reader
   * gives meanwhile is not lost; of others it is the newest frame that counts, as always. May be called again.
   */
  pause(): void;
  /** Goes on after `pause`. May be called again. */ resume(): void;
  /** Changes the landmarks without losing the object: see `Tracker`. */
  setLandmarks(landmarks: LandmarkSet | string | URL): Promise<void>;
  /** Ends the iteration, the source and the tracker. May be called again. */ close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

const noTiming: FrameTiming = { search: 0, crop: 0, match: 0, filter: 0, total: 0 };

/** Trackers that a tracking uses: frames of two would be taken for one stream, in which the object jumps. */
const inUse = new WeakSet<Tracker>();

/** Keeps a promise whose failure is looked at later from counting as unhandled until then. */
const handled = <Value>(promise: Promise<Value>): Promise<Value> => {
  promise.catch(() => undefined);
  return promise;
};

class Track implements Tracking {
  readonly video: HTMLVideoElement | undefined;
  readonly #withFrame: boolean;
  #shown: VideoFrame | undefined;
  readonly #start = performance.now();
  readonly #source: Promise<FrameSource>;
  readonly #tracker: Promise<Tracker>;
  /** The caller's tracker, where there is one. */ readonly #given: Tracker | undefined;
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal | undefined;
  readonly #closing: Promise<undefined>;
  #pause: { ended: Promise<void>; end: () => void } | undefined;
  /** What ended it before its time. */
  #failure: { error: unknown } | undefined;
  #tellClosing: () => void = () => undefined;
  #openSource: FrameSource | undefined;
  #openTracker: Tracker | undefined;
  #isIterated = false;
  #isClosed = false;
  #ending: Promise<void> | undefined;
  #stats: Pick<TrackStats, 'framesProcessed' | 'timing' | 'roundTrip' | 'firstResult'> = {
    framesProcessed: 0,
    timing: noTiming,
    roundTrip: 0,
    firstResult: undefined,
  };

  constructor(
    source: TrackSource,
    { tracker, signal, withFrame = false, hold = true, ...options }: TrackOptions,
  ) {
    this.video = isVideoElement(source) ? source : undefined;
    this.#withFrame = withFrame;
    this.#signal = signal;
    this.#closing = new Promise((resolve) => {
      this.#tellClosing = () => {
        resolve(undefined);
      };
    });
    this.#given = tracker;
    // Camera and model are asked for at once; both are looked at when the first frame is wanted.
    this.#source = handled(this.#opened(openSource(source, { hold })));
    this.#tracker = handled(
      tracker === undefined
        ? Tracker.create({ ...options, signal: this.#abort.signal })
        : Promise.resolve(tracker),
    );
    if (tracker !== undefined) inUse.add(tracker);
    const watched = this.#tracker.then((made) => {
      this.#openTracker = made;
      const end = endOf(made);
      const onEnd = (): void => {
        this.#fail(end.reason);
      };
      if (end.aborted) onEnd();
      else end.addEventListener('abort', onEnd, { once: true, signal: this.#abort.signal });
    });
    // Whether or not anybody iterates: what fails ends the other, so that no camera stays on without a tracker.
    Promise.all([watched, this.#source]).catch((error: unknown) => {
      this.#fail(error);
    });
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  readonly #onAbort = (): void => {
    void this.close();
  };

  get ready(): Promise<TrackerInfo> {
    return this.#tracker.then(({ info }) => info);
  }

  get stream(): Promise<MediaStream | undefined> {
    return this.#source.then(({ stream }) => stream);
  }

  get stats(): TrackStats {
    const { seen, dropped } = this.#openSource?.counts ?? { seen: 0, dropped: 0 };
    return {
      ...this.#stats,
      framesSeen: seen,
      framesDropped: dropped,
      device: this.#openTracker?.device,
    };
  }

  async reset(): Promise<void> {
    await (await this.#tracker).reset();
  }

  async correspondence(reference: CorrespondPicture, options: LiveOptions = {}): Promise<LiveCorrespondence> {
    return (await this.#tracker).correspondence(reference, options);
  }

  async follow(roi: Roi): Promise<void> {
    await (await this.#tracker).follow(roi);
  }

  async setSmoothing(smoothing: SmootherOptions | false): Promise<void> {
    await (await this.#tracker).setSmoothing(smoothing);
  }

  pause(): void {
    if (this.#pause !== undefined) return;
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#pause = { ended, end };
  }

  resume(): void {
    this.#pause?.end();
    this.#pause = undefined;
  }

  async setLandmarks(landmarks: LandmarkSet | string | URL): Promise<void> {
    await (await this.#tracker).setLandmarks(landmarks);
  }

  close(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    this.#isClosed = true;
    this.#tellClosing();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#openSource?.close();
    // What ended it is what `ready` tells, too.
    this.#abort.abort(this.#failure?.error ?? new InputError('the tracking is closed. Call track() again.'));
    if (this.#given === undefined) await this.#openTracker?.close();
    else inUse.delete(this.#given);
  }

  /** Ends it because of an error, which the iteration throws. */
  #fail(error: unknown): void {
    if (this.#isClosed) return;
    this.#failure = { error };
    void this.close();
  }

  /** @throws what the iteration ended by, unless that was a wish */
  #throwIfFailed(): void {
    this.#signal?.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TrackResult, void, undefined> {
    if (this.#isIterated) {
      throw new InputError('a tracking can be iterated once. Call track() again.');
    }
    this.#isIterated = true;
    try {
      // Both at once: whichever fails first tells so, and closing waits for neither.
      const opened = await Promise.race([Promise.all([this.#tracker, this.#source]), this.#closing]);
      while (opened !== undefined) {
        const [tracker, source] = opened;
        const timed = await source.next();
        if (this.#pause !== undefined) await Promise.race([this.#pause.ended, this.#closing]);
        if (timed === undefined || this.#isClosed) {
          timed?.frame.close();
          break;
        }
        yield await this.#step(tracker, timed);
      }
      this.#throwIfFailed();
    } catch (error) {
      this.#throwIfFailed();
      // What closing interrupted is no error: the caller wanted the end.
      if (!this.#isClosed) throw error;
    } finally {
      this.#shown?.close();
      await this.close();
    }
  }

  async #opened(opening: Promise<FrameSource>): Promise<FrameSource> {
    const source = await opening;
    this.#openSource = source;
    if (this.#isClosed) source.close();
    return source;
  }

  async #step(tracker: Tracker, timed: TimedFrame): Promise<TrackResult | FramedResult> {
    const start = performance.now();
    const copy = this.#withFrame ? timed.frame.clone() : undefined;
    let result: TrackResult;
    try {
      result = await stepOf(tracker, timed);
    } catch (error) {
      copy?.close();
      throw error;
    }
    const end = performance.now();
    const { framesProcessed, firstResult } = this.#stats;
    this.#stats = {
      framesProcessed: framesProcessed + 1,
      timing: tracker.timing,
      roundTrip: end - start,
      firstResult: firstResult ?? end - this.#start,
    };
    if (copy === undefined) return result;
    // Whoever forgot to close the last one has at most this one open.
    this.#shown?.close();
    this.#shown = copy;
    return { ...result, frame: copy };
  }
}

const ownKeys = ['tracker', 'withFrame', 'hold'] as const satisfies (keyof TrackOptions)[];
const trackOptionKeys = [...trackerOptionKeys, ...ownKeys];
/** What may be given beside a tracker. */
const besideTracker: readonly string[] = [...ownKeys, 'signal'];

type TrackFunction = {
  (source: TrackSource, options: TrackOptions & { withFrame: true }): Tracking<FramedResult>;
  (source: TrackSource, options?: TrackOptions): Tracking;
};

/**
 * Tracks landmarks in a camera, a video or any stream of frames, in a worker. The newest frame wins: what comes while
 * one is worked on is dropped and counted, except for streams that wait for their reader.
 *
 *     for await (const result of track(video)) draw(result);
 *
 * @throws InputError at once for a source or options that make no sense. While iterating: SourceError for a camera that
 * is refused, absent or unplugged and for a video that cannot be played; ModelError, DeviceError; the signal's reason
 */
export const track: TrackFunction = (source: TrackSource, options: TrackOptions = {}) => {
  checkTrackerOptions(options, trackOptionKeys, 'track()');
  options.signal?.throwIfAborted();
  const others = Object.keys(options).filter((key) => !besideTracker.includes(key));
  if (options.tracker !== undefined && others.length > 0) {
    throw new InputError(
      `track() was given a tracker and ${others.join(', ')}. Give these to Tracker.create() instead.`,
    );
  }
  if (options.tracker !== undefined && inUse.has(options.tracker)) {
    throw new InputError(
      'the tracker is used by another track(). Close that one first, or create a tracker for each: they can share an open model.',
    );
  }
  return new Track(source, options) as Tracking<FramedResult>;
};

/**
 * Finds the object in one picture, in one call: opens a model, looks and closes it. For many pictures make one `Tracker`
 * and call its `trackPicture`.
 *
 *     const { landmarks } = await trackPicture(file);
 *
 * @param picture a VideoFrame is closed, whatever happens; other pictures stay the caller's
 * @returns `searching` where the object is not found
 * @throws InputError for a picture without pixels, or that cannot be decoded; what `Tracker.create()` throws
 */
export const trackPicture = async (
  picture: FrameInput,
  options: TrackerOptions = {},
): Promise<TrackResult> => {
  const { frame } = await toVideoFrame(picture);
  let tracker: Tracker | undefined;
  try {
    tracker = await Tracker.create(options);
    return await tracker.trackPicture(frame);
  } finally {
    frame.close();
    await tracker?.close();
  }
};
