/**
 * Several faces in one picture, clips composed side by side: is each tracked as well as alone, does each keep its id
 * while one leaves for two seconds and comes back, while two change places unseen, and while one passes in front of
 * another; and what do four cost?
 *
 *     npx tsx test/bench/objects/several.ts [--model DIR] [--device cpu|wasm] [--precision fp32|int8] [--frames N] [--threads N] [--only cost|scenes] [--json]
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readTracks } from '../../../src/cli/track-file.ts';
import { compareTracks } from '../../../src/evaluation/track-accuracy.ts';
import type { Point, Size } from '../../../src/geometry/coordinates.ts';
import { ibugPointCount } from '../../../src/landmarks/point-sets.ts';
import { openVideo } from '../../../src/media-node/open-video.ts';
import type { PixelImage } from '../../../src/pipeline/crop.ts';
import type { ObjectPlace } from '../../../src/pipeline/result.ts';
import { openTracker, type PictureTracker } from '../picture-tracker.ts';
import { root } from './commands.ts';

const data = process.env.DVE_DATA ?? join(root, '..', 'shared', 'data');
const folder = join(data, 'eval', 'videos');

const { values: given } = parseArgs({
  options: {
    model: { type: 'string', default: join(root, 'models', 'face') },
    device: { type: 'string', default: 'cpu' },
    precision: { type: 'string', default: 'fp32' },
    frames: { type: 'string', default: '210' },
    threads: { type: 'string', default: '1' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

/** Side of the square that a clip is shown in, pixels. */
const side = 400;
const framesPerSecond = 30;
const frames = Number(given.frames);
/** When something happens: 2 s, and 2 s after. */
const away = { from: 90, to: 150 };
const wanted = { accuracy: 1.05, cost: 3.2 };

const groups = [
  ['d3', 'd6'],
  ['d9', 'd10'],
  ['cap12', 'singer'],
  ['d6', 'cap12'],
  ['d3', 'd6', 'd9', 'd10'],
  ['cap12', 'd9', 'singer', 'd6'],
];

type Clip = { name: string; frames: PixelImage[]; truth: (readonly Point[] | undefined)[] };

const readClip = async (name: string): Promise<Clip> => {
  const path = join(folder, `${name}.mp4`);
  const video = await openVideo(path, { maxSide: side });
  const scale = video.width / video.stored.width;
  const pictures: PixelImage[] = [];
  try {
    for await (const { rgb } of video.frames) {
      pictures.push({ data: rgb, width: video.width, height: video.height, channels: 3 });
      if (pictures.length === frames) break;
    }
  } finally {
    await video.close();
  }
  const truth = await readTracks(join(folder, `${name}.mediapipe.json`), ibugPointCount);
  return {
    name,
    frames: pictures,
    truth: truth
      .slice(0, pictures.length)
      .map((points) => points?.map(({ x, y }) => ({ x: scale * x, y: scale * y }))),
  };
};

/** Where a clip's top-left corner is in a frame, pixels; undefined while it is not shown. */
type Place = Point | undefined;
type PlaceOf = (clip: number, frame: number) => Place;
type Scene = { size: Size; /** Later ones lie in front. */ placeOf: PlaceOf };

const compose = (clips: readonly Clip[], { size, placeOf }: Scene, t: number): PixelImage => {
  const picture = new Uint8Array(size.width * size.height * 3).fill(128);
  clips.forEach((clip, index) => {
    const place = placeOf(index, t);
    if (place === undefined) return;
    const { width, height, data: pixels } = clip.frames[t];
    const [left, top] = [Math.round(place.x), Math.round(place.y)];
    const [from, to] = [Math.max(0, -left), Math.min(width, size.width - left)];
    if (to <= from) return;
    for (let row = 0; row < height; row++) {
      picture.set(
        pixels.subarray((row * width + from) * 3, (row * width + to) * 3),
        ((row + top) * size.width + left + from) * 3,
      );
    }
  });
  return { ...size, data: picture, channels: 3 };
};

