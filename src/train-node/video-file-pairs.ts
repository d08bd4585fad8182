/** Pairs of frames of video files. */
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
