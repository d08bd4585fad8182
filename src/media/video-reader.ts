import { ClosedError } from '../errors.ts';
import type { Size } from '../geometry/coordinates.ts';

/** One decoded frame, upright as it is meant to be shown. */
export type RgbFrame = {
  /** 0 for the first frame of the video. */ index: number;
  /** When it is shown, seconds, as the file says. */ timestamp: number;
  /** (height, width, 3) interleaved RGB; belongs to whoever receives it. */ rgb: Uint8Array;
};

/** What is known of a video before it is decoded. */
export type VideoSize = {
  /** Of the frames that are handed out, pixels. */ width: number;
  height: number;
  /** Of the frames as they are shown, upright, before they are scaled down, pixels. */ original: Size;
  /**
   * Of the frames as the file stores them, upright, pixels: what positions that others measured in it refer to. It is
   * not `original` where pixels are not square.
   */
  stored: Size;
  /** Length by the file's own header, seconds; not every file says it. */ duration?: number;
  /** About how many frames there are, by the file's own header; not every file says it. */ frameCount?: number;
  /** Of a folder of pictures: their names, by the index of their frames; a frame that is missing could not be read. */
  files?: readonly string[];
};

/**
 * An open video. Frames are decoded in order, one when it is asked for and few ahead; each walk over `frames`
 * starts again at the first.
 */
export type VideoReader = VideoSize & {
  frames: AsyncIterable<RgbFrame>;
  /** Ends every walk (a pending one is rejected) and the processes behind it. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Decodes from the first frame on until it is through, left, or told to stop. */
export type StartDecoding = (signal: AbortSignal) => AsyncGenerator<RgbFrame, void>;

/** Longer side at most `maxSide`, proportions kept, never enlarged, never below one pixel. */
export const fitSize = (
  width: number,
  height: number,
  maxSide = Infinity,
): { width: number; height: number } => {
  const scale = Math.min(1, maxSide / Math.max(width, height));
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
};

/** Turns a way of decoding into a reader that can be closed at any moment. */
export const createReader = (path: string, size: VideoSize, start: StartDecoding): VideoReader => {
  const stop = new AbortController();
  const isClosed = (): boolean => stop.signal.aborted;
  const walks = new Set<AsyncGenerator<RgbFrame, void>>();

  async function* walk(): AsyncGenerator<RgbFrame, void> {
    const closed = (): ClosedError =>
      new ClosedError(`${path} was closed while it was being read. Open it again.`);
    if (isClosed()) throw closed();
    try {
      yield* start(stop.signal);
    } catch (error) {
      // What decoding says of its own violent end is of no use to anybody.
      throw isClosed() ? closed() : error;
    }
    if (isClosed()) throw closed();
  }

  const close = async (): Promise<void> => {
    stop.abort();
    await Promise.allSettled([...walks].map((frames) => frames.return()));
  };
  return {
    ...size,
    frames: {
      [Symbol.asyncIterator]: () => {
        const frames = walk();
        walks.add(frames);
        return frames;
      },
    },
    close,
    [Symbol.asyncDispose]: close,
  };
};
