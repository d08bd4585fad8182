/** The Descriptor Vector Exchange loss (Thewlis, Albanie, Bilen, Vedaldi, ICCV 2019), as graph nodes. */
import type { Value } from '../../onnx/graph.ts';
import { GraphError } from '../../errors.ts';
import { formatShape, staticShape } from '../../onnx/graph.ts';
import * as op from '../../onnx/operators.ts';
import type { Tape } from '../graph/autodiff.ts';
import * as d from '../graph/differentiable.ts';

export type LossSettings = {
  /** Softmax temperature on cosine similarity. */ temperature: number;
  /** γ: the loss is the expected distance to the power γ, grid cells. */ exponent: number;
  /** Share of the pairs (0–1) whose descriptors go through auxiliary pictures; 0 is the plain equivariance loss. */
  exchange: number;
  /** Auxiliary pictures a pair; their pixels share one softmax. */ auxiliaries: number;
  /** Side of the pooled map of an auxiliary picture, cells. */ auxiliaryGrid: number;
  /** Side of the pooled map of a background crop, cells. */ backgroundGrid: number;
  /** Weight of the term of annotated landmarks, where there are any, against the rest of the loss. */
  annotationWeight: number;
};

export const defaultLoss: LossSettings = {
  temperature: 0.05,
  exponent: 0.5,
  exchange: 0.5,
  auxiliaries: 1,
  auxiliaryGrid: 24,
  backgroundGrid: 12,
  annotationWeight: 0.5,
};

/** Averages a map of unit vectors over blocks, back to unit vectors. (N, C, H, H) → (N, C, grid²) */
const pooledUnits = (tape: Tape, units: Value, grid: number): Value => {
  const [n, c, h] = staticShape('DveLoss', units.shape);
  const flat = (x: Value): Value => d.reshape(tape, x, [n, c, grid * grid]);
  if (grid === h) return flat(units);
  if (h % grid !== 0) {
    throw new GraphError(`DveLoss: a map of ${h}×${h} cells cannot be pooled to ${grid}×${grid}.`);
  }
  return d.l2Normalize(tape, flat(d.averagePool(tape, units, h / grid)), 1);
};

/** (N, C, P) with pictures moved by `shift`: item i holds picture i + shift. */
const rolled = (tape: Tape, x: Value, shift: number): Value => {
  const n = Number(x.shape[0]);
  const from = shift % n;
  if (from === 0) return x;
  return d.concat(tape, [d.slice(tape, x, 0, from, n), d.slice(tape, x, 0, 0, from)], 0);
};

/**
 * Reconstruction of query descriptors from auxiliary pictures:
 * Φ̂(u) = Σ_w softmax_w(⟨Φ(u), Φα(w)⟩ / τ) Φα(w), brought back to unit length.
 * @param queries (N, C, Q) @param auxiliary (N, C, W) unit vectors @returns (N, C, Q)
 */
const exchanged = (tape: Tape, queries: Value, auxiliary: Value, temperature: number): Value => {
  const rows = d.transpose(tape, d.scale(tape, queries, 1 / temperature), [0, 2, 1]);
  const attention = d.softmax(tape, d.matMul(tape, rows, auxiliary), 2);
  const mixed = d.matMul(tape, attention, d.transpose(tape, auxiliary, [0, 2, 1]));
  return d.l2Normalize(tape, d.transpose(tape, mixed, [0, 2, 1]), 1);
};

/**
 * Expected distance between where each query is matched and where it should be:
 * Σ_v softmax_v(⟨q_u, k_v⟩ / τ) D(u, v).
 *
 * One pair at a time, so that the Q × P maps stay in the processor's cache, and with one hand-derived
 * gradient: ∂/∂score = softmax · (D − expectation), three passes over the map instead of seven.
 * @param queries (N, C, Q) @param keys (N, C, P) unit vectors @param distances one (Q, P) a pair
 * @returns (N, Q)
 */
