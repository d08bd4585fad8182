/** The matching head: nearest neighbour and windowed soft-argmax as part of the exported network. */
import type { Graph, Value } from '../../onnx/graph.ts';
import * as op from '../../onnx/operators.ts';

export type MatchingHeadSettings = {
  /** Softmax temperature on cosine similarity inside the window. */ temperature: number;
  /** Half side of the square window around the best cell, cells. */ radius: number;
  /** Confidence of a match: sigmoid(slope · (cosine − midpoint)). */
  confidence: { slope: number; midpoint: number };
};

/**
 * Where each reference is found: the cell of greatest cosine, then the expectation of the cell centres under
 * softmax(cosine / τ) over the square window around it, clipped at the borders of the map. The CPU twin is
 * `matchReferences` of `landmarks/matching.ts`.
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
  { temperature, radius, confidence }: MatchingHeadSettings,
): Value => {
  const [batch, channels, height, width] = embedding.shape;
  const cells = Number(height) * Number(width);
  const number = (value: number): Value => graph.scalar(value);
  const flat = op.reshape(graph, embedding, [batch, channels, cells]);
  const cosine = op.matMul(graph, references, flat);

  const best = op.cast(graph, op.argMax(graph, cosine, 2), 'float32');
  // Half a cell keeps the division clear of rounding at the ends of the rows.
  const ratio = op.mul(graph, op.add(graph, best, number(0.5)), number(1 / Number(width)));
  const bestRow = op.floor(graph, ratio);
  const bestColumn = op.sub(graph, best, op.mul(graph, bestRow, number(Number(width))));

  const side = 2 * radius + 1;
  const offsets = Array.from({ length: side * side }, (_, i) => i);
  const shift = (values: number[]): Value => graph.constant(values, [1, 1, side * side]);
  const column = op.add(graph, bestColumn, shift(offsets.map((i) => (i % side) - radius)));
  const row = op.add(graph, bestRow, shift(offsets.map((i) => Math.floor(i / side) - radius)));
  const clip = (x: Value, size: number): Value =>
    op.minimum(graph, op.maximum(graph, x, number(0)), number(size - 1));
  const insideColumn = clip(column, Number(width));
  const insideRow = clip(row, Number(height));
  const inside = op.and(graph, op.equal(graph, column, insideColumn), op.equal(graph, row, insideRow));
  const index = op.add(graph, op.mul(graph, insideRow, number(Number(width))), insideColumn);
  const [near] = graph.node(
    'GatherElements',
    [cosine, op.cast(graph, index, 'int32')],
    { axis: { kind: 'int', value: 2 } },
    [{ type: 'float32', shape: index.shape }],
  );

  const scores = op.where(
    graph,
    inside,
    op.mul(graph, near, number(1 / temperature)),
    // Far below any cosine / τ: a cell outside of the map takes no part.
    number(-1e6),
  );
  const weight = op.softmax(graph, scores, 2);
  const expectation = (position: Value): Value => {
    const cell = op.reduceSum(graph, op.mul(graph, weight, position), [2]);
    return op.mul(graph, op.add(graph, cell, number(0.5)), number(stride));
  };
  const greatest = op.reduceMax(graph, near, [2]);
  const logit = op.mul(graph, op.sub(graph, greatest, number(confidence.midpoint)), number(confidence.slope));
  return op.concat(graph, [expectation(insideColumn), expectation(insideRow), op.sigmoid(graph, logit)], 2);
};
