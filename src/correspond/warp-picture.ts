import { InputError } from '../errors.ts';
import type { Point, Size } from '../geometry/coordinates.ts';
import { applyThinPlateSpline, fitThinPlateSpline } from '../geometry/thin-plate-spline.ts';
import type { PixelImage } from '../pipeline/crop.ts';
import { cellPlace, followField, type Correspondence } from './correspondence.ts';

/** Where a point of the first picture lies in the second, both image pixels; undefined where nobody knows. */
export type PictureMap = (point: Point) => Point | undefined;

/** Goes from cell to cell: follows the field in every detail, its faults as well. */
export const meshMap =
  (field: Correspondence): PictureMap =>
  (point) =>
    followField(field, point);

/** Cells that a spline is laid through at most: its cost grows with their cube. */
const mostControls = 144;
const leastControls = 8;

/** Cells that came home, evenly spread over the square. */
const chooseControls = ({ columns, rows, mutual }: Correspondence): number[] => {
  for (let step = Math.max(1, Math.floor(Math.max(columns, rows) / 12)); step >= 1; step--) {
    const chosen: number[] = [];
    for (let row = step >> 1; row < rows; row += step) {
      for (let column = step >> 1; column < columns; column += step) {
        if (mutual[row * columns + column] === 1) chosen.push(row * columns + column);
      }
    }
    if (chosen.length > leastControls || step === 1) return chosen.slice(0, mostControls);
  }
  return [];
};

/**
 * A smooth map through the cells that found their way there and back (a thin-plate spline): bridges what does not match.
 * @param stiffness the greater, the less it bends; 0 goes through every cell. Default 0.01
 * @throws InputError where too few cells came home to lay a map through
 */
export const splineMap = (field: Correspondence, stiffness = 0.01): PictureMap => {
  const chosen = chooseControls(field);
  if (chosen.length < leastControls) {
    throw new InputError(
      `${chosen.length} cells of the correspondence find their way there and back, but a spline needs ${leastControls}. Give pictures of the same kind of object, or use the mesh.`,
    );
  }
  const { from, columns } = field;
  // In sides of the square, so that stiffness means the same for every picture.
  const toUnit = ({ x, y }: Point): Point => ({
    x: (x - from.center.x) / from.size,
    y: (y - from.center.y) / from.size,
  });
  const controls = chosen.map((cell) => toUnit(cellPlace(field, cell % columns, Math.floor(cell / columns))));
  const targets = chosen.map((cell) => ({ x: field.places[2 * cell], y: field.places[2 * cell + 1] }));
  const spline = fitThinPlateSpline(controls, targets, stiffness);
  return (point) => applyThinPlateSpline(spline, toUnit(point));
};

/** Bilinear; beyond the edges the outermost pixels go on. @param to where the RGBA goes */
const samplePixel = (
  { data, width, height, channels }: PixelImage,
  point: Point,
  out: Uint8ClampedArray,
  to: number,
): void => {
  const x = Math.min(Math.max(point.x - 0.5, 0), width - 1);
  const y = Math.min(Math.max(point.y - 0.5, 0), height - 1);
  const left = Math.floor(x);
  const top = Math.floor(y);
  const right = Math.min(left + 1, width - 1);
  const bottom = Math.min(top + 1, height - 1);
  const [fx, fy] = [x - left, y - top];
  for (let c = 0; c < 3; c++) {
    const at = (column: number, row: number): number => data[(row * width + column) * channels + c];
    const above = at(left, top) * (1 - fx) + at(right, top) * fx;
    const below = at(left, bottom) * (1 - fx) + at(right, bottom) * fx;
    out[to + c] = above * (1 - fy) + below * fy;
  }
  out[to + 3] = 255;
};

/**
 * Brings the second picture into the shape of the first: every pixel shows what the map finds there.
 * @param picture the second one
 * @param map first picture → second picture; see {@link meshMap} and {@link splineMap}
 * @param size of the first picture, pixels
 * @returns RGBA of that size, transparent where the map says nothing
 */
export const warpPicture = (picture: PixelImage, map: PictureMap, size: Size): PixelImage => {
  const { width, height } = size;
  const data = new Uint8ClampedArray(width * height * 4);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const place = map({ x: column + 0.5, y: row + 0.5 });
      if (place === undefined || !(Number.isFinite(place.x) && Number.isFinite(place.y))) continue;
      samplePixel(picture, place, data, 4 * (row * width + column));
    }
  }
  return { data, width, height, channels: 4 };
};
