/** Why a video gives no frames: loaded when that happens. */
import { SourceError } from '../errors.ts';

const reasons: Readonly<Record<number, string>> = {
  1: 'loading was aborted',
  2: 'the network failed',
  3: 'it could not be decoded',
  4: 'its format is not supported',
};

/** @param video that has failed */
export const brokenVideo = ({ error }: HTMLVideoElement): SourceError => {
  const reason = error === null ? 'unknown reason' : (reasons[error.code] ?? error.message);
  return new SourceError(
    `the video cannot be played (${reason}). Try another file, or convert it to MP4 (H.264) or WebM.`,
    { cause: error },
  );
};

/** @param cause what making a frame threw */
export const foreignVideo = (cause: unknown): SourceError =>
  new SourceError(
    "the video is of another origin and may not be read. Serve it with CORS headers and set the element's crossOrigin.",
    { cause },
  );

/** @param cause why an element did not play a stream */
export const stoppedVideo = (cause: unknown): SourceError =>
  new SourceError('the video stream could not be played. Start again.', { cause });
