import type { Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { UsageError } from './arguments.ts';

/**
 * Reads a square from a command line: `x,y,size` or `x,y,size,degrees`, centre and size in pixels.
 * @param option how the error calls it
 * @throws UsageError
 */
export const readRoi = (text: string, option: string): Roi => {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  const [x, y, size, degrees = 0] = numbers;
  const fits = (numbers.length === 3 || numbers.length === 4) && numbers.every(Number.isFinite) && size > 0;
  if (!fits) {
    throw new UsageError(
      `--${option} wants x,y,size or x,y,size,degrees (centre and side of a square, pixels), not "${text}".`,
    );
  }
  return { center: { x, y }, size, rotation: (degrees * Math.PI) / 180 };
};

/** Where somebody says that an object is: a square as a tracker has it, a box around the object, or the whole frame. */
export type Region =
  | { kind: 'square'; roi: Roi }
  | { kind: 'box'; /** x0, y0, x1, y1, pixels. */ box: readonly [number, number, number, number] }
  | { kind: 'frame' };

/**
 * Reads a region from a command line: `frame`, `x0,y0,x1,y1` (a box) or `x,y,size` (centre and side of a square), pixels.
 * @throws UsageError
 */
export const readRegion = (text: string, option: string): Region => {
  if (text === 'frame') return { kind: 'frame' };
  const numbers = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  const [x0, y0, x1, y1] = numbers;
  if (numbers.every(Number.isFinite)) {
    if (numbers.length === 3 && x1 > 0) {
      return { kind: 'square', roi: { center: { x: x0, y: y0 }, size: x1, rotation: 0 } };
    }
    if (numbers.length === 4 && x1 > x0 && y1 > y0) return { kind: 'box', box: [x0, y0, x1, y1] };
  }
  throw new UsageError(
    `--${option} wants frame, x0,y0,x1,y1 (a box, left and top first) or x,y,size (centre and side of a square), pixels, not "${text}".`,
  );
};

/**
 * The square in which a tracker begins.
 * @param margin side of the square over the object's
 * @param size of the frame, in the unit of the region
 */
export const roiOfRegion = (region: Region, margin: number, { width, height }: Size): Roi => {
  if (region.kind === 'square') return region.roi;
  const [x0, y0, x1, y1] = region.kind === 'box' ? region.box : [0, 0, width, height];
  // The object fills a box, and has room in the frame.
  const room = region.kind === 'box' ? margin : 1;
  const center = { x: (x0 + x1) / 2, y: (y0 + y1) / 2 };
  return { center, size: room * Math.max(x1 - x0, y1 - y0), rotation: 0 };
};
