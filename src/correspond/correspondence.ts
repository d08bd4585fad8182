/** Where each place of one picture is found in another. */
import { cellCenter, pointToCell, type Point } from '../geometry/coordinates.ts';
import { cropToImage, imageToCrop, type Roi } from '../geometry/roi.ts';
import {
  matchReferences,
  sampleEmbedding,
  toEmbeddingMap,
  type EmbeddingGeometry,
  type EmbeddingMap,
} from '../landmarks/matching.ts';
import { matchMaps, missedBy } from './match-maps.ts';

/** The dense field from one picture to another, on the grid of the network's cells. Plain data. */
export type Correspondence = {
  /** The square of the first picture that the cells divide, image pixels. */ from: Roi;
  /** The square of the second picture in which they were sought, image pixels. */ to: Roi;
  /** Cells per row. */ columns: number;
  /** Cells per column. */ rows: number;
  /** (rows·columns, 2) x and y of each cell's place in the second picture, image pixels. */
  places: Float32Array;
  /** (rows·columns) 0–1: the cosine, the less the further the way there and back misses the cell. Not calibrated. */
  confidences: Float32Array;
  /** (rows·columns) 1 where the way there and back comes home, within the tolerance. */ mutual: Uint8Array;
};

/** A point of the first picture, found in the second. */
export type MatchedPoint = Point & {
  /** As in {@link Correspondence}, 0–1. */ confidence: number;
  /** Whether the way there and back comes home. */ mutual: boolean;
};

/** A picture's square as the network sees it. */
export type EmbeddedSquare = { roi: Roi; map: EmbeddingMap };

export type MatchOptions = {
  /** Softmax temperature of the network's matching. */ temperature: number;
  /** How far the way there and back may miss, sides of the square. Default 0.02. */ tolerance?: number;
};

/** What the way there and back may miss, sides of the square. */
export const defaultTolerance = 0.02;

const cropSize = ({ map }: EmbeddedSquare): number => map.width * map.stride;

const confidenceOf = (cosine: number, missed: number, tolerance: number): number =>
  Math.min(1, Math.max(0, cosine)) * Math.exp(-0.5 * (missed / tolerance) ** 2);

/**
 * @param embed a run of the network: (1, 3, S, S) planar RGB 0–1 → (1, C, H, W) unit vectors
 * @param crop the square's pixels, (3, S, S)
 */
export const embedSquare = async (
  model: { manifest: EmbeddingGeometry; embed(image: Float32Array): Promise<Float32Array> },
  crop: Float32Array,
  roi: Roi,
): Promise<EmbeddedSquare> => ({ roi, map: toEmbeddingMap(model.manifest, await model.embed(crop)) });

/**
 * Matches every cell of one square in another, both ways.
 * @param b the same square at one or several sizes: of each cell the surest match counts
 */
export const correspondSquares = (
  a: EmbeddedSquare,
  b: readonly EmbeddedSquare[],
  { temperature, tolerance = defaultTolerance }: MatchOptions,
): Correspondence => {
  const { width: columns, height: rows, stride } = a.map;
  const cells = columns * rows;
  const field: Correspondence = {
    ...{ from: a.roi, to: b[0].roi, columns, rows },
    places: new Float32Array(2 * cells),
    confidences: new Float32Array(cells).fill(-1),
    mutual: new Uint8Array(cells),
  };
  const side = cropSize(a);
  for (const other of b) {
    const { forward, backward } = matchMaps(a.map, other.map, { temperature });
    const missed = missedBy(forward, backward, stride);
    for (let cell = 0; cell < cells; cell++) {
      const confidence = confidenceOf(forward.cosine[cell], missed[cell] / side, tolerance);
      if (confidence <= field.confidences[cell]) continue;
      const place = cropToImage({ x: forward.x[cell], y: forward.y[cell] }, other.roi, cropSize(other));
      field.places[2 * cell] = place.x;
      field.places[2 * cell + 1] = place.y;
      field.confidences[cell] = confidence;
      field.mutual[cell] = missed[cell] <= tolerance * side ? 1 : 0;
    }
  }
  return field;
};

