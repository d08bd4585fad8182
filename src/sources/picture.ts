import type { StillPicture } from './decode-picture.ts';

/**
 * A picture that becomes a VideoFrame here. It stays the caller's, unlike a VideoFrame, which is taken over. Of a video
 * element it is what it shows.
 */
export type Picture =
  ImageBitmap | ImageData | HTMLCanvasElement | OffscreenCanvas | HTMLVideoElement | StillPicture;

/** Frames as callers give them: a VideoFrame knows its time, other pictures can be given one. */
export type FrameInput = VideoFrame | Picture;

/** Whether a value is of a class that this place may or may not have. */
export const isOf = (value: unknown, name: string): boolean => {
  const known = (globalThis as Record<string, unknown>)[name];
  return typeof known === 'function' && value instanceof known;
};

const isVideoFrame = (value: object): value is VideoFrame => isOf(value, 'VideoFrame');
const isImageData = (value: object): value is ImageData => isOf(value, 'ImageData');
const isVideo = (value: object): value is HTMLVideoElement => isOf(value, 'HTMLVideoElement');
const isStill = (value: object): value is StillPicture =>
  isOf(value, 'HTMLImageElement') || isOf(value, 'Blob');

/** Whether a value is a frame of any kind. */
export const isFrameInput = (value: unknown): value is FrameInput =>
  typeof value === 'object' &&
  value !== null &&
  (isVideoFrame(value) ||
    isImageData(value) ||
    isVideo(value) ||
    isStill(value) ||
    ['ImageBitmap', 'OffscreenCanvas', 'HTMLCanvasElement'].some((name) => isOf(value, name)));

/** A frame and when it was captured, seconds; undefined where nobody said. */
export type TimedFrame = {
  frame: VideoFrame;
  timestamp: number | undefined;
  /** A picture by itself: no other comes in which a search could go on. */ isStill?: boolean;
};

const microseconds = (seconds: number): number => Math.round(seconds * 1e6);

/** What is wrong is told by what is loaded then. @param error what making a frame threw */
const refuse = async (input: unknown, timestamp?: number, error?: unknown): Promise<never> => {
  const { pictureFault } = await import('./picture-fault.ts');
  throw pictureFault(isFrameInput(input), input, timestamp, error);
};

const isTime = (seconds: number): boolean => !(Math.abs(microseconds(seconds)) > Number.MAX_SAFE_INTEGER);

/**
 * @param timestamp capture time, seconds; default: the frame's own
 * @returns a VideoFrame that the caller owns now; for a VideoFrame, that one. By a promise where it has to be decoded
 * @throws InputError, by the promise, for anything that is not a picture or has no pixels
 */
export const toVideoFrame = (input: FrameInput, timestamp?: number): TimedFrame | Promise<TimedFrame> => {
  if (typeof VideoFrame === 'undefined' || !isFrameInput(input) || !isTime(timestamp ?? 0)) {
    return refuse(input, timestamp);
  }
  if (isVideoFrame(input)) {
    if (input.format === null && input.codedWidth === 0) return refuse(input);
    return { frame: input, timestamp: timestamp ?? input.timestamp / 1e6 };
  }
  if (isStill(input)) return decodeStill(input, timestamp);
  const at = timestamp ?? (isVideo(input) ? input.currentTime : undefined);
  const init = { timestamp: microseconds(at ?? 0) || 0 };
  const { width, height } = isVideo(input) ? { width: input.videoWidth, height: input.videoHeight } : input;
  if (width === 0 || height === 0) return refuse(input);
  try {
    const frame = isImageData(input)
      ? new VideoFrame(new Uint8ClampedArray(input.data), {
          ...init,
          format: 'RGBA',
          codedWidth: width,
          codedHeight: height,
        })
      : new VideoFrame(input, init);
    return isVideo(input) ? turnedUpright(input, frame, at) : { frame, timestamp: at };
  } catch (error) {
    return refuse(input, timestamp, error);
  }
};

const turnedUpright = async (
  video: HTMLVideoElement,
  frame: VideoFrame,
  timestamp?: number,
): Promise<TimedFrame> => {
  const { upright } = await import('./upright-frame.ts');
  return { frame: upright(video, frame), timestamp };
};

/** What most pages never need is loaded when it is. */
const decodeStill = async (input: StillPicture, timestamp: number | undefined): Promise<TimedFrame> => {
  const { decodePicture } = await import('./decode-picture.ts');
  const bitmap = await decodePicture(input);
  try {
    const init = { timestamp: microseconds(timestamp ?? 0) || 0 };
    return { frame: new VideoFrame(bitmap, init), timestamp, isStill: true };
  } catch (error) {
    return await refuse(input, timestamp, error);
  } finally {
    bitmap.close();
  }
};
