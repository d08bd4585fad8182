/**
 * THE coordinate convention of this package; nothing else may restate it in numbers.
 *
 * Always (x, y). The centre of pixel (0, 0) is (0.5, 0.5); a picture spans [0, width] × [0, height].
 * Normalising is division by size and nothing else. Cell (column, row) of an embedding map has its
 * centre at ((column + 0.5) · stride, (row + 0.5) · stride), in crop pixels.
 */

/** A position, in the units its docstring names. */
export type Point = {
  /** To the right. */ x: number;
  /** Down. */ y: number;
};

/** Width and height, pixels. */
export type Size = {
  /** Columns. */ width: number;
  /** Rows. */ height: number;
};

/** Centre of grid cell (column, row), in crop pixels. */
export const cellCenter = (column: number, row: number, stride: number): Point => ({
  x: (column + 0.5) * stride,
  y: (row + 0.5) * stride,
});

/** Continuous (column, row) whose cell centre is `point` (crop pixels): the inverse of {@link cellCenter}. */
export const pointToCell = (point: Point, stride: number): Point => ({
  x: point.x / stride - 0.5,
  y: point.y / stride - 0.5,
});

/** Pixels to normalised coordinates: (0, 0) is the top-left corner of the picture, (1, 1) the bottom-right one. */
export const normalize = (point: Point, size: Size): Point => ({
  x: point.x / size.width,
  y: point.y / size.height,
});

/** Normalised coordinates to pixels: the inverse of {@link normalize}. */
export const denormalize = (point: Point, size: Size): Point => ({
  x: point.x * size.width,
  y: point.y * size.height,
});
