import type { SourceError } from '../errors.ts';
import type { FrameSource } from './frame-source.ts';
import { LatestFrame } from './latest-frame.ts';
import type { TimedFrame } from './picture.ts';
import type * as VideoFaults from './video-fault.ts';

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

const failWith = (
  latest: LatestFrame<TimedFrame>,
  fault: (faults: typeof VideoFaults) => SourceError,
): void => {
  import('./video-fault.ts').then(fault).then(
    (error) => {
      latest.fail(error);
    },
    // Where even what tells why cannot be loaded, that is told.
    (error: unknown) => {
      latest.fail(error as Error);
    },
  );
};

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
      failWith(latest, ({ foreignVideo }) => foreignVideo(error));
    }
  };
  const onEnded = (): void => {
    latest.end();
  };
  const onError = (): void => {
    failWith(latest, ({ brokenVideo }) => brokenVideo(video));
  };
  video.addEventListener('ended', onEnded);
  video.addEventListener('error', onError);
  // A paused video shows a frame that no callback will tell of.
  if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) push(timeOf(video));
  // What has ended already says so no more.
  if (video.ended) onEnded();
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
    failWith(latest, ({ stoppedVideo }) => stoppedVideo(error));
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
export const openVideoElement = async (
  video: HTMLVideoElement,
  release: () => void,
  correct: Correct,
): Promise<FrameSource> => {
  if (video.error !== null) throw (await import('./video-fault.ts')).brokenVideo(video);
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
