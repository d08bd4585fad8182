/** Every cell of one embedding sought in another, there and back. */
import { cellCenter, pointToCell, type Point } from '../geometry/coordinates.ts';
import type { EmbeddingMap } from '../landmarks/matching.ts';
import { dot, dotFive, five, poolRows, toCellRows, type CellRows } from './cell-rows.ts';

/** Where each cell of one crop is found in another. */
export type CellMatches = {
  columns: number;
  rows: number;
  /** (rows·columns) place in the other crop, crop pixels. */ x: Float32Array;
  /** (rows·columns) place in the other crop, crop pixels. */ y: Float32Array;
  /** (rows·columns) cosine at the nearest cell. */ cosine: Float32Array;
};

export type MapMatchSettings = {
  /** Softmax temperature on cosine similarity. */ temperature: number;
  /** Half side of the window of the expectation, cells. Default 2. */ radius?: number;
  /** Cells per side of a block of the coarse search; 1 compares every cell with every other. Default 3. */
  block?: number;
};

/** Coarse matches that each cell follows up. */
const starts = 2;

/** Greatest cosines of each row of one set of blocks with the other, both ways. @returns (blocks, starts) each */
const matchBlocks = (a: CellRows, b: CellRows): [Int32Array, Int32Array] => {
  const { channels } = a;
  const [countA, countB] = [a.width * a.height, b.width * b.height];
  const [bestA, bestB] = [new Int32Array(countA * starts), new Int32Array(countB * starts)];
  const [valueA, valueB] = [new Float64Array(countA * starts), new Float64Array(countB * starts)];
  for (const values of [valueA, valueB]) values.fill(-2);
  const note = (best: Int32Array, values: Float64Array, row: number, other: number, value: number): void => {
    const at = row * starts;
    if (value > values[at]) {
      best[at + 1] = best[at];
      values[at + 1] = values[at];
      best[at] = other;
      values[at] = value;
    } else if (value > values[at + 1]) {
      best[at + 1] = other;
      values[at + 1] = value;
    }
  };
  const cosines = new Float64Array(countB + five);
  for (let i = 0; i < countA; i++) {
    let j = 0;
    for (; j + five <= countB; j += five) {
      dotFive(a.data, i * channels, b.data, j * channels, channels, cosines, j);
    }
    for (; j < countB; j++) cosines[j] = dot(a.data, i * channels, b.data, j * channels, channels);
    for (j = 0; j < countB; j++) {
      note(bestA, valueA, i, j, cosines[j]);
      note(bestB, valueB, j, i, cosines[j]);
    }
  }
  return [bestA, bestB];
};

/** Cosines of one cell with those of the other map, each worked out about once. */
class Similarities {
  /** (H·W) of the other map. */ readonly values: Float64Array;
  readonly #round: Int32Array;
  #now = 0;
  #from = 0;

  constructor(
    readonly a: CellRows,
    readonly b: CellRows,
  ) {
    this.values = new Float64Array(b.width * b.height);
    this.#round = new Int32Array(b.width * b.height);
  }

  start(cell: number): void {
    this.#now++;
    this.#from = cell * this.a.channels;
  }