export const expectedDistance = (
  tape: Tape,
  queries: Value,
  keys: Value,
  distances: readonly Value[],
  temperature: number,
): Value => {
  const { graph } = tape;
  const [n, c, q] = staticShape('DveLoss', queries.shape);
  const [keyCount, keyChannels, p] = staticShape('DveLoss', keys.shape);
  if (keyCount !== n || keyChannels !== c || distances.length !== n) {
    throw new GraphError(
      `DveLoss: ${formatShape(queries.shape)} and ${formatShape(keys.shape)} are not queries and keys of the same pairs.`,
    );
  }
  const pair = (x: Value, i: number, columns: number): Value =>
    op.reshape(graph, op.slice(graph, x, 0, i, i + 1), [c, columns]);
  const perPair = distances.map((distance, i) => {
    const query = op.mul(graph, pair(queries, i, q), graph.scalar(1 / temperature));
    const key = pair(keys, i, p);
    const scores = op.matMul(graph, op.transpose(graph, query, [1, 0]), key);
    const probability = op.softmax(graph, scores, 1);
    const weighted = op.mul(graph, probability, distance);
    const expectation = op.reduceSum(graph, weighted, [1]);
    return { query, key, probability, weighted, expectation };
  });
  const output = op.concat(
    graph,
    perPair.map(({ expectation }) => op.reshape(graph, expectation, [1, q])),
    0,
  );
  return tape.record([queries, keys], output, (dy) => {
    const gradients = perPair.map(({ query, key, probability, weighted, expectation }, i) => {
      const upstream = op.slice(graph, dy, 0, i, i + 1);
      const map = op.sub(graph, weighted, op.mul(graph, probability, expectation));
      const dScaled = op.matMul(graph, key, op.transpose(graph, map, [1, 0]));
      const dQuery = op.mul(graph, dScaled, op.mul(graph, upstream, graph.scalar(1 / temperature)));
      const dKey = op.matMul(graph, op.mul(graph, query, upstream), map);
      return { dQuery: op.reshape(graph, dQuery, [1, c, q]), dKey: op.reshape(graph, dKey, [1, c, p]) };
    });
    return [
      op.concat(
        graph,
        gradients.map(({ dQuery }) => dQuery),
        0,
      ),
      op.concat(
        graph,
        gradients.map(({ dKey }) => dKey),
        0,
      ),
    ];
  });
};

/** ‖v − g(u)‖^γ of one pair, grid cells: (Q, 2) targets in cells against all cells of a side × side map. */
const distanceMap = (tape: Tape, target: Value, side: number, exponent: number): Value => {
  const { graph } = tape;
  const [q] = staticShape('DveLoss', target.shape);
  const cells = Float32Array.from({ length: side }, (_, i) => i);
  const squared = (axis: number, shape: readonly number[]): Value => {
    const position = op.reshape(graph, op.slice(graph, target, 1, axis, axis + 1), [q, 1, 1]);
    const difference = op.sub(graph, graph.constant(cells, shape), position);
    return op.mul(graph, difference, difference);
  };
  const total = op.add(graph, squared(0, [1, 1, side]), squared(1, [1, side, 1]));
  const square = op.reshape(graph, total, [q, side * side]);
  if (exponent === 1) return op.sqrt(graph, square);
  if (exponent === 0.5) return op.sqrt(graph, op.sqrt(graph, square));
  return op.pow(graph, square, graph.scalar(exponent / 2));
};

export type LossInput = {
  /** (2·N + K, C, H, H): N source maps, N target maps, K maps of background crops; not normalised. */
  maps: Value;
  /** (N, Q, 2) where query cells lie in the target view, crop pixels, xy. Q a square number. */
  targets: Value;
  /** (N, Q) how much each correspondence counts, 0–1: 0 where it is not real. */ valid: Value;
  /** (N, Q) likewise for cells on annotated landmarks, in pairs of two pictures; these are not in `valid`. */
  annotated?: Value;
  /** Crop pixels per cell. */ stride: number;
};

