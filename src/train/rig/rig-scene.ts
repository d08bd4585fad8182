/**
 * A photograph with its rig in it: the fitted surface, its mouth and its eyes, and behind them a sheet that carries
 * everything else of the photograph (hair, ears, neck, background) at the depth of the fitted head.
 */
import type { Point } from '../../geometry/coordinates.ts';
import type { RawPicture } from '../../media/raw-picture.ts';
import type { RigFit } from './fit-rig.ts';
import { placeRig } from './fit-rig.ts';
import type { PreparedRig } from './prepared-rig.ts';
import type { Raster } from './raster.ts';
import { rasterize } from './raster.ts';
import { poseRig } from './rig.ts';

export type RigScene = {
  prepared: PreparedRig;
  still: RawPicture;
  fit: RigFit;
  /** Vertices of the rig, V; those of the sheet follow. */ rigVertices: number;
  /** (V + S, 3) in the photograph: x, y, depth, pixels. */ placed: Float32Array;
  /** (T, 3) what is drawn: the rig, then the sheet. */ triangles: Uint32Array;
  facing: Int8Array;
  /** Triangles of the rig; those of the sheet follow. */ rigTriangles: number;
  /** (S) how far a vertex of the sheet lies outside of the head's outline, pixels. */ outside: Float32Array;
  /** What the photograph shows. */ raster: Raster;
  /** Landmarks' box, longer side, and the point that views turn about. */ size: number;
  pivot: Point & { depth: number };
  /** Mean of the landmarks. */ middle: Point;
  /** Mean colour of the object in the photograph, 0–255. */ tone: [number, number, number];
};

/** A place shows where its depth is no more than this behind what does, of the object's size. */
export const depthTolerance = 0.02;
/** Vertices of the sheet per side, and how far it goes on beyond the photograph, of its sides. */
const side = 100;
const margin = 0.25;
/** Outside of the head the sheet falls back at this slope, to this share of the object's size. */
const fallSlope = 0.9;
const greatestFall = 0.7;
/** How far behind the rig's surface the sheet lies, of the object's size: it must not come through. */
const behind = 0.035;
/** Further inside the surface than this there is no sheet, of the object's size: an open mouth shows its inside. */
const overlap = 0.07;

const blur = (map: Float32Array, passes: number): void => {
  const old = new Float32Array(map.length);
  for (let pass = 0; pass < passes; pass++) {
    old.set(map);
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        let sum = 0;
        for (let dy = -1; dy <= 1; dy++) {
          for (let dx = -1; dx <= 1; dx++) {
            const r = Math.min(side - 1, Math.max(0, row + dy));
            sum += old[r * side + Math.min(side - 1, Math.max(0, column + dx))];
          }
        }
        map[row * side + column] = sum / 9;
      }
    }
  }
};

/** Depth and distance from the head's outline at each vertex of the sheet. @param head raster of side × side */
const fallBack = (head: Raster, size: number, spacing: { x: number; y: number }) => {
  const depth = new Float32Array(side * side);
  const outside = new Float32Array(side * side);
  const rim: { x: number; y: number; depth: number }[] = [];
  const isHead = (column: number, row: number): boolean =>
    column >= 0 && row >= 0 && column < side && row < side && head.triangle[row * side + column] >= 0;
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      if (!isHead(column, row)) continue;
      const isInner =
        isHead(column - 1, row) &&
        isHead(column + 1, row) &&
        isHead(column, row - 1) &&
        isHead(column, row + 1);
      const inner = column > 0 && row > 0 && column < side - 1 && row < side - 1;
      if (!isInner && inner) {
        rim.push({ x: column * spacing.x, y: row * spacing.y, depth: head.depth[row * side + column] });
      }
    }
  }
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const vertex = row * side + column;
      if (isHead(column, row)) {
        // The deepest around: on slopes a coarse sheet would come through.
        let deepest = head.depth[vertex];
        for (let r = row - 2; r <= row + 2; r++) {
          for (let c = column - 2; c <= column + 2; c++) {
            if (isHead(c, r)) deepest = Math.max(deepest, head.depth[r * side + c]);
          }
        }
        depth[vertex] = deepest + behind * size;
        continue;
      }
      const [x, y] = [column * spacing.x, row * spacing.y];
      let [nearest, total, sum] = [Infinity, 0, 0];
      for (const point of rim) {
        const squared = (point.x - x) ** 2 + (point.y - y) ** 2;
        nearest = Math.min(nearest, squared);
        const weight = 1 / (squared + (0.02 * size) ** 2) ** 2;
        total += weight;
        sum += weight * point.depth;
      }
      outside[vertex] = rim.length === 0 ? size : Math.sqrt(nearest);
      depth[vertex] = total === 0 ? 0 : sum / total;
    }
  }
  blur(outside, 3);
  for (let vertex = 0; vertex < depth.length; vertex++) {
    depth[vertex] += Math.min(fallSlope * outside[vertex], greatestFall * size);
  }
  blur(depth, 3);
  return { depth, outside };
};

