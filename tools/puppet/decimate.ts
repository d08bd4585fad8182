/** Coarser surfaces out of a fine one, by meshoptimizer: vertices are kept or dropped, never moved. */
import { MeshoptSimplifier } from 'meshoptimizer';

/** A surface: (T, 3) indices of (V, 3) positions. */
export type Surface = { positions: Float32Array; triangles: Uint32Array };

export type Wish = Surface & {
  /** Vertices to end with, about. */ vertices: number;
  /** (V) of them must stay. */ keep: readonly number[];
  /** (V, A) what else shall be kept apart, in units of positions. */ attributes?: Float32Array;
};

/** Edges that one triangle only has, from each vertex to the next one, as its triangle goes round. */
export const rimsOf = (triangles: Uint32Array): number[][] => {
  const next = new Map<number, number>();
  const edges = new Set<string>();
  const each = (use: (a: number, b: number) => void): void => {
    for (let t = 0; t < triangles.length; t += 3) {
      for (let k = 0; k < 3; k++) use(triangles[t + k], triangles[t + ((k + 1) % 3)]);
    }
  };
  each((a, b) => edges.add(`${a},${b}`));
  each((a, b) => {
    if (!edges.has(`${b},${a}`)) next.set(a, b);
  });
  const rims: number[][] = [];
  for (const start of [...next.keys()]) {
    if (!next.has(start)) continue;
    const rim: number[] = [];
    let at: number | undefined = start;
    while (at !== undefined && next.has(at)) {
      const after: number | undefined = next.get(at);
      rim.push(at);
      next.delete(at);
      at = after;
    }
    rims.push(rim);
  }
  return rims.sort((a, b) => b.length - a.length);
};

/** @returns (T, 3) of the vertices that stay */
export const decimate = async (wish: Wish): Promise<Uint32Array> => {
  await MeshoptSimplifier.ready;
  const { positions, triangles, vertices, keep } = wish;
  const count = positions.length / 3;
  const lock = new Uint8Array(count);
  for (const v of keep) lock[v] = 1;
  const attributes = wish.attributes ?? new Float32Array(count);
  const width = attributes.length / count;
  const [coarse] = MeshoptSimplifier.simplifyWithAttributes(
    ...([triangles, positions, 3, attributes, width, new Array<number>(width).fill(1)] as const),
    ...([lock, 3 * Math.round(1.9 * vertices), 1] as const),
  );
  return coarse;
};

/** The vertices that triangles use, and the triangles in their numbers. */
export const compact = (triangles: Uint32Array): { used: number[]; index: Uint16Array } => {
  const used = [...new Set(triangles)].sort((a, b) => a - b);
  const place = new Map(used.map((v, i) => [v, i]));
  return { used, index: Uint16Array.from(triangles, (v) => place.get(v) ?? 0) };
};
