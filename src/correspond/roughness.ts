/** How unevenly neighbouring cells are matched: what there-and-back does not see, where both ways slip the same way. */
import type { CellMatches } from './match-maps.ts';

/** Half side of the window over the map's width: the seventh part of a square is as flat as anything on an object. */
const windowShare = 1 / 16;

/** What an affine map takes from each axis: with as many cells as that everything is even. */
const parameters = 3;
/** Weight of cells by which that is told at least. */
const leastSpare = 0.5;

/** Weighted sums of 1, column, row, column², column·row, row²; then for x and for y of it, times column, times row, squared. */
const moments = 14;
/** Where those of x and of y begin. */
const axes = [6, 10];

/** Sums over the rectangle of all cells above and left of each corner. @returns (rows + 1, columns + 1, moments) */
const integrate = ({ columns, rows, x, y }: CellMatches, weights: Float32Array): Float64Array => {
  const line = (columns + 1) * moments;
  const sums = new Float64Array(line * (rows + 1));
  const terms = new Float64Array(moments);
  const running = new Float64Array(moments);
  for (let row = 0; row < rows; row++) {
    running.fill(0);
    for (let column = 0; column < columns; column++) {
      const cell = row * columns + column;
      terms[0] = 1;
      terms[1] = column;
      terms[2] = row;
      terms[3] = column * column;
      terms[4] = column * row;
      terms[5] = row * row;
      terms[6] = x[cell];
      terms[7] = column * x[cell];
      terms[8] = row * x[cell];
      terms[9] = x[cell] * x[cell];
      terms[10] = y[cell];
      terms[11] = column * y[cell];
      terms[12] = row * y[cell];
      terms[13] = y[cell] * y[cell];
      const at = (row + 1) * line + (column + 1) * moments;
      for (let m = 0; m < moments; m++) {
        running[m] += weights[cell] * terms[m];
        sums[at + m] = sums[at - line + m] + running[m];
      }
    }
  }
  return sums;
};

/**
 * How far the matches around each cell lie off the affine map that fits them best: the root mean square over a window of
 * 7 × 7 cells of 48 × 48. Where two surfaces part, where one look hides what the other shows, and where the network slides
 * along what looks the same, neighbours are matched unevenly.
 * @param weights (rows·columns) 0–1, how much each cell counts: what lies beside the object must not speak of it
 * @returns (rows·columns) crop pixels of the other picture
 */
export const roughnessOf = (matches: CellMatches, weights: Float32Array): Float32Array => {
  const { columns, rows } = matches;
  const radius = Math.max(2, Math.round(columns * windowShare));
  const line = (columns + 1) * moments;
  const sums = integrate(matches, weights);
  const seen = new Float64Array(moments);
  const rough = new Float32Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    const [top, bottom] = [Math.max(0, row - radius) * line, Math.min(rows, row + radius + 1) * line];
    for (let column = 0; column < columns; column++) {
      const left = Math.max(0, column - radius) * moments;
      const right = Math.min(columns, column + radius + 1) * moments;
      for (let m = 0; m < moments; m++) {
        seen[m] =
          sums[bottom + right + m] - sums[top + right + m] - sums[bottom + left + m] + sums[top + left + m];
      }
      const squares = unexplained(seen, axes[0]) + unexplained(seen, axes[1]);
      rough[row * columns + column] = Math.sqrt(squares / Math.max(leastSpare, seen[0] - parameters));
    }
  }
  return rough;
};

/**
 * Weighted sum of squares that a plane over columns and rows leaves of a value.
 * @param seen the sums over a window
 * @param axis where those of the value begin
 */
const unexplained = (seen: Float64Array, axis: number): number => {
  const total = seen[0];
  if (!(total > 0)) return 0;
  const column = seen[1];
  const row = seen[2];
  const value = seen[axis];
  const cc = seen[3] - column ** 2 / total;
  const cr = seen[4] - (column * row) / total;
  const rr = seen[5] - row ** 2 / total;
  const cv = seen[axis + 1] - (column * value) / total;
  const rv = seen[axis + 2] - (row * value) / total;
  const vv = seen[axis + 3] - value ** 2 / total;
  const determinant = cc * rr - cr ** 2;
  // All in one column or row, or nearly: there is nothing to lay a plane through.
  if (!(determinant > 1e-6 * total ** 2)) return Math.max(0, vv);
  const explained = (rr * cv ** 2 - 2 * cr * cv * rv + cc * rv ** 2) / determinant;
  return Math.max(0, vv - explained);
};
