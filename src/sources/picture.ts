import { InputError } from '../errors.ts';

/** A picture that becomes a VideoFrame here. It stays the caller's, unlike a VideoFrame, which is taken over. */
export type Picture = ImageBitmap | ImageData | HTMLCanvasElement | OffscreenCanvas;

/** Frames as callers give them: a VideoFrame knows its time, other pictures can be given one. */
export type FrameInput = VideoFrame | Picture;

const isVideoFrame = (value: object): value is VideoFrame =>
  typeof VideoFrame !== 'undefined' && value instanceof VideoFrame;

const isImageData = (value: object): value is ImageData =>
  typeof ImageData !== 'undefined' && value instanceof ImageData;

/** Whether a value is a frame of any kind. */
export const isFrameInput = (value: unknown): value is FrameInput => {
  if (typeof value !== 'object' || value === null) return false;
  return (
    isVideoFrame(value) ||
    isImageData(value) ||
    (typeof ImageBitmap !== 'undefined' && value instanceof ImageBitmap) ||
    (typeof OffscreenCanvas !== 'undefined' && value instanceof OffscreenCanvas) ||
    (typeof HTMLCanvasElement !== 'undefined' && value instanceof HTMLCanvasElement)
  );
};

/** A frame and when it was captured, seconds; undefined where nobody said. */
export type TimedFrame = { frame: VideoFrame; timestamp: number | undefined };

const secondsToMicroseconds = 1e6;

/**
 * @param timestamp capture time, seconds; default: the frame's own
 * @returns a VideoFrame that the caller owns now; for a VideoFrame, that one
 * @throws InputError for anything that is not a picture or has no pixels
 */
export const toVideoFrame = (input: FrameInput, timestamp?: number): TimedFrame => {
  if (!isFrameInput(input)) {
    throw new InputError(
      'a frame is not a picture. Pass a VideoFrame, an ImageBitmap, a canvas or an ImageData.',
    );
  }
  if (isVideoFrame(input)) {
    if (input.format === null && input.codedWidth === 0) {
      throw new InputError('a VideoFrame is closed already. Pass each frame once: it is closed for you.');
    }
    return { frame: input, timestamp: timestamp ?? input.timestamp / secondsToMicroseconds };
  }
  const isTimed = timestamp !== undefined && Number.isFinite(timestamp);
  const init = { timestamp: isTimed ? Math.round(timestamp * secondsToMicroseconds) : 0 };
  if (input.width === 0 || input.height === 0) {
    throw new InputError(
      `a frame has ${input.width}×${input.height} pixels. Pass pictures that have pixels.`,
    );
  }
  if (!isImageData(input)) return { frame: new VideoFrame(input, init), timestamp };
  const { data, width, height } = input;
  const frame = new VideoFrame(new Uint8ClampedArray(data), {
    ...init,
    format: 'RGBA',
    codedWidth: width,
    codedHeight: height,
  });
  return { frame, timestamp };
};
