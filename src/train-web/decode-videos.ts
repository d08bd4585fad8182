/** Opens videos in a worker: with mediabunny and WebCodecs, else through the page's video element. */
import { DeviceError, InputError } from '../errors.ts';
import { openInput, type Mediabunny } from '../media/mediabunny-reader.ts';
import { createReader, fitSize, type VideoReader } from '../media/video-reader.ts';
import { rgbOf } from './decode-pictures.ts';
import type { NamedFile, RemoteDecoder } from './messages.ts';

/** Frames a second that are asked of the video element, which does not say how many there are. */
const elementRate = 25;

const isMediabunny = (module: unknown): module is Mediabunny =>
  typeof module === 'object' && module !== null && 'BlobSource' in module && 'VideoSampleSink' in module;

/** @throws DeviceError where there is no mediabunny at this URL */
export const loadMediabunny = async (url: string): Promise<Mediabunny> => {
  let module: unknown;
  try {
    module = await import(/* @vite-ignore */ /* webpackIgnore: true */ url);
  } catch (error) {
    throw new DeviceError(`mediabunny could not be loaded from ${url}. Check the mediabunny option.`, {
      cause: error,
    });
  }
  if (isMediabunny(module)) return module;
  throw new DeviceError(`${url} is not mediabunny. Check the mediabunny option.`);
};

const openElement = async (
  { name, content }: NamedFile,
  decoder: RemoteDecoder,
  maxSide: number,
): Promise<VideoReader | undefined> => {
  const video = await decoder.open(content);
  if (video === undefined) return undefined;
  const { duration } = video;
  const original = { width: video.width, height: video.height };
  const { width, height } = fitSize(original.width, original.height, maxSide);
  const frameCount = Math.floor(duration * elementRate);
  const reader = createReader(
    name,
    // What the file stores, the browser does not tell.
    { width, height, original, stored: original, duration, frameCount },
    async function* (signal) {
      for (let index = 0; index < frameCount && !signal.aborted; index++) {
        // The middle of the frame's time: at its edge rounding decides.
        const timestamp = (index + 0.5) / elementRate;
        const bitmap = await decoder.frame(timestamp, width, height);
        const rgb = rgbOf(bitmap);
        bitmap.close();
        yield { index, timestamp, rgb };
      }
    },
  );
  const close = async (): Promise<void> => {
    await reader.close();
    await decoder.close();
  };
  return { ...reader, close, [Symbol.asyncDispose]: close };
};

/**
 * @param maxSide longer side of the frames at most, pixels
 * @throws InputError for a video that nothing here can decode
 */
export const openBlob = async (
  file: NamedFile,
  maxSide: number,
  mediabunny: Mediabunny | undefined,
  decoder: RemoteDecoder,
): Promise<VideoReader> => {
  if (mediabunny !== undefined && typeof VideoDecoder !== 'undefined') {
    const { ALL_FORMATS, BlobSource, Input } = mediabunny;
    const input = new Input({ source: new BlobSource(file.content), formats: ALL_FORMATS });
    const reader = await openInput(mediabunny, input, file.name, maxSide);
    if (reader !== undefined) return reader;
  }
  const reader = await openElement(file, decoder, maxSide);
  if (reader !== undefined) return reader;
  throw new InputError('It is no video that this browser can decode.');
};
