/**
 * Out-of-plane views of a still picture: a depth map through known 3-D points of the object, turned and drawn
 * with occlusion, with the exact correspondence of every pixel. One more source of g beside flat warps and
 * video flow: flat warps of a frontal picture never show how a nose moves against its cheeks.
 */
import type { Point } from '../../geometry/coordinates.ts';
import type { FlowField } from '../../flow/optical-flow.ts';
import type { RawPicture } from '../../media/raw-picture.ts';

/** A point of the object: x, y in pixels of the picture; depth in the same unit, smaller is nearer. */
export type SolidPoint = Point & { depth: number };

/** Radians. */
export type Turn = {
  /** About the vertical axis. */ yaw: number;
  /** About the horizontal axis. */ pitch: number;
};

/** The turned picture and where the pixels of the still went. */
export type TurnedView = {
  picture: RawPicture;
  /** still → turned, pixels, sampled at the pixel centres of the still. */ flow: FlowField;
  /** (H, W) how much each pixel of the still counts: 255 on the object, less around it, 0 where hidden. */
  weights: Uint8Array;
};

/** Vertices of the surface per side: every 2 to 3 pixels at 160. */
const gridSide = 72;
/** Beyond its known points the surface falls back at this slope, to this share of the object's size behind its rim. */
const fallSlope = 0.9;
const greatestFall = 0.7;
/** Distance of the camera, in object sizes: a portrait's perspective. */
const cameraDistance = 4;
/** Weight of what lies around the known points: real parallax there is a guess, though drawn exactly. */
const surroundWeight = 96;
/** A visible pixel's depth may differ from the drawn one by this share of the object's size. */
const depthTolerance = 0.02;
/** Correspondences where the surface shrinks below or grows beyond these factors teach nothing. */
const areaRange: readonly [number, number] = [0.25, 4];

type Surface = {
  /** Depth of every vertex, row-major, gridSide². */ depth: Float32Array;
  /** Distance to the nearest known point, pixels. */ distance: Float32Array;
  /** Turning point. */ pivot: SolidPoint;
  /** Longer side of the box of the known points, pixels. */ size: number;
};

const boxSize = (points: readonly SolidPoint[]): number => {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  return Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
};

/** Box blur of a vertex map, in place. @param radius vertices */
const blur = (map: Float32Array, radius: number, passes: number): void => {
  const line = new Float32Array(gridSide);
  const along = (start: number, stride: number): void => {
    for (let i = 0; i < gridSide; i++) {
      let sum = 0;
      for (let k = -radius; k <= radius; k++) {
        sum += map[start + Math.min(gridSide - 1, Math.max(0, i + k)) * stride];
      }
      line[i] = sum / (2 * radius + 1);
    }
    for (let i = 0; i < gridSide; i++) map[start + i * stride] = line[i];
  };
  for (let pass = 0; pass < passes; pass++) {
    for (let i = 0; i < gridSide; i++) along(i * gridSide, 1);
    for (let i = 0; i < gridSide; i++) along(i, gridSide);
  }
};

/** Depth over the whole picture: inverse-distance interpolation of the known points, falling back around them. */
const surfaceOf = (points: readonly SolidPoint[], width: number, height: number): Surface => {
  const size = boxSize(points);
  const depth = new Float32Array(gridSide * gridSide);
  const distance = new Float32Array(gridSide * gridSide);
  // Between neighbouring known points nothing falls back.
  const spacing = 0.06 * size;
  for (let row = 0; row < gridSide; row++) {
    for (let column = 0; column < gridSide; column++) {
      const x = (column * width) / (gridSide - 1);
      const y = (row * height) / (gridSide - 1);
      let nearest = Infinity;
      let total = 0;
      let sum = 0;
      for (const point of points) {
        const squared = (point.x - x) ** 2 + (point.y - y) ** 2;
        nearest = Math.min(nearest, squared);
        const weight = 1 / (squared + (0.015 * size) ** 2) ** 2;
        total += weight;
        sum += weight * point.depth;
      }
      const away = Math.max(0, Math.sqrt(nearest) - spacing);
      const vertex = row * gridSide + column;
      distance[vertex] = away;
      depth[vertex] = sum / total;
    }
  }
  // Distances to single points leave scallops along the rim, which a turn would show as a saw.
  blur(distance, 2, 3);
  blur(depth, 1, 2);
  for (let vertex = 0; vertex < depth.length; vertex++) {
    depth[vertex] += Math.min(fallSlope * distance[vertex], greatestFall * size);
  }
  const mean = (value: (point: SolidPoint) => number): number =>
    points.reduce((sum, point) => sum + value(point), 0) / points.length;
  // Heads turn about a place behind the face, not about its skin.
  const pivot = { x: mean(({ x }) => x), y: mean(({ y }) => y), depth: mean((p) => p.depth) + 0.35 * size };
  return { depth, distance, pivot, size };
};

