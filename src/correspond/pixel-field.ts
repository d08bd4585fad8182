/** The dense field at full resolution: a place for every pixel of the first picture. */
import { InputError } from '../errors.ts';
import { pointToCell, type Point, type Size } from '../geometry/coordinates.ts';
import { cropToImage, imageToCrop } from '../geometry/roi.ts';
import { cellPlace, type Correspondence } from './correspondence.ts';

/** Where each pixel of the first picture is found in the second. Plain data. */
export type PixelField = Size & {
  /** (height·width, 2) x and y in the second picture, image pixels; NaN outside of the field's square. */
  places: Float32Array;
  /** (height·width) as in {@link Correspondence}; 0 outside of the square. */ confidences: Float32Array;
  /** (height·width) 1 where most of the cells around are mutual, each counted the more the nearer it is. */
  mutual: Uint8Array;
};

/** Pixels at most: what follows would not fit into the memory of a page. */
const mostPixels = 1e8;

/** From the columns and rows of the first picture to what the squares alone say of the second. */
const squareStep = ({ from, to }: Correspondence, dx: number, dy: number): Point => {
  const turn = to.rotation - from.rotation;
  const scale = to.size / from.size;
  return {
    x: scale * (Math.cos(turn) * dx - Math.sin(turn) * dy),
    y: scale * (Math.sin(turn) * dx + Math.cos(turn) * dy),
  };
};

/** Columns and rows of pixels whose centres can lie in the square. */
const boundsOf = ({ from }: Correspondence, { width, height }: Size) => {
  const corners = [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ].map(([x, y]) => cropToImage({ x, y }, from, 1));
  const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
  return {
    left: Math.max(0, Math.floor(Math.min(...xs))),
    right: Math.min(width, Math.ceil(Math.max(...xs))),
    top: Math.max(0, Math.floor(Math.min(...ys))),
    bottom: Math.min(height, Math.ceil(Math.max(...ys))),
  };
};

/**
 * Brings a field from its cells to every pixel of the first picture: bilinear between the four nearest cells. Where some of
 * them are mutual and others are not, only the mutual ones count, each carried on as the squares lie to each other, so that
 * nothing is averaged over an edge or with a cell that was matched wrongly.
 * @param field of `correspond()`
 * @param size of the first picture, pixels
 * @throws InputError for a size that is none
 */
export const pixelField = (field: Correspondence, { width, height }: Size): PixelField => {
  const whole = [width, height].every((side) => Number.isInteger(side) && side > 0);
  if (!whole || width * height > mostPixels) {
    throw new InputError(
      `pixelField() got the size ${width}×${height}. Give that of the first picture, whole pixels, ${mostPixels} at most.`,
    );
  }
  const { columns, rows, from } = field;
  const result: PixelField = {
    ...{ width, height },
    places: new Float32Array(2 * width * height).fill(NaN),
    confidences: new Float32Array(width * height),
    mutual: new Uint8Array(width * height),
  };
  const { left, right, top, bottom } = boundsOf(field, { width, height });
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const point = { x: column + 0.5, y: row + 0.5 };
      const inside = imageToCrop(point, from, columns);
      if (!(inside.x >= 0 && inside.y >= 0 && inside.x <= columns && inside.y <= rows)) continue;
      setPixel(result, row * width + column, field, point, inside);
    }
  }
  return result;
};

/** @param inside the point, in cells of the field from its corner */
const setPixel = (
  { places, confidences, mutual }: PixelField,
  pixel: number,
  field: Correspondence,
  point: Point,
  inside: Point,
): void => {
  const { columns, rows } = field;
  const cell = pointToCell(inside, 1);
  const x = Math.min(Math.max(cell.x, 0), columns - 1);
  const y = Math.min(Math.max(cell.y, 0), rows - 1);
  const first = { column: Math.min(Math.floor(x), columns - 2), row: Math.min(Math.floor(y), rows - 2) };
  const [fx, fy] = [x - first.column, y - first.row];
  const corner = first.row * columns + first.column;
  const cells = [corner, corner + 1, corner + columns, corner + columns + 1];
  const weights = [(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy];
  const sum = (of: (index: number) => number): number =>
    weights.reduce((total, weight, index) => total + weight * of(index), 0);
  const share = sum((index) => field.mutual[cells[index]]);
  const isMixed = share > 0 && share < 1 - 1e-9;
  const placeOf = (index: number): Point => {
    const at = cells[index];
    const place = { x: field.places[2 * at], y: field.places[2 * at + 1] };
    if (!isMixed) return place;
    const home = cellPlace(field, first.column + (index & 1), first.row + (index >> 1));
    const step = squareStep(field, point.x - home.x, point.y - home.y);
    return { x: place.x + step.x, y: place.y + step.y };
  };
  const counts = (index: number): number => (isMixed ? field.mutual[cells[index]] / share : 1);
  const found = cells.map((_, index) => placeOf(index));
  places[2 * pixel] = sum((index) => counts(index) * found[index].x);
  places[2 * pixel + 1] = sum((index) => counts(index) * found[index].y);
  confidences[pixel] = sum((index) => field.confidences[cells[index]]);
  mutual[pixel] = share >= 0.5 ? 1 : 0;
};