/** Which vertices of the sheet have the surface all around them. @param radius vertices */
const wellInside = ({ triangle }: Raster, radius: number): Uint8Array => {
  const inside = Uint8Array.from(triangle, (t) => (t >= 0 ? 1 : 0));
  const along = (step: number, other: number): void => {
    const old = inside.slice();
    for (let line = 0; line < side; line++) {
      for (let i = 0; i < side; i++) {
        for (let k = Math.max(0, i - radius); k <= Math.min(side - 1, i + radius); k++) {
          if (old[line * other + k * step] === 0) inside[line * other + i * step] = 0;
        }
      }
    }
  };
  along(1, side);
  along(side, 1);
  return inside;
};

const meanTone = (
  { rgb }: RawPicture,
  { triangle }: Raster,
  rigTriangles: number,
): [number, number, number] => {
  const sum = [0, 0, 0];
  let count = 0;
  for (let pixel = 0; pixel < triangle.length; pixel++) {
    if (triangle[pixel] < 0 || triangle[pixel] >= rigTriangles) continue;
    for (let channel = 0; channel < 3; channel++) sum[channel] += rgb[3 * pixel + channel];
    count++;
  }
  return [sum[0] / Math.max(1, count), sum[1] / Math.max(1, count), sum[2] / Math.max(1, count)];
};

/**
 * @param still the photograph
 * @param fit of the rig to it
 * @param points (L) that it was fitted to, pixels: the surface is pulled onto them
 */
export const createScene = (
  prepared: PreparedRig,
  still: RawPicture,
  fit: RigFit,
  points: readonly Point[],
): RigScene => {
  const { rig, drawn, outer, pull, reach } = prepared;
  const { width, height } = still;
  const { landmarks } = rig;
  const surface = placeRig(poseRig(rig, fit.identity, fit.expression), fit.pose);
  const misfit = points.map(({ x, y }, l) => ({
    x: x - surface[3 * landmarks[l]],
    y: y - surface[3 * landmarks[l] + 1],
  }));
  const rigVertices = surface.length / 3;
  for (let v = 0; v < rigVertices; v++) {
    if (reach[v] < 0.01) continue;
    let [dx, dy] = [0, 0];
    for (let l = 0; l < misfit.length; l++) {
      const weight = pull[v * misfit.length + l];
      dx += weight * misfit[l].x;
      dy += weight * misfit[l].y;
    }
    surface[3 * v] += dx;
    surface[3 * v + 1] += dy;
  }
  const xs = landmarks.map((v) => surface[3 * v]);
  const ys = landmarks.map((v) => surface[3 * v + 1]);
  const size = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
  const mean = (axis: number): number =>
    landmarks.reduce((sum, v) => sum + surface[3 * v + axis], 0) / landmarks.length;

  // The head at the resolution of the sheet: vertex (c, r) lies where pixel (c, r) of that raster has its centre.
  const reachOut = 1 + 2 * margin;
  const spacing = { x: (reachOut * width) / (side - 1), y: (reachOut * height) / (side - 1) };
  const scaled = surface.slice();
  for (let v = 0; v < rigVertices; v++) {
    scaled[3 * v] = (surface[3 * v] + margin * width) / spacing.x + 0.5;
    scaled[3 * v + 1] = (surface[3 * v + 1] + margin * height) / spacing.y + 0.5;
  }
  const coarse = (some: Uint32Array): Raster =>
    rasterize(scaled, some, new Int8Array(some.length / 3).fill(prepared.facing), side, side);
  const { depth, outside } = fallBack(coarse(outer), size, spacing);
  const inside = wellInside(coarse(drawn), Math.ceil((overlap * size) / Math.min(spacing.x, spacing.y)));

  const placed = new Float32Array(surface.length + 3 * side * side);
  placed.set(surface);
  const sheet: number[] = [];
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const at = 3 * (rigVertices + row * side + column);
      placed[at] = column * spacing.x - margin * width;
      placed[at + 1] = row * spacing.y - margin * height;
      placed[at + 2] = depth[row * side + column];
      if (row + 1 === side || column + 1 === side || inside[row * side + column] === 1) continue;
      const a = rigVertices + row * side + column;
      sheet.push(a, a + 1, a + side + 1, a, a + side + 1, a + side);
    }
  }
  const triangles = new Uint32Array(drawn.length + sheet.length);
  triangles.set(drawn);
  triangles.set(sheet, drawn.length);
  const rigTriangles = drawn.length / 3;
  const facing = new Int8Array(triangles.length / 3).fill(1);
  facing.fill(prepared.facing, 0, rigTriangles);
  const raster = rasterize(placed, triangles, facing, width, height);
  return {
    ...{ prepared, still, fit, rigVertices, placed, triangles, facing, rigTriangles, outside, raster, size },
    pivot: { x: mean(0), y: mean(1), depth: mean(2) + 0.35 * size },
    middle: { x: mean(0), y: mean(1) },
    tone: meanTone(still, raster, rigTriangles),
  };
};
