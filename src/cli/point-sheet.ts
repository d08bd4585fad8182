import { writeFileAtomic } from '../files-node/atomic-file.ts';
import { imageToCrop } from '../geometry/roi.ts';
import { cropToTensor } from '../pipeline/crop.ts';
import type { SetPicture } from '../landmark-maker/set-request.ts';
import { loadSharp } from '../media-node/sharp.ts';

/** Side of one crop, pixels. */
const side = 192;
const columns = 4;

/** Writes the objects of some pictures side by side, each landmark in a colour of its own, for looking at. */
export const writePointSheet = async (path: string, pictures: readonly SetPicture[]): Promise<void> => {
  const sharp = await loadSharp('--overlay');
  const dots: string[] = [];
  const tiles: { input: Buffer; left: number; top: number }[] = [];
  for (const [index, { image, points, roi }] of pictures.entries()) {
    if (roi === undefined) continue;
    const [left, top] = [side * (index % columns), side * Math.floor(index / columns)];
    const planes = cropToTensor(image, roi, side);
    const rgb = Buffer.alloc(3 * side * side);
    for (let i = 0; i < side * side; i++) {
      for (let c = 0; c < 3; c++) rgb[3 * i + c] = Math.round(255 * planes[c * side * side + i]);
    }
    const input = await sharp(rgb, { raw: { width: side, height: side, channels: 3 } })
      .png()
      .toBuffer();
    tiles.push({ input, left, top });
    points.forEach((point, n) => {
      if (point === null) return;
      const { x, y } = imageToCrop(point, roi, side);
      const color = `hsl(${Math.round((360 * n) / points.length)} 95% 55%)`;
      dots.push(
        `<circle cx="${(left + x).toFixed(1)}" cy="${(top + y).toFixed(1)}" r="3" fill="${color}" stroke="black"/>`,
      );
    });
  }
  const width = side * Math.min(columns, pictures.length);
  const height = side * Math.ceil(pictures.length / columns);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${dots.join('')}</svg>`;
  const picture = await sharp({ create: { width, height, channels: 3, background: '#202020' } })
    .composite([...tiles, { input: Buffer.from(svg), left: 0, top: 0 }])
    .png()
    .toBuffer();
  await writeFileAtomic(path, picture);
};
