/** A frame of a file, with its time. */
export type VideoPicture = {
  /** The frame; upright. */ image: VideoFrame;
  /** When it is shown, seconds from the beginning. */ timestamp: number;
};

/** Options of {@link videoFrames}. */
export type VideoFramesOptions = {
  /**
   * mediabunny, which reads the file: what gives it (`() => import('mediabunny')`), or the URL of a copy of
   * `mediabunny/dist/bundles/mediabunny.min.mjs` on your own server.
   */
  mediabunny: (() => Promise<unknown>) | string | URL;
};

/**
 * Every frame of a video file, in order and with its time, as fast as they are used: for a page that measures a whole
 * video, where a video element would leave out what comes while one frame is worked on. `npm install mediabunny`.
 *
 *     for await (const result of track(videoFrames(file, { mediabunny: () => import('mediabunny') }))) …
 *
 * Frames are upright, as they are meant to be shown; `track()` closes them, others close each by themselves. What reads is
 * loaded when it is asked for.
 * @param file MP4, MOV, WebM or Matroska, as far as the browser decodes it by WebCodecs
 * @throws InputError for options that are none; SourceError for a file that cannot be read, or breaks off; DeviceError
 * where mediabunny is not to be had
 */
export async function* videoFrames(
  file: Blob,
  options: VideoFramesOptions,
): AsyncGenerator<VideoPicture, void> {
  const { readVideo } = await import('./read-video.ts');
  yield* readVideo(file, options);
}
