import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { InputError } from '../errors.ts';
import type { Size } from '../geometry/coordinates.ts';
import {
  createReader,
  fitSize,
  type RgbFrame,
  type VideoReader,
  type VideoSize,
} from '../media/video-reader.ts';

/** Kept of what ffmpeg complains about, characters. */
const COMPLAINT_LENGTH = 2000;

const missing = (program: string, cause: unknown): InputError =>
  new InputError(
    `Decoding videos needs ${program} (5.1 or later) on the path, and it is not there. Install ffmpeg, or run "npm install mediabunny @mediabunny/server" for mp4, mov, webm and mkv.`,
    { cause },
  );

/** `file:` keeps ffmpeg from taking a name for an option, a pattern or another protocol. */
const inputArguments = (path: string): string[] => ['-protocol_whitelist', 'file', '-i', `file:${path}`];

/** The complaint without ffmpeg's addresses and the file's own name. */
const firstComplaint = (text: string, path: string): string => {
  const lines = text.split('\n').map((line) => line.replace(/^\[[^\]]*\]\s*/, '').trim());
  const line = lines.find((candidate) => candidate !== '') ?? 'it gives no reason';
  return line.replaceAll(`file:${path}`, '').replace(/^[:\s]+/, '');
};

/** Collects the beginning of a text stream and lets the rest pass. */
const collect = (stream: Readable, limit: number): (() => string) => {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    if (text.length < limit) text += chunk;
  });
  return () => text;
};

/** Resolves when a process and all its pipes have ended. */
const waitForEnd = (child: ChildProcess, program: string): Promise<number | null> =>
  new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(missing(program, error));
    });
    child.once('close', resolve);
  });

const runProbe = async (path: string): Promise<string> => {
  const args = [
    ...['-v', 'error', '-select_streams', 'V:0', '-of', 'json'],
    '-show_entries',
    'stream=width,height,sample_aspect_ratio,avg_frame_rate,duration:stream_side_data=rotation:stream_tags=rotate:format=duration',
    ...inputArguments(path),
  ];
  const child = spawn('ffprobe', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = collect(child.stdout, Infinity);
  const complaint = collect(child.stderr, COMPLAINT_LENGTH);
  const code = await waitForEnd(child, 'ffprobe');
  if (code === 0) return output();
  throw new InputError(
    `${path} cannot be read as a video (${firstComplaint(complaint(), path)}). Replace or remove it.`,
  );
};

type ProbedStream = {
  width?: number;
  height?: number;
  sample_aspect_ratio?: string;
  avg_frame_rate?: string;
  duration?: string;
  side_data_list?: { rotation?: number }[];
  tags?: { rotate?: string };
};
type Probed = { streams?: ProbedStream[]; format?: { duration?: string } };

/** "30000/1001" or "4:3" as a number; undefined where it is none or not positive. */
const readRatio = (text: string | undefined): number | undefined => {
  const [numerator, denominator] = (text ?? '').split(/[:/]/).map(Number);
  const ratio = numerator / denominator;
  return Number.isFinite(ratio) && ratio > 0 ? ratio : undefined;
};

type Probe = {
  /** As it is shown, and as it is stored; see `VideoSize`. */ original: Size;
  stored: Size;
  /** Seconds, where the file says it. */ duration: number | undefined;
  /** Seconds between frames, on average. */ interval: number;
};

const probe = async (path: string): Promise<Probe> => {
  const { streams = [], format } = JSON.parse(await runProbe(path)) as Probed;
  const stream = streams.at(0);
  if (stream?.width === undefined || stream.height === undefined || stream.width < 1 || stream.height < 1) {
    throw new InputError(`${path} holds no video. Replace or remove it.`);
  }
  // Pixels that are not square become square, as in every player.
  const width = Math.max(1, Math.round(stream.width * (readRatio(stream.sample_aspect_ratio) ?? 1)));
  const { height } = stream;
  const turned = stream.side_data_list?.find(({ rotation }) => rotation !== undefined)?.rotation;
  const rotation = Math.abs(turned ?? Number(stream.tags?.rotate ?? 0));
  const lying = Math.round(rotation / 90) % 2 === 1;
  const upright = (size: Size): Size => (lying ? { width: size.height, height: size.width } : size);
  const seconds = Number(stream.duration ?? format?.duration);
  return {
    original: upright({ width, height }),
    stored: upright({ width: stream.width, height }),
    duration: seconds > 0 ? seconds : undefined,
    interval: 1 / (readRatio(stream.avg_frame_rate) ?? 25),
  };
};

/**
 * Timestamps that ffmpeg prints, one for each frame, before the frame itself.
 * @returns takes the next one, seconds; undefined where ffmpeg knows none
 */
const readTimestamps = (stream: Readable): (() => Promise<number | undefined>) => {
  const ready: (number | undefined)[] = [];
  const waiting: ((timestamp: number | undefined) => void)[] = [];
  let rest = '';
  let ended = false;
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      // The pictures' time base is set to microseconds.
      const match = /^frame:\d+\s+pts:(\S+)/.exec(line);
      if (match === null) continue;
      const microseconds = Number(match[1]);
      const timestamp = Number.isFinite(microseconds) ? microseconds / 1e6 : undefined;
      const taker = waiting.shift();
      if (taker === undefined) ready.push(timestamp);
      else taker(timestamp);
    }
  });
  const end = (): void => {
    ended = true;
    for (const taker of waiting.splice(0)) taker(undefined);
  };
  stream.once('close', end);
  stream.once('end', end);
  return () => {
    if (ready.length > 0 || ended) return Promise.resolve(ready.shift());
    return new Promise((resolve) => waiting.push(resolve));
  };
};

