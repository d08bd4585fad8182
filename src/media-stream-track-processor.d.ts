/** Not in TypeScript's own types yet: frames of a video track as a stream. Missing outside of Chromium. */
declare var MediaStreamTrackProcessor:
  | (new (init: { track: MediaStreamTrack; maxBufferSize?: number }) => {
      readonly readable: ReadableStream<VideoFrame>;
    })
  | undefined;
