/** Where each place of one picture is found in another. */
import { cellCenter, pointToCell, type Point } from '../geometry/coordinates.ts';
import { cropToImage, imageToCrop, type Roi } from '../geometry/roi.ts';
import {
  matchInWindow,
  sampleEmbeddings,
  toEmbeddingMap,
  type EmbeddingGeometry,
  type EmbeddingMap,
} from '../landmarks/matching.ts';
import { matchMaps, missedBy, type CellMatches } from './match-maps.ts';
import { roughnessOf } from './roughness.ts';

/** The dense field from one picture to another, on the grid of the network's cells. Plain data. */
export type Correspondence = {
  /** The square of the first picture that the cells divide, image pixels. */ from: Roi;
  /** The square of the second picture in which they were sought, image pixels. */ to: Roi;
  /** Cells per row. */ columns: number;
  /** Cells per column. */ rows: number;
  /** (rows·columns, 2) x and y of each cell's place in the second picture, image pixels. */
  places: Float32Array;
  /**
   * (rows·columns) 0–1: the cosine, the less the further the way there and back misses the cell, and the more unevenly its
   * neighbours are matched. Not calibrated.
   */
  confidences: Float32Array;
  /**
   * (rows·columns) 1 where the way there and back comes home, within the tolerance, and the neighbours are matched evenly,
   * within the roughness.
   */
  mutual: Uint8Array;
};

/** A point of the first picture, found in the second. */
export type MatchedPoint = Point & {
  /** As in {@link Correspondence}, 0–1. */ confidence: number;
  /** As in {@link Correspondence}. */ mutual: boolean;
};

/** How the cells of an embedding divide its crop. */
export type CellGrid = Pick<EmbeddingMap, 'width' | 'height' | 'stride'>;

/** A picture's square, and the embedding of it, wherever that lies. */
export type Square<Map extends CellGrid = CellGrid> = { roi: Roi; map: Map };

/** A picture's square as the network sees it. */
export type EmbeddedSquare = Square<EmbeddingMap>;

export type MatchOptions = {
  /** Softmax temperature of the network's matching. */ temperature: number;
  /** How far the way there and back may miss, sides of the square. Default 0.02. */ tolerance?: number;
  /** How far the matches of neighbours may lie off an affine map, sides of the square. Default 0.0075. */
  roughness?: number;
};

/** What the way there and back may miss, sides of the square. */
export const defaultTolerance = 0.02;
/** How far the matches of neighbours may lie off an affine map, sides of the square. */
export const defaultRoughness = 0.0075;

const cropSize = ({ map }: Square): number => map.width * map.stride;

/** What a cell counts among its neighbours, however unlike its match is. */
const leastWeight = 0.02;
/** A miss of the way there and back, sides of the square, that halves what a cell counts among its neighbours. */
const mildMiss = 0.03;

/** How sure a way there and back is, whatever its neighbours do. @param missed sides of the square */
const certaintyOf = (cosine: number, missed: number, tolerance: number): number =>
  Math.min(1, Math.max(0, cosine)) * Math.exp(-0.5 * (missed / tolerance) ** 2);

/** How much of that is left. @param rough in units of what is allowed */
const evenness = (rough: number): number => 1 / (1 + rough ** 2);

/**
 * @param embed a run of the network: (1, 3, S, S) planar RGB 0–1 → (1, C, H, W) unit vectors
 * @param crop the square's pixels, (3, S, S)
 */
export const embedSquare = async (
  model: { manifest: EmbeddingGeometry; embed(image: Float32Array): Promise<Float32Array> },
  crop: Float32Array,
  roi: Roi,
): Promise<EmbeddedSquare> => ({ roi, map: toEmbeddingMap(model.manifest, await model.embed(crop)) });

/** What is compared of two squares, crop pixels of either. */
export type PairMatches = {
  /** The first one's cells in the second. */ forward: CellMatches;
  /** The second one's cells in the first. */ backward: CellMatches;
  /** (N, 3) the points that are sought, in the second: x, y and the cosine. */ there: Float32Array;
  /** (N, 3) what was found for them, in the first. */ back: Float32Array;
};

/** All cells of one square matched in another at one size. */
type Level = Omit<PairMatches, 'backward'> & {
  square: Square;
  /** (rows·columns) what the way there and back misses, sides of the first square. */ missed: Float32Array;
  /** (rows·columns) sides of this square. */ rough: Float32Array;
};

/** All cells of one square matched in another, both ways, and some points. */
export type DenseMatches = {
  from: Square;
  /** (N) the points that were sought, crop pixels of the first square. */ sought: readonly Point[];
  levels: readonly Level[];
};

const inSides = (pixels: Float32Array, square: Square): Float32Array =>
  pixels.map((value) => value / cropSize(square));

const pointAt = (matches: Float32Array, n: number): Point => ({ x: matches[3 * n], y: matches[3 * n + 1] });

/** Where points of a square are in its crop. @param points image pixels */
export const inCropOf = (square: Square, points: readonly Point[]): Point[] =>
  points.map((point) => imageToCrop(point, square.roi, cropSize(square)));

/**
 * @param sought points of the first square, crop pixels
 * @param block as in `MapMatchSettings`
 */
