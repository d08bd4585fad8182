import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabelledFrame } from '../evaluation/evaluate-points.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import { openVideo } from '../media-node/open-video.ts';
import { createSvgCanvas } from './svg-canvas.ts';
import { loadSharp } from '../media-node/sharp.ts';

/** Labels green, tracked points red, and a line from one to the other. */
const drawMisses = (
  size: Size,
  labels: readonly (Point | undefined)[],
  found: readonly Point[] | undefined,
): string => {
  const canvas = createSvgCanvas(size.width, size.height);
  const { context } = canvas;
  const unit = Math.max(size.width, size.height) / 320;
  context.lineWidth = 1.2 * unit;
  labels.forEach((label, n) => {
    if (label === undefined) return;
    const place = found?.[n];
    if (place !== undefined) {
      context.strokeStyle = 'yellow';
      context.beginPath();
      context.moveTo(label.x, label.y);
      context.lineTo(place.x, place.y);
      context.stroke();
      context.fillStyle = 'red';
      context.beginPath();
      context.arc(place.x, place.y, 2 * unit, 0, 2 * Math.PI);
      context.fill();
    }
    context.fillStyle = 'lime';
    context.beginPath();
    context.arc(label.x, label.y, 2 * unit, 0, 2 * Math.PI);
    context.fill();
  });
  return canvas.toSvg();
};

/**
 * Writes some frames of a video as pictures, with labels and tracked points drawn in.
 * @param frames labelled ones, the worst first: their place is in the file names
 * @param tracks (frames) pixels
 * @returns paths of the pictures
 */
export const writeWorstFrames = async (
  video: string,
  folder: string,
  frames: readonly LabelledFrame[],
  tracks: readonly (readonly Point[] | undefined)[],
): Promise<string[]> => {
  const sharp = await loadSharp('--worst');
  await mkdir(folder, { recursive: true });
  const reader = await openVideo(video);
  const { width, height, stored } = reader;
  const written: string[] = [];
  try {
    const last = Math.max(...frames.map(({ frame }) => frame));
    for await (const { index, rgb } of reader.frames) {
      const rank = frames.findIndex(({ frame }) => frame === index);
      if (rank >= 0) {
        const path = join(folder, `${String(rank + 1).padStart(2, '0')}-frame-${index}.png`);
        const drawing = drawMisses(stored, frames[rank].points, tracks.at(index));
        await sharp(rgb, { raw: { width, height, channels: 3 } })
          .resize(stored.width, stored.height, { fit: 'fill' })
          .composite([{ input: Buffer.from(drawing) }])
          .png()
          .toFile(path);
        written.push(path);
      }
      if (index >= last) break;
    }
  } finally {
    await reader.close();
  }
  return written.sort();
};
