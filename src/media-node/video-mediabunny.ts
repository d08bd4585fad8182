import { openInput, type Mediabunny } from '../media/mediabunny-reader.ts';
import type { VideoReader } from '../media/video-reader.ts';

/**
 * mediabunny with decoders for Node, or undefined where either package is not installed.
 * Both are optional peers: whoever has ffmpeg needs neither.
 */
const importMediabunny = async (): Promise<Mediabunny | undefined> => {
  // Named through a variable: it is not there when this package is built.
  const server = '@mediabunny/server';
  try {
    const mediabunny = await import('mediabunny');
    const { registerMediabunnyServer } = (await import(server)) as {
      registerMediabunnyServer: (options: { hardwareContext: null }) => void;
    };
    // Looking for graphics hardware prints a dozen lines where there is none.
    registerMediabunnyServer({ hardwareContext: null });
    return mediabunny;
  } catch {
    return undefined;
  }
};

/**
 * Opens a video with mediabunny.
 * @returns undefined where mediabunny is not installed, or knows neither the container nor the codec
 */
export const openWithMediabunny = async (
  path: string,
  maxSide?: number,
): Promise<VideoReader | undefined> => {
  const mediabunny = await importMediabunny();
  if (mediabunny === undefined) return undefined;
  const { ALL_FORMATS, FilePathSource, Input } = mediabunny;
  const input = new Input({ source: new FilePathSource(path), formats: ALL_FORMATS });
  return openInput(mediabunny, input, path, maxSide);
};
