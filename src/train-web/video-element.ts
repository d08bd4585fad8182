/** Frames through the page's own video element: slower than WebCodecs, but every browser has it. */
import { InputError } from '../errors.ts';
import type { RemoteDecoder } from './messages.ts';

/** Resolves at the first of two events. */
const first = (target: EventTarget, good: string, bad: string): Promise<boolean> =>
  new Promise((resolve) => {
    const stop = new AbortController();
    const end = (isGood: boolean) => (): void => {
      stop.abort();
      resolve(isGood);
    };
    target.addEventListener(good, end(true), { signal: stop.signal });
    target.addEventListener(bad, end(false), { signal: stop.signal });
  });

/** One video is open at a time. */
export const createElementDecoder = (): RemoteDecoder => {
  let video: HTMLVideoElement | undefined;

  const close = (): Promise<void> => {
    if (video !== undefined) {
      URL.revokeObjectURL(video.src);
      video.removeAttribute('src');
      video.load();
    }
    video = undefined;
    return Promise.resolve();
  };

  return {
    close,
    open: async (content) => {
      await close();
      const opened = document.createElement('video');
      opened.muted = true;
      opened.preload = 'auto';
      const loaded = first(opened, 'loadeddata', 'error');
      opened.src = URL.createObjectURL(content);
      video = opened;
      const isVideo = (await loaded) && opened.videoWidth > 0 && Number.isFinite(opened.duration);
      if (!isVideo) {
        await close();
        return undefined;
      }
      return { width: opened.videoWidth, height: opened.videoHeight, duration: opened.duration };
    },
    frame: async (time, width, height) => {
      if (video === undefined) throw new InputError('no video is open.');
      const sought = first(video, 'seeked', 'error');
      video.currentTime = time;
      if (!(await sought)) throw new InputError(`It breaks off after ${time.toFixed(1)} seconds.`);
      return createImageBitmap(video, { resizeWidth: width, resizeHeight: height, resizeQuality: 'medium' });
    },
  };
};
