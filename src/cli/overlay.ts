import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { drawLandmarks, type DrawOptions } from '../draw/draw-landmarks.ts';
import { InputError } from '../errors.ts';
import type { Size } from '../geometry/coordinates.ts';
import type { TrackResult } from '../pipeline/result.ts';
import type { RgbFrame } from '../media-node/open-video.ts';
import { createSvgCanvas } from './svg-canvas.ts';

const importSharp = async () => {
  try {
    return (await import('sharp')).default;
  } catch (error) {
    throw new InputError(
      '--overlay needs the package "sharp", which is not installed. Run "npm install sharp".',
      {
        cause: error,
      },
    );
  }
};

export type OverlayOptions = Size & {
  /** Video file to write, mp4. */ path: string;
  /** Frames per second. */ fps: number;
  draw: DrawOptions;
};

/** Starts ffmpeg as an encoder of raw RGB frames. */
const startEncoder = (path: string, { width, height, fps }: OverlayOptions) => {
  const child = spawn(
    'ffmpeg',
    [
      ...[
        '-v',
        'error',
        '-y',
        '-f',
        'rawvideo',
        '-pix_fmt',
        'rgb24',
        '-s',
        `${width}x${height}`,
        '-r',
        String(fps),
      ],
      // Colour at half size needs even sides.
      ...['-i', '-', '-vf', 'pad=ceil(iw/2)*2:ceil(ih/2)*2', '-c:v', 'libx264', '-crf', '18'],
      ...['-pix_fmt', 'yuv420p', '-movflags', '+faststart', '-f', 'mp4', path],
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  );
  let complaint = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    if (complaint.length < 2000) complaint += text;
  });
  // What writing to a dead process throws is told by its end.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', (error) => {
      reject(
        new InputError(
          '--overlay needs ffmpeg on the path, and it is not there. Install it, or leave --overlay out.',
          { cause: error },
        ),
      );
    });
    child.once('close', (code) => {
      if (code === 0) resolve();
      else
        reject(
          new InputError(`ffmpeg cannot write the overlay (${complaint.split('\n')[0]}). Check --overlay.`),
        );
    });
  });
  // It is awaited at the end; until then a failure must not count as unhandled.
  ended.catch(() => undefined);
  return { input: child.stdin, ended };
};

/**
 * Writes a video with the landmarks drawn over its frames, for looking at.
 * @param frames those that were tracked, in order
 * @param results one per frame
 * @throws InputError where ffmpeg or sharp are missing, or the file cannot be written
 */
export const writeOverlay = async (
  frames: AsyncIterable<RgbFrame>,
  results: readonly TrackResult[],
  options: OverlayOptions,
): Promise<void> => {
  const { path, width, height, draw } = options;
  const sharp = await importSharp();
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  const { input, ended } = startEncoder(temporary, options);
  try {
    let index = 0;
    for await (const { rgb } of frames) {
      if (index >= results.length || input.destroyed) break;
      const canvas = createSvgCanvas(width, height);
      drawLandmarks(canvas.context, results[index++], draw);
      const picture = await sharp(rgb, { raw: { width, height, channels: 3 } })
        .composite([{ input: Buffer.from(canvas.toSvg()) }])
        .removeAlpha()
        .raw()
        .toBuffer();
      if (!input.write(picture)) await Promise.race([once(input, 'drain'), ended]);
    }
    input.end();
    await ended;
    await rename(temporary, path);
  } catch (error) {
    input.destroy();
    await ended.catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
};
