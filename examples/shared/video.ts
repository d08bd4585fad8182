/** Plays a clip or a camera, over and over and without its sound, until it is closed. */
export const openVideo = async (
  source: File | MediaStream,
): Promise<{ video: HTMLVideoElement; close: () => void }> => {
  const video = document.createElement('video');
  [video.muted, video.loop, video.playsInline] = [true, true, true];
  if (source instanceof File) video.src = URL.createObjectURL(source);
  else video.srcObject = source;
  const close = (): void => {
    video.pause();
    if (source instanceof File) URL.revokeObjectURL(video.src);
    else for (const track of source.getTracks()) track.stop();
  };
  try {
    await video.play();
  } catch (error) {
    close();
    const isFile = source instanceof File && !(error instanceof DOMException && error.name === 'AbortError');
    throw isFile
      ? new Error(`${source.name} is no video that this browser can play.`, { cause: error })
      : error;
  }
  return { video, close };
};
