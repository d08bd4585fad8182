import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { InputError } from '../errors.ts';
import { openOutput } from '../files-node/atomic-file.ts';
import type { Size } from '../geometry/coordinates.ts';
import type { TrackResult } from '../pipeline/result.ts';
import type { RgbFrame } from '../media-node/open-video.ts';
import { matroskaFrame, matroskaHead } from './raw-matroska.ts';
import { loadSharp } from '../media-node/sharp.ts';

export type OverlayOptions = Size & {
  /** Video file to write, mp4. */ path: string;
  /** Video whose sound goes with it, if it has any. */ sound: string | undefined;
  /** The drawing over a frame, an SVG document of its size. */ draw: (result: TrackResult) => string;
};

/** A video that is being written with landmarks drawn over its frames. */
export type Overlay = {
  /** Adds a frame, shown at its own time; without a result it stays as it is. */
  add(frame: RgbFrame, result: TrackResult): Promise<void>;
  /** @throws InputError where the file is not all there */ finish(): Promise<void>;
  /** Throws away what there is. Safe to call after `finish`. */ discard(): Promise<void>;
};

/** Starts ffmpeg as an encoder of frames that tell their times. */
const startEncoder = (target: string, { path, sound }: OverlayOptions) => {
  const child = spawn(
    'ffmpeg',
    [
      // Times as they are: those of the sound are counted from the same moment.
      ...['-nostdin', '-v', 'error', '-y', '-copyts', '-f', 'matroska', '-i', 'pipe:0'],
      ...(sound === undefined ? [] : ['-protocol_whitelist', 'file', '-vn', '-i', `file:${sound}`]),
      ...['-map', '0:v', ...(sound === undefined ? [] : ['-map', '1:a?', '-c:a', 'aac', '-b:a', '160k'])],
      // Colour at half size needs even sides.
      ...['-vf', 'pad=ceil(iw/2)*2:ceil(ih/2)*2', '-c:v', 'libx264', '-crf', '18', '-pix_fmt', 'yuv420p'],
      // A variable frame rate stays one. The index is written last: without it nothing takes a broken file for a video.
      ...['-fps_mode', 'passthrough', '-enc_time_base', '-1', '-f', 'mp4', `file:${target}`],
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
  const failed = (): InputError =>
    new InputError(
      `ffmpeg cannot write the overlay ${path} (${complaint.split('\n')[0] || 'it gives no reason'}). Check the place and the space on it.`,
    );
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
      else reject(failed());
    });
  });
  // It is awaited at the end; until then a failure must not count as unhandled.
  ended.catch(() => undefined);
  return { input: child.stdin, ended, failed };
};

/** Frames that a file says it has; undefined for one that is no video. */
const countFrames = async (path: string): Promise<number | undefined> => {
  const args = [
    '-v',
    'error',
    '-select_streams',
    'v:0',
    '-show_entries',
    'stream=nb_frames',
    '-of',
    'csv=p=0',
  ];
  try {
    const { stdout } = await promisify(execFile)('ffprobe', [...args, `file:${path}`]);
    return Number.parseInt(stdout, 10);
  } catch {
    return undefined;
  }
};

/**
 * Starts a video with the landmarks drawn over its frames, for looking at.
 * @throws InputError where ffmpeg or sharp are missing, or the file cannot be written
 */
export const createOverlay = async (options: OverlayOptions): Promise<Overlay> => {
  const { path, width, height, draw } = options;
  const sharp = await loadSharp('--overlay');
  const output = await openOutput(path);
  const { input, ended, failed } = startEncoder(output.temporary, options);
  let frames = 0;
  const untilTaken = (): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        input.off('drain', done).off('close', done);
        resolve();
      };
      input.once('drain', done).once('close', done);
    });
  const send = async (data: Uint8Array): Promise<void> => {
    // A dead encoder takes nothing more: how it ended says why.
    if (input.destroyed) await ended;
    else if (!input.write(data)) await untilTaken();
  };
  const discard = async (): Promise<void> => {
    input.destroy();
    await ended.catch(() => undefined);
    await output.discard();
  };
  await send(matroskaHead(width, height));
  return {
    discard,
    add: async ({ rgb, timestamp }, result) => {
      const picture = await sharp(rgb, { raw: { width, height, channels: 3 } })
        .composite([{ input: Buffer.from(draw(result)) }])
        .removeAlpha()
        .raw()
        .toBuffer();
      await send(matroskaFrame(timestamp, picture));
      frames++;
    },
    finish: async () => {
      input.end();
      await ended;
      // On a full disk some versions of ffmpeg end as if all were well.
      if ((await countFrames(output.temporary)) !== frames) throw failed();
      await output.commit();
    },
  };
};
