import type { InputVideoTrack, VideoSample } from 'mediabunny';
import { InputError } from '../errors.ts';
import { createReader, fitSize, type RgbFrame, type VideoReader, type VideoSize } from './video-reader.ts';

type Mediabunny = typeof import('mediabunny');

/** Enough of a video's packets to tell how many there are a second. */
const PACKETS_TO_COUNT = 50;

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0].trim();

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

/** (H, W, 4) RGBA to (H, W, 3) RGB. */
const dropAlpha = (rgba: Uint8Array): Uint8Array => {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from];
    rgb[to + 1] = rgba[from + 1];
    rgb[to + 2] = rgba[from + 2];
  }
  return rgb;
};

const readPixels = async (sample: VideoSample, width: number, height: number): Promise<Uint8Array> => {
  // `copyTo` alone would give the pixels as they are stored: unrotated, in the size of the file.
  const shown = await sample.transform({ width, height, fit: 'fill', alpha: 'discard' });
  try {
    const rgba = new Uint8Array(shown.allocationSize({ format: 'RGBA' }));
    await shown.copyTo(rgba, { format: 'RGBA' });
    return dropAlpha(rgba);
  } finally {
    shown.close();
  }
};

async function* decode(
  mediabunny: Mediabunny,
  path: string,
  track: InputVideoTrack,
  { width, height }: { width: number; height: number },
  signal: AbortSignal,
): AsyncGenerator<RgbFrame, void> {
  let index = 0;
  try {
    for await (const sample of new mediabunny.VideoSampleSink(track).samples()) {
      const { timestamp } = sample;
      let rgb: Uint8Array;
      try {
        if (signal.aborted) return;
        rgb = await readPixels(sample, width, height);
      } finally {
        sample.close();
      }
      yield { index, timestamp, rgb };
      index++;
    }
  } catch (error) {
    if (signal.aborted) return;
    throw new InputError(
      `${path} breaks off after ${index} frames (${firstLine(error)}). Replace or remove it.`,
      { cause: error },
    );
  }
  if (index === 0 && !signal.aborted) {
    throw new InputError(`${path} has no frame that can be decoded. Replace or remove it.`);
  }
}

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
  try {
    const track = await input.getPrimaryVideoTrack();
    if (track === null || !(await track.canDecode())) {
      input.dispose();
      return undefined;
    }
    const original = { width: await track.getDisplayWidth(), height: await track.getDisplayHeight() };
    const duration = await track.getDurationFromMetadata();
    const { averagePacketRate } = await track.computePacketStats(PACKETS_TO_COUNT);
    const size: VideoSize = {
      ...fitSize(original.width, original.height, maxSide),
      original,
      ...(duration === null ? {} : { duration, frameCount: Math.round(duration * averagePacketRate) }),
    };
    const reader = createReader(path, size, (signal) => decode(mediabunny, path, track, size, signal));
    const close = async (): Promise<void> => {
      await reader.close();
      input.dispose();
    };
    return { ...reader, close, [Symbol.asyncDispose]: close };
  } catch {
    // Whatever it stumbles over, ffmpeg may still read it, and says why if it cannot.
    input.dispose();
    return undefined;
  }
};
