/** The matching head: nearest neighbour, and the place between cells, as part of the exported network. */
import {
  cellShifts,
  cellsPerSide,
  leastSquare,
  placeShifts,
  placeTemperature,
  placesPerSide,
  sideWeights,
} from '../../landmarks/places-around.ts';
import type { Graph, Shape, Value } from '../../onnx/graph.ts';
import * as op from '../../onnx/operators.ts';

export type MatchingHeadSettings = {
  /**
   * Softmax temperature on cosine similarity: of dense matching, and, five eighths of it, of the places around the nearest
   * cell. The loss has one of its own.
   */
  temperature: number;
  /** Confidence of a match: sigmoid(slope · (cosine − midpoint)). */
  confidence: { slope: number; midpoint: number };
};

/** Two dimensions of a head's values are free: in a reshape 0 keeps one, and −1 is what is left. */
const reshapeFreely = (graph: Graph, x: Value, target: readonly number[], shape: Shape): Value =>
  graph.node('Reshape', [x, graph.int64(target)], {}, [{ type: x.type, shape }])[0];

/** Linear interpolation of a square of cells at the places between them. @param x (B, N, 49) @returns (B, N, 169) */
const betweenCells = (graph: Graph, x: Value): Value => {
  const [batch, count] = x.shape;
  const [cells, places] = [cellsPerSide, placesPerSide];
  const square = reshapeFreely(graph, x, [0, 0, cells, cells], [batch, count, cells, cells]);
  const along = op.matMul(graph, square, graph.constant(sideWeights.flat(), [cells, places]));
  const turned = sideWeights[0].flatMap((_, place) => sideWeights.map((cell) => cell[place]));
  const both = op.matMul(graph, graph.constant(turned, [places, cells]), along);
  return reshapeFreely(graph, both, [0, 0, places ** 2], [batch, count, places ** 2]);
};

/** Indices kept in 0 … length − 1. */
const clip = (graph: Graph, x: Value, length: number): Value =>
  op.minimum(graph, op.maximum(graph, x, graph.scalar(0)), graph.scalar(length - 1));

const gatherAlong = (graph: Graph, x: Value, index: Value): Value =>
  graph.node('GatherElements', [x, index], { axis: { kind: 'int', value: 2 } }, [
    { type: 'float32', shape: index.shape },
  ])[0];

/** @param x (B, N, V) @param index (B, N, P) floats @returns (B, N, P) */
const gather = (graph: Graph, x: Value, index: Value): Value =>
  gatherAlong(graph, x, op.cast(graph, index, 'int32'));

/** The same of values that all references share. @param x (B, 1, V) */
const gatherShared = (graph: Graph, x: Value, index: Value): Value => {
  const [batch, count, places] = index.shape;
  const line = [batch, 1, `${places}${count}`];
  const inLine = reshapeFreely(graph, op.cast(graph, index, 'int32'), [0, 1, -1], line);
  return reshapeFreely(graph, gatherAlong(graph, x, inLine), [0, -1, Number(places)], index.shape);
};

/** Sum over the channels: a product with ones, faster than a reduction. @param flat (B, C, V) @returns (B, 1, V) */
export const sumOfChannels = (graph: Graph, flat: Value): Value => {
  const channels = Number(flat.shape[1]);
  return op.matMul(graph, graph.constant(new Float32Array(channels).fill(1), [1, channels]), flat);
};

/**
 * Squared lengths of the means of cells, of the whole map: cheaper than around each match. Between four cells it is the
 * product of those along both axes, as if they changed independently: nearly so, and half as costly.
 * @param flat (B, C, H·W) unit vectors
 * @returns (B, 1, …) each, at the indices of cells: half a cell to the right of them, below, and both
 */
const squaredLengths = (graph: Graph, flat: Value, columns: number): Value[] => {
  const cells = Number(flat.shape[2]);
  const [one, half] = [graph.scalar(1), graph.scalar(0.5)];
  const slice = (x: Value, start: number, end: number): Value => op.slice(graph, x, 2, start, end);
  const halved = (x: Value): Value => op.mul(graph, x, half);
  const between = (step: number): Value => {
    const product = op.mul(graph, slice(flat, 0, cells - step), slice(flat, step, cells));
    return halved(op.add(graph, sumOfChannels(graph, product), one));
  };
  const count = cells - columns - 1;
  /** Mean of the values at cells and `step` cells later. */
  const mean = (x: Value, step: number): Value =>
    halved(op.add(graph, slice(x, 0, count), slice(x, step, step + count)));
  const [right, down] = [between(1), between(columns)];
  return [right, down, op.mul(graph, mean(right, columns), mean(down, 1))];
};

/**
 * Squared lengths of the embeddings at the places around cells.
 * @param best (B, N, 1) indices of cells
 * @returns (B, N, 169)
 */
