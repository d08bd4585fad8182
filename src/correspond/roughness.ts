/** How unevenly neighbouring cells are matched: what there-and-back does not see, where both ways slip the same way. */
import type { CellMatches } from './match-maps.ts';

/** Sums over the rectangle of all cells above and left of each corner. @returns (rows + 1, columns + 1) */
const integrate = (
  columns: number,
  rows: number,
  at: (column: number, row: number) => number,
): Float64Array => {
  const across = columns + 1;
  const sums = new Float64Array(across * (rows + 1));
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      sum += at(column, row);
      sums[(row + 1) * across + column + 1] = sums[row * across + column + 1] + sum;
    }
  }
  return sums;
};

/** Half side of the window over the map's width: the seventh part of a square is as flat as anything on an object. */
const windowShare = 1 / 16;

/** What an affine map takes from each axis: with as many cells as that everything is even. */
const parameters = 3;
/** Weight of cells by which that is told at least. */
const leastSpare = 0.5;

/**
 * How far the matches around each cell lie off the affine map that fits them best: the root mean square over a window of
 * 7 × 7 cells of 48 × 48. Where two surfaces part, where one look hides what the other shows, and where the network slides
 * along what looks the same, neighbours are matched unevenly.
 * @param weights (rows·columns) 0–1, how much each cell counts: what lies beside the object must not speak of it
 * @returns (rows·columns) crop pixels of the other picture
 */
export const roughnessOf = ({ columns, rows, x, y }: CellMatches, weights: Float32Array): Float32Array => {
  const radius = Math.max(2, Math.round(columns * windowShare));
  const across = columns + 1;
  const plane = (value: (column: number, row: number, cell: number) => number): Float64Array =>
    integrate(columns, rows, (column, row) => {
      const cell = row * columns + column;
      return weights[cell] * value(column, row, cell);
    });
  const cells = [
    plane(() => 1),
    plane((column) => column),
    plane((_, row) => row),
    plane((column) => column ** 2),
    plane((column, row) => column * row),
    plane((_, row) => row ** 2),
  ];
  const axes = [x, y].map((values) => [
    plane((_column, _row, cell) => values[cell]),
    plane((column, _, cell) => column * values[cell]),
    plane((_, row, cell) => row * values[cell]),
    plane((_column, _row, cell) => values[cell] ** 2),
  ]);
  const rough = new Float32Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    const [top, bottom] = [Math.max(0, row - radius), Math.min(rows, row + radius + 1)];
    for (let column = 0; column < columns; column++) {
      const [left, right] = [Math.max(0, column - radius), Math.min(columns, column + radius + 1)];
      const sumOf = (sums: Float64Array): number =>
        sums[bottom * across + right] -
        sums[top * across + right] -
        sums[bottom * across + left] +
        sums[top * across + left];
      const moments = cells.map(sumOf);
      const total = moments[0];
      const squares = axes.reduce((sum, axis) => sum + unexplained(moments, axis.map(sumOf)), 0);
      rough[row * columns + column] = Math.sqrt(squares / Math.max(leastSpare, total - parameters));
    }
  }
  return rough;
};

/**
 * Weighted sum of squares that a plane over columns and rows leaves of a value.
 * @param cells weighted sums of 1, column, row, column², column·row, row²
 * @param values of the value, times column, times row, squared
 */
const unexplained = (
  [total, column, row, columns, both, rows]: readonly number[],
  [value, withColumn, withRow, squared]: readonly number[],
): number => {
  if (!(total > 0)) return 0;
  const [cc, cr, rr] = [
    columns - column ** 2 / total,
    both - (column * row) / total,
    rows - row ** 2 / total,
  ];
  const [cv, rv, vv] = [
    withColumn - (column * value) / total,
    withRow - (row * value) / total,
    squared - value ** 2 / total,
  ];
  const determinant = cc * rr - cr ** 2;
  // All in one column or row, or nearly: there is nothing to lay a plane through.
  if (!(determinant > 1e-6 * total ** 2)) return Math.max(0, vv);
  const explained = (rr * cv ** 2 - 2 * cr * cv * rv + cc * rv ** 2) / determinant;
  return Math.max(0, vv - explained);
};
