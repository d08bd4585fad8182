/** The bench of a drawn object: five clips to train on, some pictures clicked, all clips tracked, beside chained flow. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { readTracks } from '../../../src/cli/track-file.ts';
import type { LabelledFrame } from '../../../src/evaluation/evaluate-points.ts';
import type { Point, Size } from '../../../src/geometry/coordinates.ts';
import type { PixelImage } from '../../../src/pipeline/crop.ts';
import { dve, printFollowed, printHead, together, type Followed } from './commands.ts';
import { chain, lucasKanade, ownFlow } from './lucas-kanade.ts';

/** An object that is drawn, so that the places of its points are exact. */
export type DrawnObject = {
  name: string;
  names: readonly string[];
  connections: readonly (readonly [number, number])[];
  size: Size;
  /** Frames of a clip. */ frames: number;
  /** Pictures that are clicked where nobody says how many. */ pictures: number;
  /** Another scene for each number. `seen`: which points are not hidden. */
  draw(clip: number): { frames: Iterable<PixelImage>; truth: Point[][]; seen: boolean[][] };
};

const options = {
  work: { type: 'string' },
  steps: { type: 'string' },
  config: { type: 'string' },
  model: { type: 'string' },
  /** More options of `dve track`. */ options: { type: 'string', default: '' },
  pictures: { type: 'string' },
  /** Scene of the clip that is not trained on. */ unseen: { type: 'string', default: '5' },
  json: { type: 'boolean', default: false },
} as const;

/** Clips that are trained on: scenes 0 to 4. The last one of all is not. */
const unseen = 5;
const clips = unseen + 1;

type Work = {
  folder: string;
  object: DrawnObject;
  /** Of each clip. */ scenes: readonly number[];
  truth: Point[][][];
  seen: boolean[][][];
};

const clipName = ({ object, scenes }: Pick<Work, 'object' | 'scenes'>, clip: number): string =>
  `${object.name}${scenes[clip]}`;

/** Draws what is not there yet: clips as folders of pictures, the unseen one apart, with their points. */
const drawClips = async (folder: string, object: DrawnObject, last: number): Promise<Work> => {
  const scenes = Array.from({ length: clips }, (_, clip) => (clip === unseen ? last : clip));
  const work: Work = { folder, object, scenes, truth: [], seen: [] };
  for (let clip = 0; clip < clips; clip++) {
    const drawn = object.draw(scenes[clip]);
    work.truth.push(drawn.truth);
    work.seen.push(drawn.seen);
    const place = clipFolder(work, clip);
    const labels = join(folder, `${clipName(work, clip)}.json`);
    if (existsSync(labels)) continue;
    mkdirSync(place, { recursive: true });
    let t = 0;
    for (const { data, width, height } of drawn.frames) {
      const path = join(place, `${String(t++).padStart(3, '0')}.png`);
      await sharp(data, { raw: { width, height, channels: 3 } })
        .png({ compressionLevel: 3 })
        .toFile(path);
    }
    const items = drawn.truth.map((points, frame) => ({
      frame,
      landmarks: points.map(({ x, y }, n) => (drawn.seen[frame][n] ? [x, y] : null)),
    }));
    writeFileSync(labels, JSON.stringify({ names: object.names, items }));
  }
  return work;
};

const clipFolder = (work: Work, clip: number): string =>
  join(work.folder, clip === unseen ? 'unseen' : 'train', clipName(work, clip));

/** One box a clip, as somebody would draw it: around all that the object does. */
const writeBoxes = (work: Work): string => {
  const { folder, truth } = work;
  const boxes = Object.fromEntries(
    truth.slice(0, unseen).map((points, clip) => {
      const xs = points.flat().map(({ x }) => x);
      const ys = points.flat().map(({ y }) => y);
      const box = [Math.min(...xs) - 10, Math.min(...ys) - 10, Math.max(...xs) + 10, Math.max(...ys) + 8];
      return [clipName(work, clip), [[0, ...box.map(Math.round)]]];
    }),
  );
  const path = join(folder, 'boxes.json');
  writeFileSync(path, JSON.stringify(boxes));
  return path;
};

