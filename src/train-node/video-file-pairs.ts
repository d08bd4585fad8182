/** Pairs of frames of video files. */
import { InputError } from '../errors.ts';
import { pairsOfReader, type VideoPair, type VideoPairOptions } from '../train/pairs/video-pairs.ts';
import { openVideo } from '../media-node/open-video.ts';

/**
 * {@link pairsOfReader} of a video file or a folder of pictures.
 * @throws InputError for a video that cannot be read, or breaks off
 */
export async function* videoPairs(path: string, options: VideoPairOptions): AsyncGenerator<VideoPair, void> {
  const { settings, onWarning } = options;
  const video = await openVideo(path, {
    maxSide: settings.maxSide,
    ...(onWarning === undefined ? {} : { onWarning }),
  });
  try {
    yield* pairsOfReader(path, video, options);
  } finally {
    await video.close();
  }
}

/**
 * {@link videoPairs} of several videos, one after the other. One that cannot be read or breaks off is named, and
 * what it gave before stays.
 * @returns how many broke
 */
export async function* pairsOfVideos(
  paths: readonly string[],
  optionsOf: (path: string) => VideoPairOptions,
): AsyncGenerator<VideoPair, number> {
  let broken = 0;
  for (const path of paths) {
    const options = optionsOf(path);
    try {
      yield* videoPairs(path, options);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      broken++;
      options.onWarning?.(`${error.message} Skipped.`);
    }
  }
  return broken;
}
