/**
 * Faces of all sizes and turned both ways, pasted into scenery: how many are found, how soon, by a live stream's budget
 * and by that of `dve track`.
 *
 *     npx tsx test/bench/composites.ts [--model DIR] [--precision fp32|int8] [--faces N] [--budget N] [--frames N] [--save DIR] [--json]
 *
 * --save writes the last frame of each stream in which the face is not found or something else is.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import type { Point } from '../../src/geometry/coordinates.ts';
import { applySimilarity, createSimilarity, type Similarity } from '../../src/geometry/similarity.ts';
import { isRightPlace } from '../../src/evaluation/track-accuracy.ts';
import type { PixelImage } from '../../src/pipeline/crop.ts';
import { createRandom, type Random } from '../../src/augment/random.ts';
import { openTracker, savePicture } from './picture-tracker.ts';
import { clipScenes, streamOf } from './scenes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const data = process.env.DVE_DATA ?? join(root, '..', 'shared', 'data');
const helen = join(data, 'eval', 'helen');
const size = { width: 640, height: 480 };
/** Room for the camera's movement. */
const margin = 16;

const { values: given } = parseArgs({
  options: {
    model: { type: 'string', default: join(root, 'models', 'face') },
    precision: { type: 'string', default: 'fp32' },
    faces: { type: 'string', default: '160' },
    budget: { type: 'string', default: '6' },
    frames: { type: 'string', default: '15' },
    save: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

/** Face over the frame's short side, where one class ends and the next begins. */
const sizes = [0.08, 0.12, 0.2, 0.4, 0.8];
/** Largest rotation either way, radians. */
const maxTurn = Math.PI / 4;
const wanted = 0.95;

type Face = { image: string; landmarks: [number, number][] };
type Composite = { picture: PixelImage; points: Point[]; share: number; turn: number };

/** Where the middle of a picture of a face is opaque: an oval that takes hair and chin, softened at its rim. */
const ovalMask = (side: number, points: readonly Point[]): Uint8Array => {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const [x0, y0] = [(left + right) / 2, (top + bottom) / 2 - 0.12 * (bottom - top)];
  const [rx, ry] = [0.68 * (right - left), 0.74 * (bottom - top)];
  return Uint8Array.from({ length: side * side }, (_, i) => {
    const distance = Math.hypot(((i % side) + 0.5 - x0) / rx, (Math.floor(i / side) + 0.5 - y0) / ry);
    return 255 * Math.min(1, Math.max(0, (1.08 - distance) / 0.12));
  });
};

/** Pastes a face into a background, turned and as large as asked for. */
const compose = async (
  face: Face,
  background: PixelImage,
  { share, turn }: { share: number; turn: number },
  random: Random,
): Promise<Composite> => {
  const points = face.landmarks.map(([x, y]) => ({ x, y }));
  const { data: rgb, info } = await sharp(join(helen, face.image))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const side = info.width;
  const mask = ovalMask(side, points);
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const extent = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
  const scale = (share * size.height) / extent;
  const reach = Math.min(size.height / 2 - 2, 0.75 * share * size.height);
  const center = {
    x: margin + random.uniform(reach, size.width - reach),
    y: margin + random.uniform(reach, size.height - reach),
  };
  const middle = {
    x: (Math.max(...xs) + Math.min(...xs)) / 2,
    y: (Math.max(...ys) + Math.min(...ys)) / 2,
  };
  const linear = createSimilarity(scale, turn, { x: 0, y: 0 });
  const at = applySimilarity(linear, middle);
  const toFrame: Similarity = { ...linear, x0: center.x - at.x, y0: center.y - at.y };

  // By sharp, which reduces without aliasing: the face with its mask, scaled and turned about its own middle.
  const rgba = new Uint8Array(side * side * 4);
  for (let i = 0; i < side * side; i++) rgba.set([...rgb.subarray(3 * i, 3 * i + 3), mask[i]], 4 * i);
  const scaled = Math.max(8, Math.round(side * scale));
  const small = await sharp(rgba, { raw: { width: side, height: side, channels: 4 } })
    .resize(scaled, scaled)
    .png()
    .toBuffer();
  const turned = await sharp(small)
    .rotate((turn * 180) / Math.PI, { background: { r: 0, g: 0, b: 0, alpha: 0 } })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const pasted = new Uint8Array(background.data);
  const ofMiddle = applySimilarity(toFrame, { x: side / 2, y: side / 2 });
  const left = Math.round(ofMiddle.x - turned.info.width / 2);
  const top = Math.round(ofMiddle.y - turned.info.height / 2);
  for (let row = 0; row < turned.info.height; row++) {
    for (let column = 0; column < turned.info.width; column++) {
      const [x, y] = [left + column, top + row];
      if (x < 0 || y < 0 || x >= background.width || y >= background.height) continue;
      const from = (row * turned.info.width + column) * 4;
      const to = (y * background.width + x) * 3;
      const cover = turned.data[from + 3] / 255;
      for (let c = 0; c < 3; c++) pasted[to + c] += cover * (turned.data[from + c] - pasted[to + c]);
    }
  }
  return {
    picture: { ...background, data: pasted },
    points: points.map((point) => applySimilarity(toFrame, point)),
    ...{ share, turn },
  };
};

type Outcome = { isFound: boolean; first: number; composite: Composite };

const main = async (): Promise<void> => {
  const { items } = JSON.parse(readFileSync(join(helen, 'landmarks.json'), 'utf8')) as { items: Face[] };
  const count = Number(given.faces);
  const frames = Number(given.frames);
  const large = { width: size.width + 2 * margin, height: size.height + 2 * margin };
  const backgrounds = (await clipScenes(data, large, 1)).map(({ frames: [frame] }) => frame);
  const opened = await openTracker(given.model, given.precision);
  const outcomes: Outcome[] = [];
  for (let index = 0; index < count; index++) {
    const random = createRandom(11, index);
    const face = items[Math.floor((index * items.length) / count)];
    const span = Math.log(sizes[sizes.length - 1] / sizes[0]);
    // Evenly in the logarithm, so that every class has as many per octave.
    const share = sizes[0] * Math.exp((span * (((index * 37) % count) + 0.5)) / count);
    const turn = random.uniform(-maxTurn, maxTurn);
    const background = backgrounds[random.int(backgrounds.length)];
    const composite = await compose(face, background, { share, turn }, random);
    const stream = streamOf(composite.picture, size, 1, random);
    const tracker = opened.createTracker({ searchBudget: Number(given.budget) });
    let outcome: Outcome = { isFound: false, first: -1, composite };
    for (let t = 0; t < frames; t++) {
      // The same picture with fresh noise; it stays where it is, so that the truth does.
      const [frame] = t === 0 ? stream : streamOf(stream[0], size, 1, random.split(t));
      const result = await tracker.step(frame, t / 30);
      const isLast = t === frames - 1;
      if (result.status !== 'tracking' && !isLast) continue;
      if (result.status === 'tracking') {
        const shift = { x: -margin, y: -margin };
        const truth = composite.points.map(({ x, y }) => ({ x: x + shift.x, y: y + shift.y }));
        outcome = { isFound: isRightPlace(result.landmarks, truth), first: t, composite };
      }
      if (!outcome.isFound && given.save !== undefined) {
        mkdirSync(given.save, { recursive: true });
        await savePicture(join(given.save, `${index}-${share.toFixed(2)}.jpg`), frame, result);
      }
      break;
    }
    outcomes.push(outcome);
  }
  await opened.session.close();

  const shareOf = (some: readonly Outcome[]): number =>
    some.filter(({ isFound }) => isFound).length / some.length;
  const rows = sizes.slice(1).map((to, i) => {
    const some = outcomes.filter(({ composite: { share } }) => share >= sizes[i] && share < to);
    const times = some.flatMap(({ isFound, first }) => (isFound ? [first + 1] : [])).sort((a, b) => a - b);
    const wrong = some.filter(({ isFound, first }) => !isFound && first >= 0).length;
    return {
      size: `${Math.round(100 * sizes[i])}–${Math.round(100 * to)} %`,
      ...{ faces: some.length, found: shareOf(some), wrong },
      median_frames: times.length === 0 ? null : times[times.length >> 1],
    };
  });
  const turned = (least: number, most: number): number =>
    shareOf(outcomes.filter(({ composite: { turn } }) => Math.abs(turn) >= least && Math.abs(turn) < most));
  const quarter = maxTurn / 3;
  const byTurn = [0, 1, 2].map((k) => turned(k * quarter, (k + 1) * quarter + 1e-9));
  if (given.json) {
    console.log(JSON.stringify({ found: shareOf(outcomes), faces: count, sizes: rows, by_turn: byTurn }));
    return;
  }
  console.log(`${given.budget} looks a frame, at most ${frames} frames\n`);
  console.log('face / short side   faces   found   elsewhere   frames (median)');
  for (const { size: name, faces, found, wrong, median_frames: median } of rows) {
    const share = `${(100 * found).toFixed(1)} %`;
    console.log(
      `${name.padEnd(17)}${String(faces).padStart(8)}${share.padStart(8)}${String(wrong).padStart(12)}${String(median).padStart(18)}`,
    );
  }
  const [little, some, much] = byTurn.map((share) => `${(100 * share).toFixed(1)} %`);
  console.log(`\nturned up to 15°: ${little}, up to 30°: ${some}, up to 45°: ${much}`);
  console.log(`all: ${(100 * shareOf(outcomes)).toFixed(1)} %; wanted: ${100 * wanted} %`);
};

if (existsSync(helen)) await main();
else {
  console.error(`The pictures are not there: ${helen}. Set DVE_DATA.`);
  process.exitCode = 1;
}
