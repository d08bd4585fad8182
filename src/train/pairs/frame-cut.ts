/** Squares of a video's frames: where they lie, and how they are cut out. */
import type { Size } from '../../geometry/coordinates.ts';
import { cropToImage, type Roi } from '../../geometry/roi.ts';
import { rgbToGray, type GrayImage } from '../../flow/optical-flow.ts';
import type { RawPicture } from '../../media/raw-picture.ts';
import type { RgbFrame } from '../../media/video-reader.ts';
import { cropToTensor } from '../../pipeline/crop.ts';

export const scaleRoi = ({ center, size, rotation }: Roi, scale: number): Roi => ({
  center: { x: center.x * scale, y: center.y * scale },
  size: size * scale,
  rotation,
});

export type Cut = { picture: RawPicture; gray: GrayImage };

/** Cuts a square out of a frame, as the training and the tracker do. */
export const cutFrame = (path: string, frame: RgbFrame, size: Size, roi: Roi, side: number): Cut => {
  const image = { data: frame.rgb, width: size.width, height: size.height, channels: 3 as const };
  const planes = cropToTensor(image, roi, side);
  const area = side * side;
  const rgb = new Uint8Array(3 * area);
  for (let i = 0; i < area; i++) {
    for (let channel = 0; channel < 3; channel++) {
      rgb[3 * i + channel] = Math.round(255 * planes[channel * area + i]);
    }
  }
  return {
    picture: { file: `${path}#${frame.index}`, width: side, height: side, rgb },
    gray: rgbToGray(rgb, side, side),
  };
};

/** Pixels between those that are looked at for where something moves. */
const STRIDE = 4;

/**
 * The largest upright square of a frame, moved along its longer side to where the two frames differ most; in the
 * middle where they do not differ.
 */
export const busiestSquare = (a: Uint8Array, b: Uint8Array, { width, height }: Size): Roi => {
  const size = Math.min(width, height);
  const wide = width >= height;
  const length = Math.max(width, height);
  const change = new Float64Array(Math.ceil(length / STRIDE));
  for (let y = 0; y < height; y += STRIDE) {
    for (let x = 0; x < width; x += STRIDE) {
      const green = (y * width + x) * 3 + 1;
      const difference = Math.abs(a[green] - b[green]);
      // Noise differs everywhere.
      if (difference > 8) change[(wide ? x : y) / STRIDE] += difference;
    }
  }
  const span = Math.floor(size / STRIDE);
  const middle = (change.length - span) / 2;
  let sum = 0;
  for (let i = 0; i < span; i++) sum += change[i];
  let best = { sum: -1, start: 0 };
  for (let start = 0; start + span <= change.length; start++) {
    const closer = Math.abs(start - middle) < Math.abs(best.start - middle);
    if (sum > best.sum || (sum === best.sum && closer)) best = { sum, start };
    sum += (change[start + span] ?? 0) - change[start];
  }
  const along = Math.min(length - size / 2, Math.max(size / 2, best.start * STRIDE + size / 2));
  const across = size / 2;
  return { center: wide ? { x: along, y: across } : { x: across, y: along }, size, rotation: 0 };
};

/** (side, side): 1 where a cut square lies within its frame, 0 where the cut repeats the frame's edge. */
export const insideFrame = (roi: Roi, side: number, { width, height }: Size): Uint8Array =>
  Uint8Array.from({ length: side * side }, (_, i) => {
    const { x, y } = cropToImage({ x: (i % side) + 0.5, y: Math.floor(i / side) + 0.5 }, roi, side);
    return x >= 0 && y >= 0 && x <= width && y <= height ? 1 : 0;
  });