const tile = (index: number): Point => ({ x: (index % 2) * side, y: Math.floor(index / 2) * side });
const sizeOf = (count: number): Size => ({ width: 2 * side, height: Math.ceil(count / 2) * side });

const isAway = (t: number): boolean => t >= away.from && t < away.to;

const scenes: Record<string, (count: number) => Scene> = {
  'side by side': (count) => ({ size: sizeOf(count), placeOf: tile }),
  'one leaves': (count) => ({
    size: sizeOf(count),
    placeOf: (clip, t) => (clip === 0 && isAway(t) ? undefined : tile(clip)),
  }),
  'two change places': (count) => ({
    size: sizeOf(count),
    placeOf: (clip, t) => {
      if (clip > 1) return tile(clip);
      return isAway(t) ? undefined : tile(t < away.from ? clip : 1 - clip);
    },
  }),
  'one passes in front': (count) => ({
    size: sizeOf(count),
    placeOf: (clip, t) => {
      const { x, y } = tile(clip);
      if (clip > 1) return { x, y };
      const way = Math.min(1, Math.max(0, (t - away.from) / (away.to - away.from)));
      return { x: clip === 1 ? x - side * way : x + side * way, y };
    },
  }),
};

type Told = Map<number, { id: number; points: Point[] }>;

/** What is told of each clip in each frame, in the clip's own pixels: the object at its face. */
const runScene = async (tracker: PictureTracker, clips: readonly Clip[], scene: Scene): Promise<Told[]> => {
  const all: Told[] = [];
  for (let t = 0; t < frames; t++) {
    const { objects } = await tracker.step(compose(clips, scene, t), t / framesPerSecond);
    const told: Told = new Map();
    for (const object of objects) {
      if (object.status !== 'tracking') continue;
      const clip = clipOf(object, clips, scene, t);
      if (clip === undefined) continue;
      const { x, y } = scene.placeOf(clip, t) ?? { x: 0, y: 0 };
      const points = object.landmarks.map((landmark) => ({ x: landmark.x - x, y: landmark.y - y }));
      told.set(clip, { id: object.id, points });
    }
    all.push(told);
  }
  return all;
};

/** A face that is half covered is still one: the nearest centre counts, not what lies in front. */
const clipOf = (
  { landmarks }: ObjectPlace,
  clips: readonly Clip[],
  { placeOf }: Scene,
  t: number,
): number | undefined => {
  const center = centerOf(landmarks);
  let nearest: number | undefined;
  let least = side / 2;
  clips.forEach(({ truth }, index) => {
    const place = placeOf(index, t);
    const points = truth.at(t);
    if (place === undefined || points === undefined) return;
    const { x, y } = centerOf(points);
    const distance = Math.hypot(center.x - x - place.x, center.y - y - place.y);
    if (distance >= least) return;
    least = distance;
    nearest = index;
  });
  return nearest;
};

const centerOf = (points: readonly Point[]): Point => ({
  x: points.reduce((sum, { x }) => sum + x, 0) / points.length,
  y: points.reduce((sum, { y }) => sum + y, 0) / points.length,
});

/** Frames in which a clip's id is another one than its first, over all clips; and ids given in all. */
const idChanges = (told: readonly Told[], count: number): { changed: number; ids: number } => {
  const first = new Map<number, number>();
  const ids = new Set<number>();
  let changed = 0;
  for (const frame of told) {
    for (let clip = 0; clip < count; clip++) {
      const id = frame.get(clip)?.id;
      if (id === undefined) continue;
      ids.add(id);
      if (!first.has(clip)) first.set(clip, id);
      if (first.get(clip) !== id) changed++;
    }
  }
  return { changed, ids: ids.size };
};

if (!existsSync(folder)) throw new Error(`The clips are not there: ${folder}. Set DVE_DATA.`);
const { session, createTracker, createSeveralTracker } = await openTracker(
  given.model,
  given.precision,
  Number(given.threads),
  given.device,
);

