/** What a video element shows of a file; a stream that it plays needs less. */
import type { FrameSource } from './frame-source.ts';
import { upright } from './upright-frame.ts';
import { openVideoElement } from './video-element.ts';

/** Frames that an element shows of a file; see `openVideoElement`. */
export const openVideoFile = (video: HTMLVideoElement, release: () => void): Promise<FrameSource> =>
  openVideoElement(video, release, upright);
