import { SourceError } from '../errors.ts';
import type { FrameSource } from './frame-source.ts';
import { LatestFrame } from './latest-frame.ts';
import type { TimedFrame } from './picture.ts';

const unplugged = (): SourceError =>
  new SourceError('the camera stopped giving pictures. Check that it is plugged in, then start again.');

/** Frames of a video track as a stream. */
type TrackProcessor = new (init: { track: MediaStreamTrack }) => {
  readonly readable: ReadableStream<VideoFrame>;
};

/** Missing outside of Chromium. TypeScript's own types have it not, and those of packages differ. */
export const trackProcessor = (): TrackProcessor | undefined =>
  (globalThis as { MediaStreamTrackProcessor?: unknown }).MediaStreamTrackProcessor as
    TrackProcessor | undefined;

/** Reads a track without showing it: works in hidden pages too. Chromium only. */
const readTrack = (
  track: MediaStreamTrack,
  Processor: TrackProcessor,
  latest: LatestFrame<TimedFrame>,
): (() => void) => {
  const reader = new Processor({ track }).readable.getReader();
  const pump = async (): Promise<void> => {
    for (;;) {
      const { value: frame } = await reader.read();
      if (frame === undefined) break;
      latest.push({ frame, timestamp: frame.timestamp / 1e6 });
    }
    latest.end();
  };
  pump().catch((error: unknown) => {
    latest.fail(new SourceError('the video track could not be read. Start again.', { cause: error }));
  });
  return () => {
    // It rejects only for a reader that is released, which this one never is.
    reader.cancel().catch(() => undefined);
  };
};

/**
 * Frames of a stream's first video track. The stream stays the caller's.
 * @param whenLost what happens when the track ends by itself: an unplugged camera is an error, a finished call is not
 * @throws SourceError when it has no video track, or one that has ended
 */
export const openMediaStream = async (
  stream: MediaStream,
  whenLost: 'end' | 'fail' = 'end',
): Promise<FrameSource> => {
  const track = stream.getVideoTracks().at(0);
  if (track === undefined || track.readyState === 'ended') {
    throw (await import('./camera-fault.ts')).streamFault(track);
  }
  const latest = new LatestFrame<TimedFrame>();
  const onEnded = (): void => {
    if (whenLost === 'fail') latest.fail(unplugged());
    else latest.end();
  };
  track.addEventListener('ended', onEnded);
  const Processor = trackProcessor();
  // Chromium does without the other way, and does not load it.
  const stop =
    Processor === undefined
      ? (await import('./video-element.ts')).showTrack(track, latest)
      : readTrack(track, Processor, latest);
  return {
    stream,
    counts: latest.counts,
    next: () => latest.next(),
    close: () => {
      track.removeEventListener('ended', onEnded);
      latest.close();
      stop();
    },
  };
};