/** Embeddings between cells, @returns (N, C) unit vectors. @param points crop pixels */
const sampleAll = (map: EmbeddingMap, points: readonly Point[]): Float32Array => {
  const vectors = new Float32Array(points.length * map.channels);
  points.forEach((point, n) => {
    vectors.set(sampleEmbedding(map, point), n * map.channels);
  });
  return vectors;
};

const pointAt = (matches: Float32Array, n: number): Point => ({ x: matches[3 * n], y: matches[3 * n + 1] });

/**
 * Finds some points of one square in another: each with the embedding of its very place, compared with all cells.
 * @param points image pixels of the first picture; one outside of the square is sought by what is at its rim
 * @param b the same square at one or several sizes: of each point the surest match counts
 * @returns (N) image pixels of the second picture
 */
export const correspondPoints = (
  a: EmbeddedSquare,
  b: readonly EmbeddedSquare[],
  points: readonly Point[],
  { temperature, tolerance = defaultTolerance }: MatchOptions,
): MatchedPoint[] => {
  const side = cropSize(a);
  const settings = { temperature, radius: 2 };
  const sought = points.map((point) => imageToCrop(point, a.roi, side));
  const references = sampleAll(a.map, sought);
  const best: MatchedPoint[] = points.map(() => ({ x: 0, y: 0, confidence: -1, mutual: false }));
  for (const other of b) {
    const there = matchReferences(other.map, references, settings);
    const places = points.map((_, n) => pointAt(there, n));
    const back = matchReferences(a.map, sampleAll(other.map, places), settings);
    sought.forEach((home, n) => {
      const came = pointAt(back, n);
      const missed = Math.hypot(came.x - home.x, came.y - home.y) / side;
      const confidence = confidenceOf(there[3 * n + 2], missed, tolerance);
      if (confidence <= best[n].confidence) return;
      const place = cropToImage(places[n], other.roi, cropSize(other));
      best[n] = { ...place, confidence, mutual: missed <= tolerance };
    });
  }
  return best;
};

/** Centre of a cell of the field in the first picture, image pixels. */
export const cellPlace = ({ from, columns, rows }: Correspondence, column: number, row: number): Point =>
  cropToImage(cellCenter(column, row, 1), from, Math.max(columns, rows));

/**
 * Where the field takes a point: bilinear between the four nearest cells, so that it can be asked at full resolution.
 * @param point image pixels of the first picture
 * @returns undefined outside of the field's square
 */
export const followField = (field: Correspondence, point: Point): MatchedPoint | undefined => {
  const { columns, rows, places, confidences, mutual } = field;
  const inside = imageToCrop(point, field.from, columns);
  if (!(inside.x >= 0 && inside.y >= 0 && inside.x <= columns && inside.y <= rows)) return undefined;
  const cell = pointToCell(inside, 1);
  const x = Math.min(Math.max(cell.x, 0), columns - 1);
  const y = Math.min(Math.max(cell.y, 0), rows - 1);
  const left = Math.min(Math.floor(x), columns - 2);
  const top = Math.min(Math.floor(y), rows - 2);
  const [fx, fy] = [x - left, y - top];
  const found: MatchedPoint = { x: 0, y: 0, confidence: 0, mutual: true };
  for (const [dx, dy, weight] of [
    [0, 0, (1 - fx) * (1 - fy)],
    [1, 0, fx * (1 - fy)],
    [0, 1, (1 - fx) * fy],
    [1, 1, fx * fy],
  ]) {
    const at = (top + dy) * columns + left + dx;
    found.x += weight * places[2 * at];
    found.y += weight * places[2 * at + 1];
    found.confidence += weight * confidences[at];
    if (weight > 0 && mutual[at] === 0) found.mutual = false;
  }
  return found;
};