const lengthsAround = (graph: Graph, flat: Value, best: Value, columns: number): Value => {
  const kinds = squaredLengths(graph, flat, columns);
  // On a cell itself the embedding is a unit vector: one value for all of them.
  const unit = op.add(
    graph,
    op.mul(graph, op.slice(graph, kinds[0], 2, 0, 1), graph.scalar(0)),
    graph.scalar(1),
  );
  const values = op.concat(graph, [...kinds, unit], 2);
  const starts = kinds.map((_, kind) =>
    kinds.slice(0, kind).reduce((sum, { shape }) => sum + Number(shape[2]), 0),
  );
  const last = Number(values.shape[2]) - 1;
  const reads = placeShifts.map(({ x, y }) => {
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const kind = (x > left ? 1 : 0) + (y > top ? 2 : 0) - 1;
    // Multiplied with the cell's index, and added.
    return kind < 0 ? [0, last] : [1, starts[kind] + top * columns + left];
  });
  const constant = (values: number[]): Value => graph.constant(values, [1, 1, values.length]);
  const scaled = op.mul(graph, best, constant(reads.map(([scale]) => scale)));
  const index = op.add(graph, scaled, constant(reads.map(([, shift]) => shift)));
  const squared = gatherShared(graph, values, clip(graph, index, last + 1));
  return op.maximum(graph, squared, graph.scalar(leastSquare));
};

/**
 * Where each reference is found: the cell of greatest cosine, then the expectation of the places around it, half a cell apart
 * and up to three cells away, under softmax(cosine / (5 τ / 8)). The embedding at a place is the mean of the cells that it
 * lies between, made a unit vector, as references themselves are read between cells. Places outside of the map take no part.
 * The CPU twin is `matchReferences` of `landmarks/matching.ts`.
 * @param embedding (B, C, H, W) unit vectors, H and W static
 * @param references (N, C) unit vectors
 * @param stride crop pixels per cell
 * @returns (B, N, 3): x, y in crop pixels, confidence 0–1
 */
export const matchingHead = (
  graph: Graph,
  embedding: Value,
  references: Value,
  stride: number,
  { temperature, confidence }: MatchingHeadSettings,
): Value => {
  const [batch, channels, height, width] = embedding.shape;
  const [rows, columns] = [Number(height), Number(width)];
  const number = (value: number): Value => graph.scalar(value);
  /** @param shifts in cells @returns (B, N, shifts) */
  const around = (center: Value, shifts: readonly number[]): Value =>
    op.add(graph, center, graph.constant(shifts, [1, 1, shifts.length]));

  const flat = op.reshape(graph, embedding, [batch, channels, rows * columns]);
  const cosine = op.matMul(graph, references, flat);
  const best = op.cast(graph, op.argMax(graph, cosine, 2), 'float32');
  // Cells beyond the ends of a row are cells of others: no place within the map is read there.
  const lines = cellShifts.map(({ x, y }) => y * columns + x);
  const near = gather(graph, cosine, clip(graph, around(best, lines), rows * columns));
  const along = betweenCells(graph, near);
  const length = op.sqrt(graph, lengthsAround(graph, flat, best, columns));
  const alike = op.div(graph, along, length);

  // Half a cell keeps the division clear of rounding at the ends of the rows.
  const ratio = op.mul(graph, op.add(graph, best, number(0.5)), number(1 / columns));
  const bestRow = op.floor(graph, ratio);
  const bestColumn = op.sub(graph, best, op.mul(graph, bestRow, number(columns)));
  const placesX = placeShifts.map(({ x }) => x);
  const placesY = placeShifts.map(({ y }) => y);
  const [placeX, placeY] = [around(bestColumn, placesX), around(bestRow, placesY)];
  const inside = op.and(
    graph,
    op.equal(graph, placeX, clip(graph, placeX, columns)),
    op.equal(graph, placeY, clip(graph, placeY, rows)),
  );
  const scores = op.where(
    graph,
    inside,
    op.mul(graph, alike, number(1 / (placeTemperature * temperature))),
    // Far below any cosine / τ: a place outside of the map takes no part.
    number(-1e6),
  );
  const weight = op.softmax(graph, scores, 2);
  const expectation = (place: Value): Value => {
    const mean = op.reduceSum(graph, op.mul(graph, weight, place), [2]);
    return op.mul(graph, op.add(graph, mean, number(0.5)), number(stride));
  };
  const greatest = op.reduceMax(graph, near, [2]);
  const logit = op.mul(graph, op.sub(graph, greatest, number(confidence.midpoint)), number(confidence.slope));
  return op.concat(graph, [expectation(placeX), expectation(placeY), op.sigmoid(graph, logit)], 2);
};