export type DveLosses = {
  /** What is minimised. */ total: Value;
  /** The loss that needs no labels. */ unlabelled: Value;
  /** The same over the annotated landmarks alone. */ annotated?: Value;
};

/**
 * DVE loss of a batch: the expected distance between where each source cell is matched, for a share of the
 * pairs through auxiliary pictures, and where the warp says it went. Thewlis et al. 2019, eq. 5; unlike the
 * original it leaves invalid cells out and divides by the number of valid ones.
 * Background crops join the targets' softmax at a distance of half the map: mass on them is a mismatch.
 * Annotated landmarks of two pictures are one more kind of correspondence, with a mean and a weight of its own.
 * @returns scalars, means over source cells, grid cells^γ
 */
export const dveLoss = (tape: Tape, input: LossInput, settings: LossSettings): DveLosses => {
  const { graph } = tape;
  const [n, q] = staticShape('DveLoss', input.valid.shape);
  const [count, , side] = staticShape('DveLoss', input.maps.shape);
  const queryGrid = Math.round(Math.sqrt(q));
  const units = d.l2Normalize(tape, input.maps, 1);
  const source = d.slice(tape, units, 0, 0, n);
  const target = d.slice(tape, units, 0, n, 2 * n);
  let queries = pooledUnits(tape, source, queryGrid);

  const through = Math.round(settings.exchange * n);
  if (through > 0) {
    if (settings.auxiliaries >= n) {
      throw new GraphError(
        `DveLoss: ${settings.auxiliaries} auxiliaries need more than ${n} pairs in a batch.`,
      );
    }
    const pool = pooledUnits(tape, source, settings.auxiliaryGrid);
    const group = Array.from({ length: settings.auxiliaries }, (_, i) =>
      d.slice(tape, rolled(tape, pool, i + 1), 0, 0, through),
    );
    const auxiliary = d.concat(tape, group, 2);
    const mixed = exchanged(tape, d.slice(tape, queries, 0, 0, through), auxiliary, settings.temperature);
    queries = through === n ? mixed : d.concat(tape, [mixed, d.slice(tape, queries, 0, through, n)], 0);
  }

  let keys = pooledUnits(tape, target, side);
  const backgrounds = count - 2 * n;
  const inCells = op.sub(
    graph,
    op.mul(graph, input.targets, graph.scalar(1 / input.stride)),
    graph.scalar(0.5),
  );
  let distances = Array.from({ length: n }, (_, i) =>
    distanceMap(
      tape,
      op.reshape(graph, op.slice(graph, inCells, 0, i, i + 1), [q, 2]),
      side,
      settings.exponent,
    ),
  );
  if (backgrounds > 0) {
    const pool = pooledUnits(tape, d.slice(tape, units, 0, 2 * n, count), settings.backgroundGrid);
    const c = Number(pool.shape[1]);
    const cells = settings.backgroundGrid ** 2 * backgrounds;
    const shared = d.reshape(tape, d.transpose(tape, pool, [1, 0, 2]), [1, c, cells]);
    const everyPair = d.concat(
      tape,
      Array.from({ length: n }, () => shared),
      0,
    );
    keys = d.concat(tape, [keys, everyPair], 2);
    const far = graph.constant(new Float32Array(q * cells).fill((side / 2) ** settings.exponent), [q, cells]);
    distances = distances.map((distance) => op.concat(graph, [distance, far], 1));
  }

  const expected = expectedDistance(tape, queries, keys, distances, settings.temperature);
  const meanOver = (cells: Value): Value => {
    const count = op.maximum(graph, op.reduceSum(graph, cells, [0, 1], false), graph.scalar(1));
    return d.sum(tape, d.mul(tape, expected, op.div(graph, cells, count)));
  };
  const unlabelled = meanOver(input.valid);
  if (input.annotated === undefined) return { total: unlabelled, unlabelled };
  const annotated = meanOver(input.annotated);
  const total = d.add(tape, unlabelled, d.scale(tape, annotated, settings.annotationWeight));
  return { total, unlabelled, annotated };
};