/** Pictures that are clicked: of the training clips in turn, spread over each. */
const clickPictures = (work: Work, count: number): { images: string; points: string } => {
  const { folder, object, truth, seen } = work;
  const { names, connections, size, frames } = object;
  const images = join(folder, `clicked${count}`);
  mkdirSync(images, { recursive: true });
  const annotations = [];
  for (let index = 0; index < count; index++) {
    const clip = (index + 1) % unseen;
    const frame = Math.floor(((index % 3) + 0.5) * (frames / 3)) % frames;
    const picture = `${clipName(work, clip)}-${frame}.png`;
    writeFileSync(
      join(images, picture),
      readFileSync(join(clipFolder(work, clip), `${String(frame).padStart(3, '0')}.png`)),
    );
    const points = truth[clip][frame].map(({ x, y }, n) =>
      seen[clip][frame][n] ? [x / size.width, y / size.height] : null,
    );
    annotations.push({ picture, points });
  }
  const points = join(images, 'points.json');
  writeFileSync(points, JSON.stringify({ names, connections, annotations }));
  return { images, points };
};

type Given = { steps?: string | undefined; config?: string | undefined };

const trainModel = async (work: Work, given: Given): Promise<string> => {
  const out = join(work.folder, 'model');
  const isBegun = existsSync(join(out, 'checkpoint.bin'));
  await dve(
    ...['train', '--videos', join(work.folder, 'train'), '--roi', 'boxes', writeBoxes(work), '--out', out],
    ...(given.steps === undefined ? [] : ['--steps', given.steps]),
    ...(given.config === undefined ? [] : ['--config', given.config]),
    // At its end it takes no step more.
    ...(isBegun ? ['--resume'] : []),
  );
  return out;
};

/** Trains, clicks, tracks and measures, and prints a table; the command line says how. */
export const benchObject = async (object: DrawnObject): Promise<void> => {
  const { values: given } = parseArgs({ options });
  const folder = given.work ?? mkdtempSync(join(tmpdir(), `dve-${object.name}-`));
  const work = await drawClips(folder, object, Number(given.unseen));
  const model = given.model ?? (await trainModel(work, given));
  const clicked = clickPictures(work, Number(given.pictures ?? object.pictures));
  const count = object.names.length;
  const set = join(work.folder, 'landmarks.json');
  await dve(
    ...['landmarks', '--model', model, '--images', clicked.images, '--points', clicked.points, '--out', set],
    // One picture does not show it.
    ...['--bends', 'yes'],
  );
  const methods: Record<string, Followed[]> = {
    tracked: [],
    'match alone': [],
    'flow, chained': [],
    'Lucas–Kanade': [],
  };
  for (let clip = 0; clip < clips; clip++) {
    const labels = work.truth[clip].map((points, frame): LabelledFrame => ({
      frame,
      points: points.map((point, n) => (work.seen[clip][frame][n] ? point : undefined)),
    }));
    const out = join(work.folder, `tracks-${clip}.json`);
    const more = given.options === '' ? [] : given.options.split(' ');
    await dve(
      ...['track', clipFolder(work, clip), '--model', model, '--landmarks', set, '--out', out, ...more],
    );
    methods.tracked.push({ tracks: await readTracks(out, count), labels });
    methods['match alone'].push({ tracks: readRaw(out), labels });
    const flows = await chain(object.draw(work.scenes[clip]).frames, work.truth[clip][0], {
      ownFlow,
      lucasKanade,
    });
    methods['flow, chained'].push({ tracks: flows.ownFlow, labels });
    methods['Lucas–Kanade'].push({ tracks: flows.lucasKanade, labels });
  }
  printHead(object.names);
  const report: Record<string, unknown> = {};
  for (const [name, followed] of Object.entries(methods)) {
    report[`${name}, trained on`] = printFollowed(`${name}, trained on`, together(followed.slice(0, unseen)));
    report[`${name}, unseen`] = printFollowed(`${name}, unseen`, followed[unseen]);
  }
  if (given.json) console.log(JSON.stringify(report));
};

/** Where the network alone found the points. */
const readRaw = (path: string): (Point[] | undefined)[] => {
  const { frames } = JSON.parse(readFileSync(path, 'utf8')) as { frames: { raw: [number, number][] }[] };
  return frames.map(({ raw }) => (raw.length === 0 ? undefined : raw.map(([x, y]) => ({ x, y }))));
};