export const matchPair = (
  a: EmbeddingMap,
  b: EmbeddingMap,
  sought: readonly Point[],
  temperature: number,
  block?: number,
): PairMatches => {
  const settings = { temperature, radius: 2 };
  const there = matchInWindow(b, sampleEmbeddings(a, sought), settings);
  const places = sought.map((_, n) => pointAt(there, n));
  const back = matchInWindow(a, sampleEmbeddings(b, places), settings);
  return { ...matchMaps(a, b, { temperature, ...(block && { block }) }), there, back };
};

/**
 * @param sought points that the pairs were compared for, crop pixels
 * @param pairs of the first square with each of the others, in order
 */
export const denseMatches = (
  a: Square,
  b: readonly Square[],
  sought: readonly Point[],
  pairs: readonly PairMatches[],
): DenseMatches => ({
  from: a,
  sought,
  levels: b.map((square, n): Level => {
    const { forward, backward, there, back } = pairs[n];
    const missed = inSides(missedBy(forward, backward, a.map.stride), a);
    const weights = missed.map(
      (miss, cell) => Math.max(leastWeight, forward.cosine[cell]) ** 2 / (1 + (miss / mildMiss) ** 2),
    );
    return { square, forward, there, back, missed, rough: inSides(roughnessOf(forward, weights), square) };
  }),
});

/**
 * @param b the same square at one or several sizes
 * @param points to find beside the cells, image pixels of the first picture
 */
export const matchSquares = (
  a: EmbeddedSquare,
  b: readonly EmbeddedSquare[],
  { temperature }: Pick<MatchOptions, 'temperature'>,
  points: readonly Point[] = [],
): DenseMatches => {
  const sought = inCropOf(a, points);
  return denseMatches(
    a,
    b,
    sought,
    b.map(({ map }) => matchPair(a.map, map, sought, temperature)),
  );
};

/** The field of the matches; of several sizes the surest match of each cell counts. */
export const fieldOf = (
  { from, levels }: DenseMatches,
  { tolerance = defaultTolerance, roughness = defaultRoughness }: Partial<MatchOptions>,
): Correspondence => {
  const { width: columns, height: rows } = from.map;
  const cells = columns * rows;
  const field: Correspondence = {
    ...{ from: from.roi, to: levels[0].square.roi, columns, rows },
    places: new Float32Array(2 * cells),
    confidences: new Float32Array(cells),
    mutual: new Uint8Array(cells),
  };
  const best = new Float32Array(cells).fill(-1);
  for (const { square, forward, missed, rough } of levels) {
    for (let cell = 0; cell < cells; cell++) {
      const certainty = certaintyOf(forward.cosine[cell], missed[cell], tolerance);
      if (certainty <= best[cell]) continue;
      best[cell] = certainty;
      const place = cropToImage({ x: forward.x[cell], y: forward.y[cell] }, square.roi, cropSize(square));
      field.places[2 * cell] = place.x;
      field.places[2 * cell + 1] = place.y;
      field.confidences[cell] = certainty * evenness(rough[cell] / roughness);
      // What is like nothing there comes home by chance only.
      const isMutual = certainty > 0 && missed[cell] <= tolerance && rough[cell] <= roughness;
      field.mutual[cell] = isMutual ? 1 : 0;
    }
  }
  return field;
};

/**
 * Matches every cell of one square in another, both ways.
 * @param b the same square at one or several sizes: of each cell the surest match counts
 */
export const correspondSquares = (
  a: EmbeddedSquare,
  b: readonly EmbeddedSquare[],
  options: MatchOptions,
): Correspondence => fieldOf(matchSquares(a, b, options), options);

/** A value of each cell between the four nearest ones. @param point crop pixels */
const sampleCells = (values: Float32Array, { width, height, stride }: CellGrid, point: Point): number => {
  const cell = pointToCell(point, stride);
  const x = Math.min(Math.max(cell.x, 0), width - 1);
  const y = Math.min(Math.max(cell.y, 0), height - 1);
  const left = Math.min(Math.floor(x), width - 2);
  const top = Math.min(Math.floor(y), height - 2);
  const [fx, fy] = [x - left, y - top];
  const at = top * width + left;
  const above = values[at] * (1 - fx) + values[at + 1] * fx;
  const below = values[at + width] * (1 - fx) + values[at + width + 1] * fx;
  return above * (1 - fy) + below * fy;
};

/**
 * Where the points that were sought are: each was sought by the embedding of its very place, compared with all cells; of
 * several sizes the surest match counts. One outside of the first square was sought by what is at its rim.
 * @returns (N) image pixels of the second picture
 */
export const pointsOf = (
  { from, sought, levels }: DenseMatches,
  { tolerance = defaultTolerance, roughness = defaultRoughness }: Partial<MatchOptions>,
): MatchedPoint[] => {
  const best = new Float32Array(sought.length).fill(-1);
  const found: MatchedPoint[] = sought.map(() => ({ x: 0, y: 0, confidence: 0, mutual: false }));
  for (const { square, rough, there, back } of levels) {
    sought.forEach((home, n) => {
      const came = pointAt(back, n);
      const missed = Math.hypot(came.x - home.x, came.y - home.y) / cropSize(from);
      const certainty = certaintyOf(there[3 * n + 2], missed, tolerance);
      if (certainty <= best[n]) return;
      best[n] = certainty;
      const uneven = sampleCells(rough, from.map, home);
      found[n] = {
        ...cropToImage(pointAt(there, n), square.roi, cropSize(square)),
        confidence: certainty * evenness(uneven / roughness),
        mutual: missed <= tolerance && uneven <= roughness,
      };
    });
  }
  return found;
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