const decodeArguments = (path: string, width: number, height: number): string[] => {
  const filters = [
    // `area` averages all pixels that fall into one; nothing is ever enlarged here but pixels that are not square.
    `scale=${width}:${height}:flags=area`,
    'settb=AVTB',
    // Frames without any metadata are not printed.
    'metadata=mode=add:key=dve:value=1',
    'metadata=mode=print:file=pipe\\\\:3:direct=1',
  ];
  return [
    // Times as the file has them, not counted from its first frame.
    ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-copyts'],
    ...inputArguments(path),
    ...['-map', '0:V:0', '-vf', filters.join(',')],
    // Without passthrough a variable frame rate is made constant by repeating and dropping frames.
    ...['-fps_mode', 'passthrough', '-pix_fmt', 'rgb24', '-f', 'rawvideo', 'pipe:1'],
  ];
};

async function* decode(
  path: string,
  { width, height }: VideoSize,
  interval: number,
  onWarning: ((message: string) => void) | undefined,
  signal: AbortSignal,
): AsyncGenerator<RgbFrame, void> {
  const child = spawn('ffmpeg', decodeArguments(path, width, height), {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const ended = waitForEnd(child, 'ffmpeg');
  // It is awaited below, but not where a consumer leaves early.
  ended.catch(() => undefined);
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  signal.addEventListener('abort', kill, { once: true });
  const { stdout, stderr } = child;
  const times = child.stdio[3];
  // Always there, as all of them were asked for as pipes; the types of four pipes do not say so.
  if (stdout === null || stderr === null || !(times instanceof Readable)) throw missing('ffmpeg', undefined);
  const complaint = collect(stderr, COMPLAINT_LENGTH);
  const nextTimestamp = readTimestamps(times);
  const frameBytes = width * height * 3;
  let index = 0;
  let filled = 0;
  let timestamp = -interval;
  let rgb = new Uint8Array(frameBytes);
  try {
    // Reading piece by piece is the backpressure: a full pipe halts ffmpeg until the next frame is asked for.
    for await (const piece of stdout) {
      const chunk = piece as Uint8Array;
      for (let from = 0; from < chunk.length;) {
        const part = chunk.subarray(from, from + frameBytes - filled);
        rgb.set(part, filled);
        from += part.length;
        filled += part.length;
        if (filled < frameBytes) continue;
        timestamp = (await nextTimestamp()) ?? timestamp + interval;
        yield { index, timestamp, rgb };
        index++;
        filled = 0;
        rgb = new Uint8Array(frameBytes);
      }
    }
    const code = await ended;
    if (signal.aborted) return;
    const reason = complaint();
    // The option is younger than some of the ffmpegs that are still about.
    if (reason.includes('fps_mode')) throw missing('ffmpeg', undefined);
    if (index === 0) {
      throw new InputError(
        `${path} has no frame that can be decoded (${firstComplaint(reason, path)}). Replace or remove it.`,
      );
    }
    if (code !== 0 || filled > 0) {
      throw new InputError(
        `${path} breaks off after ${index} frames (${firstComplaint(reason, path)}). Replace or remove it.`,
      );
    }
    if (reason !== '')
      onWarning?.(`${path} is damaged (${firstComplaint(reason, path)}); its frames are used.`);
  } finally {
    signal.removeEventListener('abort', kill);
    if (child.exitCode === null && child.signalCode === null) {
      kill();
      stdout.destroy();
      times.destroy();
      if (child.pid !== undefined) await once(child, 'close');
    }
  }
}

/**
 * Opens a video with the system's ffprobe, to be decoded by its ffmpeg.
 * @throws InputError for a file that is no video, or where ffprobe is missing
 */
export const openWithFfmpeg = async (
  path: string,
  maxSide?: number,
  onWarning?: (message: string) => void,
): Promise<VideoReader> => {
  const { original, stored, duration, interval } = await probe(path);
  const size: VideoSize = {
    ...fitSize(original.width, original.height, maxSide),
    ...{ original, stored },
    ...(duration === undefined ? {} : { duration, frameCount: Math.max(1, Math.round(duration / interval)) }),
  };
  return createReader(path, size, (signal) => decode(path, size, interval, onWarning, signal));
};
