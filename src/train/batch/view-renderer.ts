import { augmentPhotometric } from '../../augment/photometric.ts';
import type { Random } from '../../augment/random.ts';
import type { BatchSettings } from '../settings/batch-settings.ts';
import type { GridMap } from '../views/grid-map.ts';
import type { Picture, PictureSet } from '../views/pictures.ts';
import { createSamplePositions, fillSamplePositions, renderPicture } from '../views/render.ts';
import type { View } from '../views/warps.ts';
import type { Paint } from './clutter.ts';

/**
 * Renders one view of a picture as the network sees it: warped, its outside filled, something drawn over it now and
 * then, its colours and sharpness changed.
 * @param image (3, S, S) out: planar RGB 0–1
 */
export type ViewRenderer = (
  set: PictureSet,
  picture: Picture,
  map: GridMap,
  image: Float32Array,
  random: Random,
) => View;

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

/** @param paintPatch paints what is drawn over a view and beyond the edge of its picture */
export const createViewRenderer = (settings: BatchSettings, paintPatch: Paint): ViewRenderer => {
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

  return (set, picture, map, image, random) => {
    const occluded = new Uint8Array(plane);
    fillSamplePositions(map, positions);
    const levelShift = random.uniform(-0.5, 1) * settings.softness;
    renderPicture(set, picture, map, positions, levelShift, image);
    fillOutside(image, picture, random.split(1));
    if (random.chance(settings.occlusion.share)) drawOccluder(image, occluded, random.split(2));
    augmentPhotometric(image, size, settings.photometric, random.split(3));
    return { map, width: picture.width, height: picture.height, occluded };
  };
};
