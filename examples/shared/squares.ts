/** Squares of pictures, as a model sees them: turned ones too. */
import type { Correspondence } from 'dve-sdk/pictures';

export type Place = { x: number; y: number };
/** Centre and side in pixels of the picture, rotation clockwise on screen. */
export type Square = Correspondence['from'];

/** A place of a square, its sides 1, in the picture. */
export const toPicture = ({ center, size, rotation }: Square, { x, y }: Place): Place => {
  const [c, s, u, v] = [Math.cos(rotation), Math.sin(rotation), size * (x - 0.5), size * (y - 0.5)];
  return { x: center.x + c * u - s * v, y: center.y + s * u + c * v };
};
/** A place of the picture in a square, whose sides are 1. */
export const toSquare = ({ center, size, rotation }: Square, { x, y }: Place): Place => {
  const [c, s, u, v] = [Math.cos(rotation), Math.sin(rotation), (x - center.x) / size, (y - center.y) / size];
  return { x: 0.5 + c * u + s * v, y: 0.5 - s * u + c * v };
};

/** Cuts a square out, upright, as large as the canvas. */
export const cut = (
  canvas: OffscreenCanvas,
  picture: CanvasImageSource,
  { center, size, rotation }: Square,
): void => {
  const { width: side } = canvas;
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.resetTransform();
  context.fillRect(0, 0, side, side);
  context.translate(side / 2, side / 2);
  context.scale(side / size, side / size);
  context.rotate(-rotation);
  context.drawImage(picture, -center.x, -center.y);
};
