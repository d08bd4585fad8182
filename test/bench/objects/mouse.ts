/**
 * A mouse in a box, seen from the side and, in a mirror, from below: trained on its one clip without a label, 20 pictures of
 * the same set-up marked, measured on the other 25 by themselves, each from the whole frame.
 *
 *     npx tsx test/bench/objects/mouse.ts [--work DIR] [--steps N] [--model DIR] [--stills DIR] [--without-stills] [--json]
 *
 * Without --model and --stills two networks are trained there by `dve train`: on the clip, and for comparison on single
 * frames of it, in which nothing moves. Hidden points are left out. The data lie beside the project (DVE_DATA).
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { readLandmarkSet } from '../../../src/cli/track-input.ts';
import { withModel } from '../../../src/cli/model-options.ts';
import type { LabelledFrame } from '../../../src/evaluation/evaluate-points.ts';
import type { Point } from '../../../src/geometry/coordinates.ts';
import { decodePicture } from '../../../src/media-node/decode-picture.ts';
import { openVideo } from '../../../src/media-node/open-video.ts';
import type { PixelImage } from '../../../src/pipeline/crop.ts';
import { lookClosely, refineLook, type EmbeddedLook } from '../../../src/pipeline/look.ts';
import { createPictureCropper } from '../../../src/pipeline/picture-cropper.ts';
import { settle } from '../../../src/pipeline/settle.ts';
import { dve, printFollowed, printHead, root } from './commands.ts';

const data = process.env.DVE_DATA ?? join(root, '..', 'shared', 'data');
const pictures = join(data, 'eval', 'mouse');
const clips = join(data, 'train', 'videos-mouse');

const { values: given } = parseArgs({
  options: {
    work: { type: 'string' },
    steps: { type: 'string' },
    model: { type: 'string' },
    /** A network that was trained on single frames. */ stills: { type: 'string' },
    'without-stills': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

type Labels = { names: string[]; items: { image: string; landmarks: ([number, number] | null)[] }[] };

const marked = 20;
/** Single frames that the comparison is trained on. */
const frameCount = 200;

/** Every other picture is marked, and of the rest every other one, until there are enough: both kinds from all of them. */
const split = ({ items }: Labels): { references: Labels['items']; tests: Labels['items'] } => {
  const isMarked = (_: unknown, i: number): boolean =>
    Math.floor(((i + 1) * marked) / items.length) > Math.floor((i * marked) / items.length);
  return { references: items.filter(isMarked), tests: items.filter((item, i) => !isMarked(item, i)) };
};

const writeReferences = (folder: string, { names }: Labels, items: Labels['items']): string => {
  const images = join(folder, 'marked');
  mkdirSync(images, { recursive: true });
  for (const { image } of items) copyFileSync(join(pictures, image), join(images, image));
  writeFileSync(join(images, 'points.json'), JSON.stringify({ names, items }));
  return images;
};

/** Single frames of the clip as pictures. */
const writeFrames = async (folder: string): Promise<string> => {
  const frames = join(folder, 'frames');
  if (existsSync(frames)) return frames;
  mkdirSync(frames, { recursive: true });
  const video = await openVideo(join(clips, 'mouse.mp4'));
  try {
    const { width, height, frameCount: count = 994 } = video;
    const step = Math.max(1, Math.floor(count / frameCount));
    for await (const { rgb, index } of video.frames) {
      if (index % step !== 0) continue;
      await sharp(rgb, { raw: { width, height, channels: 3 } }).toFile(join(frames, `${index}.png`));
    }
  } finally {
    await video.close();
  }
  return frames;
};

const train = async (folder: string, name: string, from: readonly string[]): Promise<string> => {
  const out = join(folder, name);
  const steps = given.steps === undefined ? [] : ['--steps', given.steps];
  await dve('train', ...from, '--instances', 'one', '--out', out, ...steps);
  return out;
};

/** Where a network with references from marked pictures finds the points, each picture by itself. */
const findIn = async (model: string, set: string, items: Labels['items']): Promise<(readonly Point[])[]> => {
  const landmarkSet = await readLandmarkSet(set, model);
  const values = { model, precision: 'fp32', device: undefined, threads: undefined } as const;
  return withModel(values, async (session) => {
    const options = { model: session, cropper: createPictureCropper<PixelImage>(), landmarkSet };
    const clock = { now: () => 0, spent: () => undefined };
    const found: (readonly Point[])[] = [];
    for (const { image } of items) {
      const { width, height, rgb } = await decodePicture(join(pictures, image));
      const picture: PixelImage = { data: rgb, width, height, channels: 3 };
      const frame = { center: { x: width / 2, y: height / 2 }, size: Math.max(width, height), rotation: 0 };
      const look = await settle<EmbeddedLook>(
        frame,
        async (roi) => (await lookClosely(picture, [roi], options, clock))[0],
      );
      found.push(refineLook(look, look.embedding, landmarkSet, session.manifest));
    }
    return found;
  });
};

const main = async (): Promise<void> => {
  const file = join(pictures, 'landmarks.json');
  if (!existsSync(file)) {
    console.error(`The pictures are not there: ${pictures}. Set DVE_DATA.`);
    process.exitCode = 1;
    return;
  }
  const labels = JSON.parse(readFileSync(file, 'utf8')) as Labels;
  const folder = given.work ?? mkdtempSync(join(tmpdir(), 'dve-mouse-'));
  const { references, tests } = split(labels);
  const images = writeReferences(folder, labels, references);
  const truth = tests.map(({ landmarks }, frame): LabelledFrame => ({
    frame,
    points: landmarks.map((point) => (point === null ? undefined : { x: point[0], y: point[1] })),
  }));
  const networks: Record<string, () => Promise<string>> = {
    'trained on the clip': async () => given.model ?? (await train(folder, 'model', ['--videos', clips])),
    ...(!given['without-stills'] && {
      'trained on its frames': async () =>
        given.stills ?? (await train(folder, 'stills', ['--images', await writeFrames(folder)])),
    }),
  };
  printHead(labels.names);
  const report: Record<string, unknown> = {};
  for (const [name, network] of Object.entries(networks)) {
    const model = await network();
    const set = join(folder, `${name.replaceAll(' ', '-')}.json`);
    const points = join(images, 'points.json');
    await dve('landmarks', '--model', model, '--images', images, '--points', points, '--out', set);
    report[name] = printFollowed(name, { tracks: await findIn(model, set, tests), labels: truth });
  }
  if (given.json) console.log(JSON.stringify(report));
};

await main();