  at(cell: number): number {
    if (this.#round[cell] !== this.#now) {
      this.#round[cell] = this.#now;
      this.values[cell] = dot(this.a.data, this.#from, this.b.data, cell * this.b.channels, this.a.channels);
    }
    return this.values[cell];
  }

  /** Works out cells of one row, clipped at the borders: `values` then has them. */
  fill(row: number, left: number, right: number): void {
    const { width, channels, data } = this.b;
    const last = Math.min(right, width - 1);
    const first = Math.max(0, Math.min(left, width - five));
    const start = row * width;
    if (width < five || last - first >= five) {
      for (let c = Math.max(0, left); c <= last; c++) this.at(start + c);
      return;
    }
    let known = 0;
    for (let k = start + first; k < start + first + five; k++) {
      if (this.#round[k] === this.#now) known++;
      this.#round[k] = this.#now;
    }
    if (known === five) return;
    const at = start + first;
    dotFive(this.a.data, this.#from, data, at * channels, channels, this.values, at);
  }
}

/** Goes from cell to cell as long as a neighbour is more alike. @returns the cell where none is */
const climb = (similarities: Similarities, start: number): number => {
  const { values, b } = similarities;
  const { width, height } = b;
  let best = start;
  let value = similarities.at(best);
  for (;;) {
    const column = best % width;
    const row = (best - column) / width;
    let next = best;
    for (let r = Math.max(0, row - 1); r <= Math.min(height - 1, row + 1); r++) {
      // Two cells to each side: the expectation wants them, too.
      similarities.fill(r, column - 2, column + 2);
      for (let c = Math.max(0, column - 1); c <= Math.min(width - 1, column + 1); c++) {
        const here = values[r * width + c];
        if (here > value) {
          value = here;
          next = r * width + c;
        }
      }
    }
    if (next === best) return best;
    best = next;
  }
};

/** Expectation of the cell centres under softmax(cosine / temperature) around a cell, clipped at the borders. */
const expectation = (
  similarities: Similarities,
  best: number,
  stride: number,
  temperature: number,
  radius: number,
): Point => {
  const { values, b } = similarities;
  const { width, height } = b;
  const column = best % width;
  const row = (best - column) / width;
  const peak = similarities.at(best);
  let total = 0;
  let x = 0;
  let y = 0;
  for (let r = Math.max(0, row - radius); r <= Math.min(height - 1, row + radius); r++) {
    similarities.fill(r, column - radius, column + radius);
    for (let c = Math.max(0, column - radius); c <= Math.min(width - 1, column + radius); c++) {
      const weight = Math.exp((values[r * width + c] - peak) / temperature);
      total += weight;
      x += weight * c;
      y += weight * r;
    }
  }
  return cellCenter(x / total, y / total, stride);
};

const matchOneWay = (
  a: CellRows,
  b: CellRows,
  coarse: Int32Array,
  stride: number,
  { temperature, radius = 2, block = 3 }: MapMatchSettings,
): CellMatches => {
  const cells = a.width * a.height;
  const found: CellMatches = {
    ...{ columns: a.width, rows: a.height },
    ...{ x: new Float32Array(cells), y: new Float32Array(cells), cosine: new Float32Array(cells) },
  };
  const blocksAcross = Math.ceil(a.width / block);
  const otherAcross = Math.ceil(b.width / block);
  const similarities = new Similarities(a, b);
  const tops = new Int32Array(cells);
  const clampColumn = (column: number): number => Math.min(b.width - 1, column);
  const clampRow = (row: number): number => Math.min(b.height - 1, row);
  for (let cell = 0; cell < cells; cell++) {
    const column = cell % a.width;
    const row = (cell - column) / a.width;
    const own = Math.floor(row / block) * blocksAcross + Math.floor(column / block);
    similarities.start(cell);
    let best = -1;
    const consider = (c: number, r: number): void => {
      const start = clampRow(r) * b.width + clampColumn(c);
      if (best < 0 || similarities.at(start) > similarities.at(best)) best = start;
    };
    for (let k = 0; k < starts; k++) {
      const other = coarse[own * starts + k];
      // Where the cell lies in its own block, there it is sought in the other one.
      consider(
        (other % otherAcross) * block + (column % block),
        Math.floor(other / otherAcross) * block + (row % block),
      );
    }
    // Neighbours mostly have neighbours as matches.
    if (column > 0) consider((tops[cell - 1] % b.width) + 1, Math.floor(tops[cell - 1] / b.width));
    if (row > 0) {
      const above = tops[cell - a.width];
      consider(above % b.width, Math.floor(above / b.width) + 1);
    }
    best = climb(similarities, best);
    tops[cell] = best;
    const { x, y } = expectation(similarities, best, stride, temperature, radius);
    found.x[cell] = x;
    found.y[cell] = y;
    found.cosine[cell] = similarities.at(best);
  }
  return found;
};

/**
 * Matches two embeddings of one network whole, there and back: nearest neighbour by cosine, then the expectation around
 * it, as the matching head does. Blocks of cells are compared first, all with all; from the two most alike each cell
 * climbs to its own best. That takes about a twentieth of the products of comparing every cell with every other.
 * @returns matches of the cells of `a` in `b`, and of those of `b` in `a`
 */
export const matchMaps = (
  a: EmbeddingMap,
  b: EmbeddingMap,
  settings: MapMatchSettings,
): { forward: CellMatches; backward: CellMatches } => {
  const { block = 3 } = settings;
  const [rowsA, rowsB] = [toCellRows(a), toCellRows(b)];
  const [coarseA, coarseB] = matchBlocks(poolRows(rowsA, block), poolRows(rowsB, block));
  return {
    forward: matchOneWay(rowsA, rowsB, coarseA, b.stride, settings),
    backward: matchOneWay(rowsB, rowsA, coarseB, a.stride, settings),
  };
};

/**
 * How far each cell is missed on the way there and back: its match's nearest cell is sought back, and the small way from
 * that cell's centre to the match is taken off.
 * @returns (rows·columns) crop pixels
 */
export const missedBy = (forward: CellMatches, backward: CellMatches, stride: number): Float32Array => {
  const missed = new Float32Array(forward.x.length);
  for (let cell = 0; cell < missed.length; cell++) {
    const column = cell % forward.columns;
    const home = cellCenter(column, (cell - column) / forward.columns, stride);
    const place = { x: forward.x[cell], y: forward.y[cell] };
    const there = pointToCell(place, stride);
    const c = Math.min(backward.columns - 1, Math.max(0, Math.round(there.x)));
    const r = Math.min(backward.rows - 1, Math.max(0, Math.round(there.y)));
    const center = cellCenter(c, r, stride);
    const back = r * backward.columns + c;
    missed[cell] = Math.hypot(
      backward.x[back] + place.x - center.x - home.x,
      backward.y[back] + place.y - center.y - home.y,
    );
  }
  return missed;
};
