/**
 * A drawn robot arm: trained on five of its clips without a label, one picture clicked, tracked in the sixth.
 *
 *     npx tsx test/bench/objects/arm.ts [--work DIR] [--steps N] [--config FILE] [--model DIR] [--options "…"] [--json]
 *
 * Clips are drawn into --work once. Without --model a network is trained there by `dve train` with its defaults and one
 * box a clip; the arm bends, which one picture does not show. The points' places are exact; tracked is with --motion;
 * beside it the match alone, and the project's flow and Lucas–Kanade chained from the exact first frame.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { readTracks } from '../../../src/cli/track-file.ts';
import type { LabelledFrame } from '../../../src/evaluation/evaluate-points.ts';
import type { Point } from '../../../src/geometry/coordinates.ts';
import { armConnections, armFrames, armNames, armSize, drawArmClip } from './arm-scene.ts';
import { dve, printFollowed, printHead, together, type Followed } from './commands.ts';
import { chain, lucasKanade, ownFlow } from './lucas-kanade.ts';

const { values: given } = parseArgs({
  options: {
    work: { type: 'string' },
    steps: { type: 'string' },
    config: { type: 'string' },
    model: { type: 'string' },
    /** More options of `dve track`. */ options: { type: 'string', default: '--motion' },
    pictures: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});

const clips = 6;
const unseen = clips - 1;
const clipName = (clip: number): string => `arm${clip}`;

type Work = { folder: string; truth: Point[][][] };

/** Draws what is not there yet: clips as folders of pictures, the unseen one apart, with their points. */
const drawClips = async (folder: string): Promise<Work> => {
  const truth: Point[][][] = [];
  for (let clip = 0; clip < clips; clip++) {
    const drawn = drawArmClip(clip);
    truth.push(drawn.truth);
    const place = clipFolder(folder, clip);
    const labels = join(folder, `${clipName(clip)}.json`);
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
      landmarks: points.map(({ x, y }) => [x, y]),
    }));
    writeFileSync(labels, JSON.stringify({ names: armNames, items }));
  }
  return { folder, truth };
};

const clipFolder = (folder: string, clip: number): string =>
  join(folder, clip === unseen ? 'unseen' : 'train', clipName(clip));

/** One box a clip, as somebody would draw it: around all that the arm does. */
const writeBoxes = ({ folder, truth }: Work): string => {
  const boxes = Object.fromEntries(
    truth.slice(0, unseen).map((points, clip) => {
      const xs = points.flat().map(({ x }) => x);
      const ys = points.flat().map(({ y }) => y);
      const box = [Math.min(...xs) - 10, Math.min(...ys) - 10, Math.max(...xs) + 10, Math.max(...ys) + 8];
      return [clipName(clip), [[0, ...box.map(Math.round)]]];
    }),
  );
  const path = join(folder, 'boxes.json');
  writeFileSync(path, JSON.stringify(boxes));
  return path;
};

/** Pictures that are clicked: of the training clips in turn, spread over each. */
const clickPictures = ({ folder, truth }: Work, count: number): { images: string; points: string } => {
  const images = join(folder, `clicked${count}`);
  mkdirSync(images, { recursive: true });
  const annotations = [];
  for (let index = 0; index < count; index++) {
    const clip = (index + 1) % unseen;
    const frame = Math.floor(((index % 3) + 0.5) * (armFrames / 3)) % armFrames;
    const picture = `${clipName(clip)}-${frame}.png`;
    writeFileSync(
      join(images, picture),
      readFileSync(join(clipFolder(folder, clip), `${String(frame).padStart(3, '0')}.png`)),
    );
    const points = truth[clip][frame].map(({ x, y }) => [x / armSize.width, y / armSize.height]);
    annotations.push({ picture, points });
  }
  const points = join(images, 'points.json');
  writeFileSync(points, JSON.stringify({ names: armNames, connections: armConnections, annotations }));
  return { images, points };
};

const trainModel = async (work: Work): Promise<string> => {
  const out = join(work.folder, 'model');
  await dve(
    ...['train', '--videos', join(work.folder, 'train'), '--roi', 'boxes', writeBoxes(work), '--out', out],
    ...(given.steps === undefined ? [] : ['--steps', given.steps]),
    ...(given.config === undefined ? [] : ['--config', given.config]),
  );
  return out;
};

const main = async (): Promise<void> => {
  const work = await drawClips(given.work ?? mkdtempSync(join(tmpdir(), 'dve-arm-')));
  const model = given.model ?? (await trainModel(work));
  const clicked = clickPictures(work, Number(given.pictures));
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
    const labels = work.truth[clip].map((points, frame): LabelledFrame => ({ frame, points }));
    const out = join(work.folder, `tracks-${clip}.json`);
    const options = given.options === '' ? [] : given.options.split(' ');
    await dve(
      ...[
        'track',
        clipFolder(work.folder, clip),
        '--model',
        model,
        '--landmarks',
        set,
        '--out',
        out,
        ...options,
      ],
    );
    methods.tracked.push({ tracks: await readTracks(out, armNames.length), labels });
    methods['match alone'].push({ tracks: readRaw(out), labels });
    const flows = await chain(drawArmClip(clip).frames, work.truth[clip][0], { ownFlow, lucasKanade });
    methods['flow, chained'].push({ tracks: flows.ownFlow, labels });
    methods['Lucas–Kanade'].push({ tracks: flows.lucasKanade, labels });
  }
  printHead(armNames);
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

await main();
