/** Frames of a video that mediabunny has opened, in Node and in browsers. */
import type { Input, InputVideoTrack, VideoSample } from 'mediabunny';
import { InputError, firstLine } from '../errors.ts';
import { dropAlpha } from './raw-picture.ts';
import { createReader, fitSize, type RgbFrame, type VideoReader, type VideoSize } from './video-reader.ts';

export type Mediabunny = typeof import('mediabunny');

/** Enough of a video's packets to tell how many there are a second. */
const PACKETS_TO_COUNT = 50;

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
 * @param input the reader's from now on: it is disposed with it, or when there is none
 * @param path how errors call the video
 * @returns undefined where mediabunny knows neither the container nor the codec
 */
export const openInput = async (
  mediabunny: Mediabunny,
  input: Input,
  path: string,
  maxSide?: number,
): Promise<VideoReader | undefined> => {
  try {
    const track = await input.getPrimaryVideoTrack();
    if (track === null || !(await track.canDecode())) {
      input.dispose();
      return undefined;
    }
    const original = { width: await track.getDisplayWidth(), height: await track.getDisplayHeight() };
    const coded = { width: await track.getCodedWidth(), height: await track.getCodedHeight() };
    const isLying = (await track.getRotation()) % 180 !== 0;
    const duration = await track.getDurationFromMetadata();
    const { averagePacketRate } = await track.computePacketStats(PACKETS_TO_COUNT);
    const size: VideoSize = {
      ...fitSize(original.width, original.height, maxSide),
      original,
      stored: isLying ? { width: coded.height, height: coded.width } : coded,
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
