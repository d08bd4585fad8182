import { writeFileAtomic } from '../files-node/atomic-file.ts';
import type { Point } from '../geometry/coordinates.ts';
import { cellPlace, type Correspondence, type MatchedPoint } from '../correspond/correspondence.ts';
import { meshMap, warpPicture } from '../correspond/warp-picture.ts';
import type { PixelImage } from '../pipeline/crop.ts';
import { loadSharp } from '../media-node/sharp.ts';

/** A place in each of the two pictures, image pixels. */
type Pair = { a: Point; b: MatchedPoint };

/** Points that were asked for, or every fourth cell that came home. */
const pairsOf = (field: Correspondence, points: readonly Point[], found: readonly MatchedPoint[]): Pair[] => {
  if (points.length > 0) return points.map((a, n) => ({ a, b: found[n] }));
  const pairs: Pair[] = [];
  for (let row = 2; row < field.rows; row += 4) {
    for (let column = 2; column < field.columns; column += 4) {
      const cell = row * field.columns + column;
      if (field.mutual[cell] === 0) continue;
      const [x, y] = field.places.subarray(2 * cell, 2 * cell + 2);
      const b = { x, y, confidence: field.confidences[cell], mutual: true };
      pairs.push({ a: cellPlace(field, column, row), b });
    }
  }
  return pairs;
};

/**
 * A picture for looking at: both pictures with dots of the same colour on what corresponds, and beside them the second
 * one brought into the shape of the first.
 */
export const writeCorrespondOverlay = async (
  path: string,
  [a, b]: readonly [PixelImage, PixelImage],
  field: Correspondence,
  points: readonly Point[],
  found: readonly MatchedPoint[],
): Promise<void> => {
  const sharp = await loadSharp('--overlay');
  const width = 2 * a.width + b.width;
  const height = Math.max(a.height, b.height);
  const pairs = pairsOf(field, points, found);
  const radius = Math.max(1.5, field.from.size / 90);
  const dots = pairs.flatMap(({ a: from, b: to }, n) => {
    const color = `hsl(${Math.round((360 * n) / pairs.length)} 90% 55%)`;
    const dot = ({ x, y }: Point, shift: number, opacity: number): string =>
      `<circle cx="${(x + shift).toFixed(2)}" cy="${y.toFixed(2)}" r="${radius.toFixed(2)}" fill="${color}" fill-opacity="${opacity}" stroke="black" stroke-width="0.5"/>`;
    return [dot(from, 0, 1), dot(to, a.width, to.mutual ? 1 : 0.35)];
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${dots.join('')}</svg>`;
  const warped = warpPicture(b, meshMap(field), a);
  const png = async ({ data, width: w, height: h, channels }: PixelImage): Promise<Buffer> =>
    sharp(data, { raw: { width: w, height: h, channels } })
      .png()
      .toBuffer();
  const picture = await sharp({ create: { width, height, channels: 3, background: '#202020' } })
    .composite([
      { input: await png(a), left: 0, top: 0 },
      { input: await png(b), left: a.width, top: 0 },
      { input: await png(warped), left: a.width + b.width, top: 0 },
      { input: Buffer.from(svg), left: 0, top: 0 },
    ])
    .png()
    .toBuffer();
  await writeFileAtomic(path, picture);
};
