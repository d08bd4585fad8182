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