/** Where a point of the surface is seen after the turn: pixels, and depth before perspective. */
const turned = (
  { pivot, size }: Surface,
  { yaw, pitch }: Turn,
  x: number,
  y: number,
  z: number,
): SolidPoint => {
  const dx = x - pivot.x;
  const dy = y - pivot.y;
  const dz = z - pivot.depth;
  const x1 = Math.cos(yaw) * dx + Math.sin(yaw) * dz;
  const z1 = Math.cos(yaw) * dz - Math.sin(yaw) * dx;
  const y1 = Math.cos(pitch) * dy - Math.sin(pitch) * z1;
  const z2 = Math.cos(pitch) * z1 + Math.sin(pitch) * dy;
  // The pivot's plane keeps its scale: a still picture already has its own perspective at turn 0.
  const camera = cameraDistance * size;
  const shrink = camera / (camera + z2 - dz);
  return { x: pivot.x + x1 * shrink, y: pivot.y + y1 * shrink, depth: z2 };
};

/** Draws triangles into source positions with a depth buffer. */
const createCanvas = (width: number, height: number) => {
  const depth = new Float32Array(width * height).fill(Infinity);
  const sourceX = new Float32Array(width * height);
  const sourceY = new Float32Array(width * height);
  const triangle = (p: readonly SolidPoint[], from: readonly Point[]): void => {
    const [a, b, c] = p;
    const area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
    // Triangles of the grid have positive area; a negative one shows its back.
    if (area <= 1e-6) return;
    const left = Math.max(0, Math.floor(Math.min(a.x, b.x, c.x) - 0.5));
    const right = Math.min(width - 1, Math.ceil(Math.max(a.x, b.x, c.x) - 0.5));
    const top = Math.max(0, Math.floor(Math.min(a.y, b.y, c.y) - 0.5));
    const bottom = Math.min(height - 1, Math.ceil(Math.max(a.y, b.y, c.y) - 0.5));
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const x = column + 0.5;
        const y = row + 0.5;
        const wa = ((b.x - x) * (c.y - y) - (b.y - y) * (c.x - x)) / area;
        const wb = ((c.x - x) * (a.y - y) - (c.y - y) * (a.x - x)) / area;
        const wc = 1 - wa - wb;
        if (wa < -1e-4 || wb < -1e-4 || wc < -1e-4) continue;
        const z = wa * a.depth + wb * b.depth + wc * c.depth;
        const pixel = row * width + column;
        if (z >= depth[pixel]) continue;
        depth[pixel] = z;
        sourceX[pixel] = wa * from[0].x + wb * from[1].x + wc * from[2].x;
        sourceY[pixel] = wa * from[0].y + wb * from[1].y + wc * from[2].y;
      }
    }
  };
  return { depth, sourceX, sourceY, triangle };
};

/** Bilinear RGB at a position, edge pixels repeated. */
const sampleRgb = (
  { width, height, rgb }: RawPicture,
  x: number,
  y: number,
  out: Uint8Array,
  at: number,
): void => {
  const px = Math.min(width - 1, Math.max(0, x - 0.5));
  const py = Math.min(height - 1, Math.max(0, y - 0.5));
  const column = Math.min(width - 2, Math.floor(px));
  const row = Math.min(height - 2, Math.floor(py));
  const u = px - column;
  const v = py - row;
  const first = (row * width + column) * 3;
  const below = first + width * 3;
  for (let channel = 0; channel < 3; channel++) {
    const top = (1 - u) * rgb[first + channel] + u * rgb[first + 3 + channel];
    const bottom = (1 - u) * rgb[below + channel] + u * rgb[below + 3 + channel];
    out[at + channel] = Math.round((1 - v) * top + v * bottom);
  }
};

