import { augmentPhotometric } from '../../augment/photometric.ts';
import type { Random } from '../../augment/random.ts';
import type { BatchSettings } from '../settings/batch-settings.ts';
import type { GridMap } from '../views/grid-map.ts';
import type { Picture, PictureSet } from '../views/pictures.ts';
import { createSamplePositions, fillSamplePositions, renderPicture } from '../views/render.ts';
import type { View } from '../views/warps.ts';
import type { Clutter } from './clutter.ts';

/** What a view shows. */
export type ViewSource = {
  set: PictureSet;
  picture: Picture;
  map: GridMap;
  /** (H, W) of the picture, 0 background to 255 object: it is shown before another background. */
  matte?: Uint8Array | undefined;
};

/**
 * Renders one view of a picture as the network sees it: warped, its outside filled, before another background, something
 * drawn over it now and then, its colours and sharpness changed.
 * @param image (3, S, S) out: planar RGB 0–1
 */
export type ViewRenderer = (source: ViewSource, image: Float32Array, random: Random) => View;

/** How much of a place is object by a matte, 0–1: bilinear between pixel centres, nothing outside of the picture. */
const matteAt = (matte: Uint8Array, { width, height }: Picture, x: number, y: number): number => {
  if (x < 0 || y < 0 || x > width || y > height) return 0;
  const px = Math.min(width - 1, Math.max(0, x - 0.5));
  const py = Math.min(height - 1, Math.max(0, y - 0.5));
  const [column, row] = [Math.floor(px), Math.floor(py)];
  const [u, v] = [px - column, py - row];
  const a = row * width + column;
  const right = column < width - 1 ? 1 : 0;
  const down = row < height - 1 ? width : 0;
  const upper = matte[a] + u * (matte[a + right] - matte[a]);
  const lower = matte[a + down] + u * (matte[a + down + right] - matte[a + down]);
  return (upper + v * (lower - upper)) / 255;
};

/** An upright or turned rectangle or ellipse. @returns whether the centre of a pixel lies on it */
const drawShape = (
  size: number,
  [least, greatest]: readonly [number, number],
  random: Random,
): ((column: number, row: number) => boolean) => {
  const halfWidth = (size / 2) * random.uniform(least, greatest);
  const halfHeight = (size / 2) * random.uniform(least, greatest);
  const centerX = random.uniform(0, size);
  const centerY = random.uniform(0, size);
  const angle = random.uniform(0, Math.PI);
  const round = random.chance(0.5);
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  return (column, row) => {
    const dx = column + 0.5 - centerX;
    const dy = row + 0.5 - centerY;
    const u = (cos * dx + sin * dy) / halfWidth;
    const v = (cos * dy - sin * dx) / halfHeight;
    return round ? u * u + v * v <= 1 : Math.abs(u) <= 1 && Math.abs(v) <= 1;
  };
};

/** @param clutter paints what is drawn over a view, behind its object, and beyond the edge of its picture */
export const createViewRenderer = (
  settings: BatchSettings,
  { paintPatch, paintBackdrop }: Pick<Clutter, 'paintPatch' | 'paintBackdrop'>,
): ViewRenderer => {
  const size = settings.inputSize;
  const plane = size * size;
  const positions = createSamplePositions(size);
  const patch = new Float32Array(3 * plane);
  const copyFromPatch = (image: Float32Array, pixel: number): void => {
    for (let channel = 0; channel < 3; channel++) {
      image[channel * plane + pixel] = patch[channel * plane + pixel];
    }
  };

  /** Replaces what lies beyond the picture's edge, so that the edge itself teaches nothing. */
  const fillOutside = (image: Float32Array, { width, height }: Picture, random: Random): void => {
    // A third keeps the repeated edge pixels that rendering leaves there.
    if (random.chance(0.33)) return;
    let painted = false;
    for (let pixel = 0; pixel < plane; pixel++) {
      const x = positions.x[pixel];
      const y = positions.y[pixel];
      if (x >= 0 && y >= 0 && x <= width && y <= height) continue;
      if (!painted) paintPatch(patch, random.split(1));
      painted = true;
      copyFromPatch(image, pixel);
    }
  };

  /** Draws something over the crop and marks its pixels. */
  const drawOccluder = (image: Float32Array, occluded: Uint8Array, random: Random): void => {
    const covers = drawShape(size, settings.occlusion.size, random);
    paintPatch(patch, random);
    for (let pixel = 0; pixel < plane; pixel++) {
      if (!covers(pixel % size, Math.floor(pixel / size))) continue;
      occluded[pixel] = 1;
      copyFromPatch(image, pixel);
    }
  };

  /** Puts another background behind the object; its pixels are marked as the object's are where it is hidden. */
  const replaceBackground = (
    image: Float32Array,
    occluded: Uint8Array,
    picture: Picture,
    matte: Uint8Array,
    random: Random,
  ): void => {
    paintBackdrop(patch, random);
    for (let pixel = 0; pixel < plane; pixel++) {
      const share = matteAt(matte, picture, positions.x[pixel], positions.y[pixel]);
      if (share < 0.5) occluded[pixel] = 1;
      for (let channel = 0; channel < 3; channel++) {
        const at = channel * plane + pixel;
        image[at] = patch[at] + share * (image[at] - patch[at]);
      }
    }
  };

  return ({ set, picture, map, matte }, image, random) => {
    const occluded = new Uint8Array(plane);
    fillSamplePositions(map, positions);
    const levelShift = random.uniform(-0.5, 1) * settings.softness;
    renderPicture(set, picture, map, positions, levelShift, image);
    fillOutside(image, picture, random.split(1));
    if (matte) replaceBackground(image, occluded, picture, matte, random.split(4));
    if (random.chance(settings.occlusion.share)) drawOccluder(image, occluded, random.split(2));
    augmentPhotometric(image, size, settings.photometric, random.split(3));
    return { map, width: picture.width, height: picture.height, occluded };
  };
};
