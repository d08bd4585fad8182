/**
 * Faces that are hard to find: under a drawn mask, behind drawn dark glasses, turned on their side and upside down. How many of
 * the same photographs are found, at the right place.
 *
 *     npx tsx test/bench/hard-faces.ts [--model DIR] [--precision fp32|int8] [--faces N] [--save DIR]
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { isRightPlace } from '../../src/evaluation/track-accuracy.ts';
import type { Point } from '../../src/geometry/coordinates.ts';
import type { PixelImage } from '../../src/pipeline/crop.ts';
import { openTracker, savePicture } from './picture-tracker.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const helen = join(process.env.DVE_DATA ?? join(root, '..', 'shared', 'data'), 'eval', 'helen');
const { values: given } = parseArgs({
  options: {
    model: { type: 'string', default: join(root, 'models', 'face') },
    precision: { type: 'string', default: 'fp32' },
    faces: { type: 'string', default: '100' },
    save: { type: 'string' },
  },
});

/** Frames of the same picture in which it may be found, as of a face that keeps still. */
const frames = 15;

type Face = { image: string; landmarks: [number, number][] };
type Change = {
  name: string;
  /** What is drawn over the face, SVG. */ cover?: (points: readonly Point[]) => string;
  /** Quarter turns, clockwise. */ quarters?: number;
};

const polygon = (points: readonly Point[], colour: string): string =>
  `<polygon points="${points.map(({ x, y }) => `${x},${y}`).join(' ')}" fill="${colour}"/>`;

/** From the bridge of the nose along the cheeks and the jaw. */
const maskOf =
  (colour: string) =>
  (points: readonly Point[]): string =>
    polygon([points[28], ...points.slice(1, 16)], colour);

const glassesOf = (points: readonly Point[]): string =>
  [36, 42]
    .map((first) => {
      const eye = points.slice(first, first + 6);
      const [left, right] = [Math.min(...eye.map(({ x }) => x)), Math.max(...eye.map(({ x }) => x))];
      const y = eye.reduce((sum, point) => sum + point.y, 0) / eye.length;
      const radius = 0.85 * (right - left);
      return `<ellipse cx="${(left + right) / 2}" cy="${y}" rx="${radius}" ry="${0.8 * radius}" fill="#101014"/>`;
    })
    .join('');

const changes: readonly Change[] = [
  { name: 'as they are' },
  { name: 'light mask', cover: maskOf('#bcd3e4') },
  { name: 'black mask', cover: maskOf('#141418') },
  { name: 'dark glasses', cover: glassesOf },
  { name: 'on their side', quarters: 1 },
  { name: 'upside down', quarters: 2 },
];

const turned = ({ x, y }: Point, quarters: number, side: number): Point =>
  Array.from({ length: quarters }).reduce<Point>((point) => ({ x: side - point.y, y: point.x }), { x, y });

const changed = async (
  face: Face,
  { cover, quarters = 0 }: Change,
): Promise<{ picture: PixelImage; points: Point[] }> => {
  const points = face.landmarks.map(([x, y]) => ({ x, y }));
  const path = join(helen, face.image);
  const { width, height } = await sharp(path).metadata();
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${cover?.(points) ?? ''}</svg>`;
  const covered = await sharp(path)
    .composite([{ input: Buffer.from(svg) }])
    .png()
    .toBuffer();
  const { data, info } = await sharp(covered)
    .rotate(90 * quarters)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return {
    picture: { width: info.width, height: info.height, data: new Uint8Array(data), channels: 3 },
    points: points.map((point) => turned(point, quarters, width)),
  };
};

const main = async (): Promise<void> => {
  const { items } = JSON.parse(readFileSync(join(helen, 'landmarks.json'), 'utf8')) as { items: Face[] };
  const count = Number(given.faces);
  const faces = Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]);
  const opened = await openTracker(given.model, given.precision);
  for (const change of changes) {
    let [found, elsewhere] = [0, 0];
    for (const face of faces) {
      const { picture, points } = await changed(face, change);
      const tracker = opened.createTracker();
      let result = await tracker.step(picture, 0);
      for (let t = 1; t < frames && result.status !== 'tracking'; t++)
        result = await tracker.step(picture, t / 30);
      if (result.status !== 'tracking') continue;
      const isRight = isRightPlace(result.landmarks, points);
      if (isRight) found++;
      else elsewhere++;
      if (given.save === undefined) continue;
      mkdirSync(given.save, { recursive: true });
      const name = `${change.name} ${isRight ? 'right' : 'wrong'} ${face.image.replace(/\W/g, '-')}.jpg`;
      await savePicture(join(given.save, name), picture, result);
    }
    console.log(`${change.name.padEnd(14)} ${found} of ${count} found, ${elsewhere} something else`);
  }
  await opened.session.close();
};

await main();
