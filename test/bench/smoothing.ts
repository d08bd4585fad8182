/**
 * Calm against quick: how much the smoothed landmarks of a still face tremble, and how far those of moving faces lag
 * behind the unsmoothed ones, for several settings of the smoother.
 *
 *     npx tsx test/bench/smoothing.ts [--model DIR] [--faces N] [--motion] [--json]
 *
 * Still: pictures enlarged to fill 640×480, 200 frames, fresh Gaussian noise (σ = 4 of 255) for each pixel and frame and
 * ±1 % brightness flicker; RMS second difference of all points, % IOD. Lag: the evaluation clips as 30 frames a second,
 * in frames. The tracker runs once; its raw points go through every setting. With --motion it carries points by motion, and
 * what comes of that is a row of its own.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import type { Point } from '../../src/geometry/coordinates.ts';
import { estimateLag, secondDifference, type PointTrack } from '../../src/evaluation/jitter.ts';
import { interOcularDistance } from '../../src/landmarks/point-sets.ts';
import { defaultSmoothing, type SmootherOptions } from '../../src/landmarks/smoother-options.ts';
import { LandmarkSmoother } from '../../src/landmarks/smoother.ts';
import { createRandom, type Random } from '../../src/augment/random.ts';
import { openVideo } from '../../src/media-node/open-video.ts';
import { cropToGray, type PixelImage } from '../../src/pipeline/crop.ts';
import { MotionFollower } from '../../src/pipeline/motion-follower.ts';
import { openTracker, type PictureTracker } from './picture-tracker.ts';
import { evalClips } from './scenes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const data = process.env.DVE_DATA ?? join(root, '..', 'shared', 'data');
const helen = join(data, 'eval', 'helen');
const [width, height] = [640, 480];

const { values: given } = parseArgs({
  options: {
    model: { type: 'string', default: join(root, 'models', 'face') },
    faces: { type: 'string', default: '5' },
    motion: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const stillFrames = 200;
const clipFrames = 240;
const noiseSd = 4;
const flicker = 0.01;
const wanted = { jitter: 0.1, lag: 0.5 };

/** Calm to quick, the default among them. */
const settings: SmootherOptions[] = [
  { minCutoff: 0.5, beta: 20 },
  { minCutoff: 0.5, beta: 50 },
  { ...defaultSmoothing },
  { minCutoff: 1, beta: 100 },
  { minCutoff: 2, beta: 100 },
  { minCutoff: 2, beta: 200 },
  { minCutoff: 3, beta: 150 },
  { minCutoff: 5, beta: 200 },
];

/** What the tracker saw before smoothing: points, and the side of the object's ROI. */
type RawTrack = {
  points: PointTrack;
  sizes: number[];
  unit: number;
  /** What the tracker shows. */ shown: PointTrack;
};

const trackAll = async (
  tracker: PictureTracker,
  frames: AsyncIterable<PixelImage> | Iterable<PixelImage>,
): Promise<RawTrack> => {
  const points: (Point[] | undefined)[] = [];
  const shown: (Point[] | undefined)[] = [];
  const sizes: number[] = [];
  let index = 0;
  for await (const frame of frames) {
    const result = await tracker.step(frame, index++ / 30);
    const isTracking = result.status === 'tracking';
    points.push(isTracking ? result.landmarks.map(({ raw }) => raw) : undefined);
    shown.push(isTracking ? result.landmarks.map(({ x, y }) => ({ x, y })) : undefined);
    sizes.push(isTracking ? result.roi.size : 0);
  }
  const units = points.flatMap((some) => (some === undefined ? [] : [interOcularDistance(some)]));
  return { points, shown, sizes, unit: units.reduce((sum, unit) => sum + unit, 0) / units.length };
};

const smooth = ({ points, sizes }: RawTrack, options: SmootherOptions): PointTrack => {
  const smoother = new LandmarkSmoother(options);
  return points.map((some, t) => {
    if (some !== undefined) return smoother.filter(some, sizes[t], t / 30);
    smoother.reset();
    return undefined;
  });
};

/** One picture as a noisy, flickering camera shows it. */
function* stillStream(picture: Uint8Array, random: Random): Generator<PixelImage> {
  for (let t = 0; t < stillFrames; t++) {
    const gain = 1 + random.uniform(-flicker, flicker);
    const frame = new Uint8ClampedArray(picture.length);
    // Clamped arrays round. Two normal values from each pair of uniform ones (Box and Muller 1958).
    for (let i = 0; i < picture.length; i += 2) {
      const radius = noiseSd * Math.sqrt(-2 * Math.log(1 - random.uniform()));
      const angle = 2 * Math.PI * random.uniform();
      frame[i] = gain * picture[i] + radius * Math.cos(angle);
      frame[i + 1] = gain * picture[i + 1] + radius * Math.sin(angle);
    }
    yield { data: frame, width, height, channels: 3 };
  }
}

