import { InputError } from '../errors.ts';
import type { FrameCounts, FrameSource } from './frame-source.ts';
import { isFrameInput, toVideoFrame, type FrameInput, type TimedFrame } from './picture.ts';

/** A picture with the time it was captured, seconds. */
export type TimedPicture = {
  /** What was captured. */ image: FrameInput;
  /** When, seconds. */ timestamp: number;
};

/** What a stream of frames may give. */
export type StreamFrame = FrameInput | TimedPicture;

const isTimedPicture = (value: unknown): value is TimedPicture =>
  typeof value === 'object' && value !== null && 'image' in value && isFrameInput(value.image);

const toTimedFrame = async (value: StreamFrame | undefined): Promise<TimedFrame> => {
  if (isTimedPicture(value)) return toVideoFrame(value.image, value.timestamp);
  if (isFrameInput(value)) return toVideoFrame(value);
  throw new InputError(
    'the stream gave something that is no frame. It should give VideoFrames, ImageBitmaps, canvases or ImageData, or { image, timestamp } with one of them.',
  );
};

/** Closes what a stream gives after nobody wants it any more. */
const discard = (value: StreamFrame | undefined): void => {
  const image = isTimedPicture(value) ? value.image : value;
  if (typeof VideoFrame !== 'undefined' && image instanceof VideoFrame) image.close();
};

/** Whatever a stream throws while it is closed concerns nobody any more. */
const silently = async (close: () => unknown): Promise<void> => {
  try {
    await close();
  } catch {
    // Nobody waits for it.
  }
};

/**
 * Frames of an async iterable or a ReadableStream. It is read only as fast as frames are used: one that waits for its
 * reader, such as a decoder, loses none; one that does not wait has to drop them itself.
 */
export const openFrameStream = (
  stream: AsyncIterable<StreamFrame> | ReadableStream<StreamFrame>,
): FrameSource => {
  const counts: FrameCounts = { seen: 0, dropped: 0 };
  /** Ends those who wait for a frame. Of each wait: a promise for all would keep whoever ever waited. */
  const waiting = new Set<() => void>();
  const { pull, cancel } = 'getReader' in stream ? fromReadable(stream) : fromIterable(stream);
  let isClosed = false;

  /** Takes over what arrives after close: nobody else would close it. */
  const pullOne = async (): Promise<TimedFrame | undefined> => {
    const { done, value } = await pull();
    if (isClosed) {
      discard(value);
      return undefined;
    }
    if (done === true) return undefined;
    counts.seen += 1;
    try {
      // Undefined as well: a stream that gives it is not at its end but wrong.
      return await toTimedFrame(value);
    } catch (error) {
      discard(value);
      throw error;
    }
  };

  return {
    counts,
    next: async () => {
      if (isClosed) return undefined;
      const pulling = pullOne();
      // After close nobody listens to it any more.
      pulling.catch(() => undefined);
      return new Promise((resolve, reject) => {
        const end = (): void => {
          resolve(undefined);
        };
        waiting.add(end);
        pulling.then(resolve, reject).finally(() => waiting.delete(end));
      });
    },
    close: () => {
      if (isClosed) return;
      isClosed = true;
      for (const end of waiting) end();
      cancel();
    },
  };
};

type Puller = {
  pull: () => Promise<{ done?: boolean; value?: StreamFrame | undefined }>;
  cancel: () => void;
};

const fromReadable = (stream: ReadableStream<StreamFrame>): Puller => {
  if (stream.locked) {
    throw new InputError(
      'the ReadableStream is locked: somebody reads it already. Pass one of its own, by tee().',
    );
  }
  const reader = stream.getReader();
  return {
    pull: () => reader.read(),
    cancel: () => void silently(() => reader.cancel()),
  };
};

const fromIterable = (iterable: AsyncIterable<StreamFrame>): Puller => {
  const iterator = iterable[Symbol.asyncIterator]();
  return {
    pull: async () => {
      const step = await iterator.next();
      return step.done === true ? { done: true } : { value: step.value };
    },
    cancel: () => void silently(() => iterator.return?.()),
  };
};

/** A source of one frame, which is looked at until the object is found. */
export const openLonePicture = (picture: FrameInput): FrameSource => {
  const source = openFrameStream(onlyOne(picture));
  return {
    ...source,
    next: async () => {
      const timed = await source.next();
      return timed === undefined ? undefined : { ...timed, isStill: true };
    },
  };
};

async function* onlyOne(picture: FrameInput): AsyncGenerator<StreamFrame, void> {
  yield await Promise.resolve(picture);
}