const clips = new Map<string, Clip>();
const clipsOf = async (names: readonly string[]): Promise<Clip[]> => {
  const read: Clip[] = [];
  for (const name of names) {
    const clip = clips.get(name) ?? (await readClip(name));
    clips.set(name, clip);
    read.push(clip);
  }
  return read;
};

const report: Record<string, unknown>[] = [];
const tell = (row: Record<string, unknown>): void => {
  report.push(row);
  if (!given.json)
    console.log(
      Object.values(row)
        .map((cell) => String(cell).padEnd(22))
        .join(' '),
    );
};
const percent = (share: number): number => Number((100 * share).toFixed(2));

for (const names of given.only === 'cost' ? [] : groups) {
  const shown = await clipsOf(names);
  for (const [name, create] of Object.entries(scenes)) {
    const scene = create(names.length);
    const told = await runScene(createSeveralTracker({ objects: names.length }), shown, scene);
    tell({ scene: name, clips: names.join('+'), ...idChanges(told, names.length) });
    if (name !== 'side by side') continue;
    for (const [index, clip] of shown.entries()) {
      const alone = await runScene(createTracker(), [clip], {
        size: { width: side, height: side },
        placeOf: () => ({ x: 0, y: 0 }),
      });
      const before = compareTracks(
        alone.map((frame) => frame.get(0)?.points),
        clip.truth,
      );
      const now = compareTracks(
        told.map((frame) => frame.get(index)?.points),
        clip.truth,
      );
      tell({
        clip: `  ${clip.name}`,
        mean_alone: `${percent(before.meanError)} %`,
        mean: `${percent(now.meanError)} %`,
        tracked_alone: `${percent(before.trackedShare)} %`,
        tracked: `${percent(now.trackedShare)} %`,
        ...{ first_alone: before.first, first: now.first },
        misses: now.meanError > wanted.accuracy * before.meanError ? 'worse than alone' : '',
      });
    }
  }
}

/**
 * Each alone and all together in turn, on the same frames, the fastest tenth of each: what else the machine does only
 * ever adds time. Where it does much, a long run is seldom left alone as a short one is: frame by frame the four by
 * themselves take as long as the four together, and the median of that ratio tells more.
 */
const compareCost = async (names: readonly string[]): Promise<void> => {
  const four = await clipsOf(names);
  const scene = scenes['side by side'](4);
  const trackers = [...names.map(() => createTracker()), createSeveralTracker({ objects: 4 })];
  const times: number[][] = trackers.map(() => []);
  const paired: number[] = [];
  for (let t = 0; t < frames; t++) {
    const spent: number[] = [];
    for (const [index, tracker] of trackers.entries()) {
      const placeOf: PlaceOf = (clip) => (index === 4 || clip === index ? scene.placeOf(clip, t) : undefined);
      const picture = compose(four, { ...scene, placeOf }, t);
      const start = performance.now();
      const { objects } = await tracker.step(picture, t / framesPerSecond);
      const time = performance.now() - start;
      if (objects.length !== (index === 4 ? 4 : 1)) continue;
      times[index].push(time);
      spent.push(time);
    }
    if (spent.length === 5) paired.push((4 * spent[4]) / (spent[0] + spent[1] + spent[2] + spent[3]));
  }
  const best = times.map((values) => values.sort((a, b) => a - b)[Math.floor(values.length / 10)]);
  const single = best.slice(0, 4).reduce((sum, time) => sum + time / 4, 0);
  const ratio = best[4] / single;
  tell({
    cost: 'cost of 4',
    one_ms: single.toFixed(2),
    four_ms: best[4].toFixed(2),
    ratio: ratio.toFixed(2),
    paired: paired.sort((a, b) => a - b)[paired.length >> 1].toFixed(2),
    misses: ratio > wanted.cost ? `more than ${wanted.cost}` : '',
  });
};

if (given.only !== 'scenes') await compareCost(groups[4]);
await session.close();
if (given.json) console.log(JSON.stringify(report));