async function* clipStream(path: string): AsyncGenerator<PixelImage> {
  const video = await openVideo(path);
  try {
    for await (const { index, rgb } of video.frames) {
      if (index === clipFrames) break;
      yield { data: rgb, width: video.width, height: video.height, channels: 3 };
    }
  } finally {
    await video.close();
  }
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const main = async (): Promise<void> => {
  const { items } = JSON.parse(readFileSync(join(helen, 'landmarks.json'), 'utf8')) as {
    items: { image: string }[];
  };
  const opened = await openTracker(given.model);
  const create = (): PictureTracker =>
    opened.createTracker({
      searchBudget: 60,
      // Motion smooths by itself; with smoothing switched off it is off, too.
      ...(given.motion ? { motion: () => new MotionFollower(cropToGray) } : { smoothing: false }),
    });
  const stills: RawTrack[] = [];
  const count = Number(given.faces);
  for (let index = 0; index < count; index++) {
    const { image } = items[Math.floor(((index + 0.5) * items.length) / count)];
    const picture = await sharp(join(helen, image))
      .removeAlpha()
      .resize(width, height, { fit: 'cover' })
      .raw()
      .toBuffer();
    const still = await trackAll(create(), stillStream(picture, createRandom(3, index)));
    if (Number.isNaN(still.unit)) {
      throw new Error(`The face of ${image} was found in none of its frames: there is nothing to measure.`);
    }
    stills.push(still);
  }
  const clips: RawTrack[] = [];
  for (const clip of evalClips) {
    clips.push(await trackAll(create(), clipStream(join(data, 'eval', 'videos', `${clip}.mp4`))));
  }
  await opened.session.close();

  /** % IOD; of each still picture. */
  const jitterOf = (track: (raw: RawTrack) => PointTrack): number[] =>
    stills.map((raw) => 100 * (secondDifference(track(raw), raw.unit) ?? Number.NaN));
  const motionRow = () => {
    const jitter = jitterOf(({ shown }) => shown);
    const lags = clips.flatMap((raw) => estimateLag(raw.shown, raw.points) ?? []);
    return {
      ...{ jitter: mean(jitter), jitterWorst: Math.max(...jitter) },
      ...{ lag: mean(lags), lagWorst: Math.max(...lags) },
    };
  };
  const rows = settings.map((options) => {
    const { minCutoff, beta, derivativeCutoff } = { ...defaultSmoothing, ...options };
    const jitter = jitterOf((raw) => smooth(raw, options));
    const lags = clips.flatMap((raw) => estimateLag(smooth(raw, options), raw.points) ?? []);
    return {
      ...{ minCutoff, beta, derivativeCutoff },
      isDefault: minCutoff === defaultSmoothing.minCutoff && beta === defaultSmoothing.beta,
      ...{ jitter: mean(jitter), jitterWorst: Math.max(...jitter) },
      ...{ lag: mean(lags), lagWorst: Math.max(...lags), movingClips: lags.length },
    };
  });
  const motion = given.motion ? motionRow() : undefined;
  const raw = jitterOf(({ points }) => points);
  if (given.json) {
    console.log(JSON.stringify({ raw: mean(raw), rawWorst: Math.max(...raw), motion, settings: rows }));
    return;
  }
  console.log(`${count} still faces, ${rows[0].movingClips} moving clips\n`);
  console.log('minCutoff   beta   still, % IOD: mean  worst   lag, frames: mean  worst');
  console.log(
    `unsmoothed${''.padEnd(16)}${mean(raw).toFixed(3).padStart(12)}${Math.max(...raw)
      .toFixed(3)
      .padStart(7)}`,
  );
  if (motion !== undefined) {
    const { jitter, jitterWorst, lag, lagWorst } = motion;
    console.log(
      `motion${''.padEnd(20)}${jitter.toFixed(3).padStart(12)}${jitterWorst.toFixed(3).padStart(7)}${lag.toFixed(2).padStart(20)}${lagWorst.toFixed(2).padStart(7)}`,
    );
  }
  for (const row of rows) {
    const still = `${row.jitter.toFixed(3).padStart(12)}${row.jitterWorst.toFixed(3).padStart(7)}`;
    const lag = `${row.lag.toFixed(2).padStart(20)}${row.lagWorst.toFixed(2).padStart(7)}`;
    const mark = row.isDefault ? '  default' : '';
    console.log(
      `${String(row.minCutoff).padStart(9)}${String(row.beta).padStart(7)}${''.padEnd(10)}${still}${lag}${mark}`,
    );
  }
  console.log(`\nWanted: at most ${wanted.jitter} % and ${wanted.lag} frames, both by the defaults.`);
};

if (existsSync(helen)) await main();
else {
  console.error(`The pictures are not there: ${helen}. Set DVE_DATA.`);
  process.exitCode = 1;
}
