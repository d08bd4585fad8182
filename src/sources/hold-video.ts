/**
 * Keeps a video where it is, at its first frame for example, until frames of it are wanted: what played meanwhile would be
 * lost. It is held by its rate and not by pausing it, so that `play()` may be called and its promise is kept.
 * @returns lets it go on, at the rate that was last asked for. May be called again
 */
export const holdVideo = (video: HTMLVideoElement): (() => void) => {
  // What a stream shows is gone if it is not seen now.
  if (video.srcObject !== null) return () => undefined;
  let rate = video.playbackRate;
  let isHeld = true;
  const hold = (): void => {
    // Another rate may be asked for meanwhile, and loading a video sets it back.
    if (video.playbackRate === 0) return;
    rate = video.playbackRate;
    video.playbackRate = 0;
  };
  hold();
  video.addEventListener('ratechange', hold);
  return () => {
    if (!isHeld) return;
    isHeld = false;
    video.removeEventListener('ratechange', hold);
    if (video.playbackRate === 0) video.playbackRate = rate;
  };
};