/**
 * Makes turned views of one picture. The surface is computed once.
 * @param points at least three known points of the object
 */
export const createTurner = (
  picture: RawPicture,
  points: readonly SolidPoint[],
): ((turn: Turn) => TurnedView) => {
  const { width, height } = picture;
  const surface = surfaceOf(points, width, height);
  const at = (index: number, extent: number): number => (index * extent) / (gridSide - 1);

  /** Bilinear value of a vertex map at a pixel. */
  const interpolate = (map: Float32Array, x: number, y: number): number => {
    const gx = Math.min(gridSide - 1.001, (x * (gridSide - 1)) / width);
    const gy = Math.min(gridSide - 1.001, (y * (gridSide - 1)) / height);
    const column = Math.floor(gx);
    const row = Math.floor(gy);
    const u = gx - column;
    const v = gy - row;
    const vertex = row * gridSide + column;
    const top = (1 - u) * map[vertex] + u * map[vertex + 1];
    const bottom = (1 - u) * map[vertex + gridSide] + u * map[vertex + gridSide + 1];
    return (1 - v) * top + v * bottom;
  };

  return (turn) => {
    const canvas = createCanvas(width, height);
    const vertices = Array.from({ length: gridSide * gridSide }, (_, vertex) => {
      const x = at(vertex % gridSide, width);
      const y = at(Math.floor(vertex / gridSide), height);
      return { from: { x, y }, to: turned(surface, turn, x, y, surface.depth[vertex]) };
    });
    for (let row = 0; row + 1 < gridSide; row++) {
      for (let column = 0; column + 1 < gridSide; column++) {
        const a = vertices[row * gridSide + column];
        const b = vertices[row * gridSide + column + 1];
        const c = vertices[(row + 1) * gridSide + column + 1];
        const d = vertices[(row + 1) * gridSide + column];
        canvas.triangle([a.to, b.to, c.to], [a.from, b.from, c.from]);
        canvas.triangle([a.to, c.to, d.to], [a.from, c.from, d.from]);
      }
    }

    const rgb = new Uint8Array(width * height * 3);
    for (let pixel = 0; pixel < width * height; pixel++) {
      const drawn = canvas.depth[pixel] < Infinity;
      // What the turn uncovers was never seen: the still's own pixel there is as good as any.
      const x = drawn ? canvas.sourceX[pixel] : (pixel % width) + 0.5;
      const y = drawn ? canvas.sourceY[pixel] : Math.floor(pixel / width) + 0.5;
      sampleRgb(picture, x, y, rgb, pixel * 3);
    }

    const flow: FlowField = {
      width,
      height,
      x: new Float32Array(width * height),
      y: new Float32Array(width * height),
    };
    const weights = new Uint8Array(width * height);
    const seen = (x: number, y: number): SolidPoint =>
      turned(surface, turn, x, y, interpolate(surface.depth, x, y));
    for (let pixel = 0; pixel < width * height; pixel++) {
      const x = (pixel % width) + 0.5;
      const y = Math.floor(pixel / width) + 0.5;
      const to = seen(x, y);
      flow.x[pixel] = to.x - x;
      flow.y[pixel] = to.y - y;
      const column = Math.floor(to.x);
      const row = Math.floor(to.y);
      if (column < 0 || row < 0 || column >= width || row >= height) continue;
      if (to.depth > canvas.depth[row * width + column] + depthTolerance * surface.size) continue;
      const right = seen(x + 1, y);
      const below = seen(x, y + 1);
      const area = (right.x - to.x) * (below.y - to.y) - (right.y - to.y) * (below.x - to.x);
      if (area < areaRange[0] || area > areaRange[1]) continue;
      weights[pixel] = interpolate(surface.distance, x, y) < 1 ? 255 : surroundWeight;
    }
    return { picture: { file: picture.file, width, height, rgb }, flow, weights };
  };
};
