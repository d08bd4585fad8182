/** What a portrait is drawn of: the whole picture on a grid, the eyeballs, the mouth's inside, and the face above them. */
import type { FaceMesh } from './face-mesh.ts';

/** Triangles that are drawn with one texture. The arrays are made once and filled anew by every move. */
export type PortraitLayer = {
  /** What it shows: the still picture, or the inside of a mouth. */ texture: 'picture' | 'mouth';
  /** (V, 2) pixels of the still picture. */ points: Float32Array;
  /** (V, 2) texture coordinates, 0–1; (0, 0) is the texture's top-left corner. */ uv: Float32Array;
  /** (T, 3) vertices of triangles, counter-clockwise on screen: leave out those that have turned over. */
  index: Uint16Array;
};

/** Cells of the background along each side. */
const cells = 28;
/** How far, heights of the face, the background goes along with it. */
const reach = 0.55;
const neighbours = 4;

/** Vertices of edges that belong to one triangle, without those around the openings: the face's outer rim, in order. */
export const outerRim = ({ index, openings }: FaceMesh): number[] => {
  const inner = new Set([...openings.leftEye, ...openings.rightEye, ...openings.mouth]);
  const edges = new Set<string>();
  for (let t = 0; t < index.length; t += 3) {
    for (let e = 0; e < 3; e++) edges.add(`${index[t + e]} ${index[t + ((e + 1) % 3)]}`);
  }
  const next = new Map<number, number>();
  for (const edge of edges) {
    const [from, to] = edge.split(' ').map(Number);
    if (!edges.has(`${to} ${from}`) && !inner.has(from)) next.set(from, to);
  }
  const rim: number[] = [];
  const [first] = next.keys();
  for (let v: number | undefined = first; v !== undefined && rim.length < next.size; v = next.get(v))
    rim.push(v);
  return rim;
};

const smooth = (share: number): number => {
  const t = Math.max(0, Math.min(1, share));
  return t * t * (3 - 2 * t);
};

/** Whether a place lies within a polygon of vertices (even–odd rule). */
const isWithin = (points: Float32Array, rim: readonly number[], x: number, y: number): boolean => {
  let isIn = false;
  rim.forEach((v, i) => {
    const w = rim[(i + 1) % rim.length];
    const [ax, ay, bx, by] = [points[2 * v], points[2 * v + 1], points[2 * w], points[2 * w + 1]];
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) isIn = !isIn;
  });
  return isIn;
};

const heightOf = (points: Float32Array, rim: readonly number[]): number => {
  const ys = rim.map((v) => points[2 * v + 1]);
  return Math.max(...ys) - Math.min(...ys);
};

/**
 * The whole picture. What is beside the face goes along with the nearest of its rim, the less the further away; the picture's
 * own edge stays.
 * @param rest (V, 2) the face's vertices in the still picture
 */
export const createBackground = (
  rest: Float32Array,
  rim: readonly number[],
  width: number,
  height: number,
) => {
  const side = cells + 1;
  const start = new Float32Array(2 * side * side);
  const which = new Uint16Array(side * side * neighbours);
  const shares = new Float32Array(side * side * neighbours);
  const far = reach * heightOf(rest, rim);
  const index: number[] = [];
  for (let at = 0; at < side * side; at++) {
    const [column, row] = [at % side, Math.floor(at / side)];
    const [x, y] = [(column / cells) * width, (row / cells) * height];
    start.set([x, y], 2 * at);
    const near = rim
      .map((v) => ({ v, squared: (rest[2 * v] - x) ** 2 + (rest[2 * v + 1] - y) ** 2 }))
      .sort((a, b) => a.squared - b.squared)
      .slice(0, neighbours);
    const toEdge = Math.min(x, y, width - x, height - y);
    const away = isWithin(rest, rim, x, y) ? 0 : Math.sqrt(near[0].squared);
    const along = smooth(1 - away / far) * smooth(toEdge / (0.15 * far));
    const weights = near.map(({ squared }) => 1 / (squared + 1e-4 * far * far));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    near.forEach(({ v }, n) => {
      which[at * neighbours + n] = v;
      shares[at * neighbours + n] = (along * weights[n]) / total;
    });
    if (column < cells && row < cells) index.push(at, at + side, at + 1, at + 1, at + side, at + side + 1);
  }
  const layer: PortraitLayer = {
    ...{ texture: 'picture', points: start.slice() },
    uv: start.map((value, i) => value / (i % 2 === 0 ? width : height)),
    index: Uint16Array.from(index),
  };
  return {
    layer,
    /** Where the vertices are in the still picture. */ start,
    /** @param moves (V, 2) of the face's vertices, pixels */
    fill: (moves: Float32Array): void => {
      for (let at = 0; at < side * side; at++) {
        for (let axis = 0; axis < 2; axis++) {
          let sum = start[2 * at + axis];
          for (let n = at * neighbours; n < (at + 1) * neighbours; n++)
            sum += shares[n] * moves[2 * which[n] + axis];
          layer.points[2 * at + axis] = sum;
        }
      }
    },
  };
};

/** A fan over an opening: its rim and, last, its middle. */
export const createFan = (
  texture: PortraitLayer['texture'],
  rest: Float32Array,
  rim: Uint16Array,
  [width, height]: readonly [number, number],
) => {
  const count = rim.length;
  const area = rim.reduce((sum, v, i) => {
    const w = rim[(i + 1) % count];
    return sum + rest[2 * v] * rest[2 * w + 1] - rest[2 * w] * rest[2 * v + 1];
  }, 0);
  const index = Array.from({ length: count }, (_, i) => {
    const [from, to] = [i, (i + 1) % count];
    // y points down: a negative area is one that goes round counter-clockwise on screen.
    return area < 0 ? [from, to, count] : [to, from, count];
  }).flat();
  const points = new Float32Array(2 * count + 2);
  /** @param at where a vertex of the face is to be */
  const fill = (at: (v: number, axis: 0 | 1) => number): void => {
    points.fill(0, 2 * count);
    rim.forEach((v, i) => {
      for (const axis of [0, 1] as const) {
        points[2 * i + axis] = at(v, axis);
        points[2 * count + axis] += at(v, axis) / count;
      }
    });
  };
  fill((v, axis) => rest[2 * v + axis]);
  const uv = points.map((value, i) => value / (i % 2 === 0 ? width : height));
  const layer: PortraitLayer = { texture, points, uv, index: Uint16Array.from(index) };
  return { layer, fill };
};

/**
 * Texture coordinates of a mouth's inside: u from the right corner to the left one, v down from a quarter of the mouth's width
 * above their line to a whole one below it, so that teeth keep their size however far it opens.
 * @param points (V, 2) of the inside @param right the subject's right corner
 */
export const fillMouthUv = (
  { points, uv }: PortraitLayer,
  right: readonly [number, number],
  left: readonly [number, number],
): void => {
  const [ex, ey] = [left[0] - right[0], left[1] - right[1]];
  const squared = Math.max(1e-6, ex * ex + ey * ey);
  for (let i = 0; i < points.length; i += 2) {
    const [dx, dy] = [points[i] - right[0], points[i + 1] - right[1]];
    uv[i] = (dx * ex + dy * ey) / squared;
    uv[i + 1] = ((dy * ex - dx * ey) / squared + 0.25) / 1.25;
  }
};
