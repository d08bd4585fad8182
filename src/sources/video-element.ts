import { SourceError } from '../errors.ts';
import type { FrameSource } from './frame-source.ts';
import { LatestFrame } from './latest-frame.ts';
import type { TimedFrame } from './picture.ts';

const reasons: Readonly<Record<number, string>> = {
  1: 'loading was aborted',
  2: 'the network failed',
  3: 'it could not be decoded',
  4: 'its format is not supported',
};

const brokenVideo = ({ error }: HTMLVideoElement): SourceError => {
  const reason = error === null ? 'unknown reason' : (reasons[error.code] ?? error.message);
  return new SourceError(
    `the video cannot be played (${reason}). Try another file, or convert it to MP4 (H.264) or WebM.`,
    { cause: error },
  );
};

/** @param timestamp capture time, seconds */
type OnFrame = (timestamp: number) => void;

/** The time of what an element shows, seconds: in the video, or of a stream by the clock. */
const timeOf = (video: HTMLVideoElement): number =>
  video.srcObject === null ? video.currentTime : performance.now() / 1000;

/** Older browsers: looks once per screen refresh whether the video has gone on. @returns stops looking */
const pollFrames = (video: HTMLVideoElement, onFrame: OnFrame): (() => void) => {
  let last = -1;
  let handle = 0;
  const look = (): void => {
    if (video.currentTime !== last && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
      last = video.currentTime;
      onFrame(timeOf(video));
    }
    handle = requestAnimationFrame(look);
  };
  handle = requestAnimationFrame(look);
  return () => {
    cancelAnimationFrame(handle);
  };
};

/** @returns stops calling */
const onEachFrame = (video: HTMLVideoElement, onFrame: OnFrame): (() => void) => {
  if (!('requestVideoFrameCallback' in video)) return pollFrames(video, onFrame);
  let handle = 0;
  const next = (): void => {
    handle = video.requestVideoFrameCallback((now, { mediaTime, captureTime }) => {
      // A stream has no time of its own: not every browser counts one up for it.
      onFrame(video.srcObject === null ? mediaTime : (captureTime ?? now) / 1000);
      next();
    });
  };
  next();
  return () => {
    video.cancelVideoFrameCallback(handle);
  };
};

/** Makes of an element's frame one as the element shows it. */
type Correct = (video: HTMLVideoElement, frame: VideoFrame) => VideoFrame;

/**
 * Hands over a copy of each frame that the element shows. @returns stops watching
 */
const watchVideoElement = (
  video: HTMLVideoElement,
  latest: LatestFrame<TimedFrame>,
  correct: Correct,
): (() => void) => {
  // The time a VideoFrame of an element gives itself is not the same in all browsers, and a millionth of it in one.
  const push = (timestamp: number): void => {
    if (video.videoWidth === 0) return;
    try {
      const frame = new VideoFrame(video, { timestamp: Math.round(timestamp * 1e6) });
      latest.push({ frame: correct(video, frame), timestamp });
    } catch (error) {
      const isTainted = error instanceof DOMException && error.name === 'SecurityError';
      if (!isTainted) return; // between two sources there may be nothing to copy: the next frame comes
      latest.fail(
        new SourceError(
          "the video is of another origin and may not be read. Serve it with CORS headers and set the element's crossOrigin.",
          { cause: error },
        ),
      );
    }
  };
  const onEnded = (): void => {
    latest.end();
  };
  const onError = (): void => {
    latest.fail(brokenVideo(video));
  };
  video.addEventListener('ended', onEnded);
  video.addEventListener('error', onError);
  // A paused video shows a frame that no callback will tell of.
  if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) push(timeOf(video));
  // What has ended already says so no more.
  if (video.ended) latest.end();
  const stop = onEachFrame(video, push);
  return () => {
    stop();
    video.removeEventListener('ended', onEnded);
    video.removeEventListener('error', onError);
  };
};

/** A track that cannot be read is shown, in an element that is not in the page. @returns stops it */
export const showTrack = (track: MediaStreamTrack, latest: LatestFrame<TimedFrame>): (() => void) => {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  const stop = watchVideoElement(video, latest, (_, frame) => frame);
  video.play().catch((error: unknown) => {
    latest.fail(new SourceError('the video stream could not be played. Start again.', { cause: error }));
  });
  return () => {
    stop();
    video.pause();
    video.srcObject = null;
  };
};

/**
 * Frames that a video element shows, while it plays and at every seek. The element stays the caller's.
 * @param release what is done when frames are wanted, and at the end
 * @param correct what is done with each
 * @throws SourceError when it has failed already
 */
export const openVideoElement = (
  video: HTMLVideoElement,
  release: () => void,
  correct: Correct,
): FrameSource => {
  if (video.error !== null) throw brokenVideo(video);
  const latest = new LatestFrame<TimedFrame>();
  const stop = watchVideoElement(video, latest, correct);
  return {
    counts: latest.counts,
    next: () => {
      release();
      return latest.next();
    },
    close: () => {
      release();
      stop();
      latest.close();
    },
  };
};
