/** Why a picture gives no frame: loaded when that happens. */
import { DeviceError, firstLine, InputError } from '../errors.ts';

/**
 * @param isFrame whether the input is a frame of any kind
 * @param timestamp that it was given, seconds; undefined where that is not at fault
 * @param error what making a frame of it threw
 */
export const pictureFault = (
  isFrame: boolean,
  input: unknown,
  timestamp: number | undefined,
  error: unknown,
): DeviceError | InputError => {
  if (typeof VideoFrame === 'undefined') {
    return new DeviceError(
      'this browser has no WebCodecs (VideoFrame), without which no frame can be handed over. Use a newer one.',
    );
  }
  if (!isFrame) {
    return new InputError(
      'a frame is not a picture. Pass a VideoFrame, an ImageBitmap, a canvas, an ImageData, an img, a video element or a Blob.',
    );
  }
  if (error !== undefined) {
    return new InputError(
      `a frame cannot be read (${firstLine(error)}). Pass a picture that is loaded, not closed, and of the page's own origin or served with CORS.`,
      { cause: error },
    );
  }
  if (timestamp !== undefined) {
    return new InputError(
      `a frame's timestamp is ${timestamp}, too great for seconds. Pass seconds, for example performance.now() / 1000.`,
    );
  }
  if (input instanceof VideoFrame) {
    return new InputError('a VideoFrame is closed already. Pass each frame once: it is closed for you.');
  }
  const { width, height } =
    input instanceof HTMLVideoElement
      ? { width: input.videoWidth, height: input.videoHeight }
      : (input as { width: number; height: number });
  return new InputError(`a frame has ${width}×${height} pixels. Pass pictures that have pixels.`);
};
