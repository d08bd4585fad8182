import type { Point } from '../geometry/coordinates.ts';
import { cellCenter } from '../geometry/coordinates.ts';
import { thinPlateSplineMatrix } from '../geometry/thin-plate-spline.ts';
import type { Random } from './random.ts';

/**
 * A smooth map from the square [0, size]² (crop pixels) to the plane (picture pixels), given by its values on a
 * lattice of (cells + 1)² nodes and bilinear between them. That interpolated map *is* the warp: rendering and
 * correspondences use the same one, so correspondences are exact.
 */
export type GridMap = {
  /** Side of the crop, pixels. */ size: number;
  /** Lattice cells per side. */ cells: number;
  /** Picture x of node (column, row) at row · (cells + 1) + column. */ x: Float64Array;
  /** Picture y, likewise. */ y: Float64Array;
};

/** A map of points: writes the image of (x, y) into `out` and says whether it is defined there. */
export type PointMap = (x: number, y: number, out: Float64Array) => boolean;

/** The canonical crop of a picture: the square that the evaluation and the tracker would cut. */
export type CropBase = {
  /** Fraction of the picture's width. */ centerX: number;
  /** Fraction of the picture's height. */ centerY: number;
  /** Fraction of the picture's shorter side. */ side: number;
};

export type WarpSettings = {
  /** Standard deviation of the rotation of each view, degrees. */ rotationSd: number;
  /** Standard deviation of the natural logarithm of each view's scale. */ logScaleSd: number;
  /** Share of the pairs whose views draw their scales log-uniformly from `wideScaleRange` instead, 0–1. */
  wideScaleShare: number;
  /** Crop side over canonical side, least and most. */ wideScaleRange: [number, number];
  /** Standard deviation of the shift of each view along x and along y, in crop sides. */ translationSd: number;
  /** Standard deviation of the natural logarithm of width over height. */ aspectSd: number;
  /** Standard deviation of the displacement of each thin-plate-spline control, in crop sides. */ bendSd: number;
  /** Standard deviation of the two perspective coefficients: relative change of scale over half a crop side. */
  perspectiveSd: number;
};

/** Lattice cells per crop side: 8 pixels each at 96. */
const latticeCells = 12;
/** Spline controls per side; the outer ones lie on the edge of the crop. */
const controlsPerSide = 5;
/** No lattice cell may shrink below this share of the mean area: keeps the map one-to-one and its inverse stable. */
const minAreaShare = 0.2;

/** Evaluates the map (bilinear; beyond the crop the outermost cells are continued). */
export const applyGridMap = (map: GridMap, px: number, py: number, out: Float64Array): void => {
  const { size, cells, x, y } = map;
  const gx = (px / size) * cells;
  const gy = (py / size) * cells;
  const column = Math.min(cells - 1, Math.max(0, Math.floor(gx)));
  const row = Math.min(cells - 1, Math.max(0, Math.floor(gy)));
  const u = gx - column;
  const v = gy - row;
  const a = row * (cells + 1) + column;
  const c = a + cells + 1;
  out[0] = (1 - v) * ((1 - u) * x[a] + u * x[a + 1]) + v * ((1 - u) * x[c] + u * x[c + 1]);
  out[1] = (1 - v) * ((1 - u) * y[a] + u * y[a + 1]) + v * ((1 - u) * y[c] + u * y[c + 1]);
};

/** Determinant of the Jacobian at a crop position, picture pixels² per crop pixel²; positive unless mirrored. */
export const gridMapJacobian = (map: GridMap, px: number, py: number): number => {
  const { size, cells, x, y } = map;
  const gx = (px / size) * cells;
  const gy = (py / size) * cells;
  const column = Math.min(cells - 1, Math.max(0, Math.floor(gx)));
  const row = Math.min(cells - 1, Math.max(0, Math.floor(gy)));
  const u = gx - column;
  const v = gy - row;
  const a = row * (cells + 1) + column;
  const c = a + cells + 1;
  const xu = (1 - v) * (x[a + 1] - x[a]) + v * (x[c + 1] - x[c]);
  const yu = (1 - v) * (y[a + 1] - y[a]) + v * (y[c + 1] - y[c]);
  const xv = (1 - u) * (x[c] - x[a]) + u * (x[c + 1] - x[a + 1]);
  const yv = (1 - u) * (y[c] - y[a]) + u * (y[c + 1] - y[a + 1]);
  return (xu * yv - xv * yu) * (cells / size) ** 2;
};

/**
 * Crop position that the map takes to a picture position: Newton's method on the lattice map.
 * @param out receives crop pixels
 * @returns false where the position does not lie in the crop
 */
export const invertGridMap = (map: GridMap, targetX: number, targetY: number, out: Float64Array): boolean => {
  const { size, cells, x, y } = map;
  const nodes = cells + 1;
  // Start from the affine map through three corners; it is off by the bend only.
  const last = nodes * nodes - 1;
  const corner = nodes * cells;
  const ax = x[cells] - x[0];
  const ay = y[cells] - y[0];
  const bx = x[corner] - x[0];
  const by = y[corner] - y[0];
  const centerX = (x[0] + x[cells] + x[corner] + x[last]) / 4;
  const centerY = (y[0] + y[cells] + y[corner] + y[last]) / 4;
  const start = ax * by - bx * ay;
  // Lattice units while iterating: cell (column, row) spans [column, column + 1].
  let gx = cells * (0.5 + (by * (targetX - centerX) - bx * (targetY - centerY)) / start);
  let gy = cells * (0.5 + (ax * (targetY - centerY) - ay * (targetX - centerX)) / start);
  for (let iteration = 0; iteration < 20; iteration++) {
    const column = Math.min(cells - 1, Math.max(0, Math.floor(gx)));
    const row = Math.min(cells - 1, Math.max(0, Math.floor(gy)));
    const u = gx - column;
    const v = gy - row;
    const a = row * nodes + column;
    const c = a + nodes;
    const xu = (1 - v) * (x[a + 1] - x[a]) + v * (x[c + 1] - x[c]);
    const yu = (1 - v) * (y[a + 1] - y[a]) + v * (y[c + 1] - y[c]);
    const xv = (1 - u) * (x[c] - x[a]) + u * (x[c + 1] - x[a + 1]);
    const yv = (1 - u) * (y[c] - y[a]) + u * (y[c + 1] - y[a + 1]);
    const errorX = targetX - ((1 - v) * x[a] + v * x[c] + u * xu);
    const errorY = targetY - ((1 - v) * y[a] + v * y[c] + u * yu);
    const determinant = xu * yv - xv * yu;
    if (!(determinant > 0)) break;
    let dx = (yv * errorX - xv * errorY) / determinant;
    let dy = (xu * errorY - yu * errorX) / determinant;
    if (Math.abs(dx) + Math.abs(dy) < 1e-7) {
      out[0] = (gx / cells) * size;
      out[1] = (gy / cells) * size;
      return out[0] >= 0 && out[0] <= size && out[1] >= 0 && out[1] <= size;
    }
    // Two cells a step at most, and never far outside, where the continued map means nothing.
    const step = Math.max(Math.abs(dx), Math.abs(dy));
    if (step > 2) {
      dx *= 2 / step;
      dy *= 2 / step;
    }
    gx = Math.min(cells + 1, Math.max(-1, gx + dx));
    gy = Math.min(cells + 1, Math.max(-1, gy + dy));
  }
  return false;
};

/** Smallest cell area (taken at the cell corners, where a bilinear Jacobian is extreme) over the mean one. */
const leastAreaShare = (map: GridMap): number => {
  const { cells, x, y } = map;
  const nodes = cells + 1;
  let least = Infinity;
  let sum = 0;
  for (let row = 0; row < cells; row++) {
    for (let column = 0; column < cells; column++) {
      for (let corner = 0; corner < 4; corner++) {
        const horizontal = (row + (corner >> 1)) * nodes + column;
        const vertical = row * nodes + column + (corner & 1);
        const area =
          (x[horizontal + 1] - x[horizontal]) * (y[vertical + nodes] - y[vertical]) -
          (x[vertical + nodes] - x[vertical]) * (y[horizontal + 1] - y[horizontal]);
        least = Math.min(least, area);
        sum += area;
      }
    }
  }
  return sum > 0 ? least / (sum / (4 * cells * cells)) : -1;
};

/** A view without a warp: a rotated rectangle of the picture. */
export type CropPose = {
  /** Picture pixels. */ center: Point;
  /** Sides of the crop along x and y, picture pixels. */ width: number;
  height: number;
  /** Clockwise on screen, radians. */ rotation: number;
};

/**
 * The map of a pose, bent by displacements of its lattice nodes.
 * @param bend displacement of each node in crop sides, x then y per node; none by default
 */
export const createGridMap = (size: number, pose: CropPose, bend?: Float64Array): GridMap => {
  const nodes = latticeCells + 1;
  const map: GridMap = {
    size,
    cells: latticeCells,
    x: new Float64Array(nodes * nodes),
    y: new Float64Array(nodes * nodes),
  };
  const cos = Math.cos(pose.rotation);
  const sin = Math.sin(pose.rotation);
  for (let row = 0; row < nodes; row++) {
    for (let column = 0; column < nodes; column++) {
      const node = row * nodes + column;
      const u = column / latticeCells - 0.5 + (bend?.[2 * node] ?? 0);
      const v = row / latticeCells - 0.5 + (bend?.[2 * node + 1] ?? 0);
      // Rotate the crop first and stretch afterwards: it is the object that is broad or narrow, not the crop.
      map.x[node] = pose.center.x + (cos * u - sin * v) * pose.width;
      map.y[node] = pose.center.y + (sin * u + cos * v) * pose.height;
    }
  }
  return map;
};

/** Draws views of pictures. Made once: the spline's matrix depends on its controls alone. */
export type WarpSampler = {
  /** Both views of a pair, as maps from crop pixels to picture pixels; a pure function of the random stream. */
  drawPair(picture: { width: number; height: number }, random: Random): [GridMap, GridMap];
};

/** @param size side of the crops, pixels */
export const createWarpSampler = (size: number, base: CropBase, settings: WarpSettings): WarpSampler => {
  const lattice = (count: number): Point[] =>
    Array.from({ length: count * count }, (_, i) => ({
      x: (i % count) / (count - 1) - 0.5,
      y: Math.floor(i / count) / (count - 1) - 0.5,
    }));
  const positions = lattice(latticeCells + 1);
  const controlCount = controlsPerSide ** 2;
  const spline = thinPlateSplineMatrix(lattice(controlsPerSide), positions);

  const drawBend = (random: Random): Float64Array => {
    const controls = Float64Array.from({ length: 2 * controlCount }, () => random.normal(0, settings.bendSd));
    const tiltX = random.normal(0, settings.perspectiveSd);
    const tiltY = random.normal(0, settings.perspectiveSd);
    const bend = new Float64Array(2 * positions.length);
    positions.forEach(({ x, y }, node) => {
      // A plane tilted away from the camera; x and y run from −0.5 to 0.5, hence the factor 2. The bound keeps
      // extreme draws finite.
      const depth = 1 / Math.max(0.3, 1 + 2 * (tiltX * x + tiltY * y));
      let dx = x * (depth - 1);
      let dy = y * (depth - 1);
      for (let j = 0; j < controlCount; j++) {
        const weight = spline[node * controlCount + j];
        dx += weight * controls[2 * j];
        dy += weight * controls[2 * j + 1];
      }
      bend[2 * node] = dx;
      bend[2 * node + 1] = dy;
    });
    return bend;
  };

  const drawView = (picture: { width: number; height: number }, scale: number, random: Random): GridMap => {
    const side = base.side * Math.min(picture.width, picture.height) * scale;
    const aspect = Math.exp(random.normal(0, settings.aspectSd) / 2);
    const pose: CropPose = {
      center: {
        x: base.centerX * picture.width + side * random.normal(0, settings.translationSd),
        y: base.centerY * picture.height + side * random.normal(0, settings.translationSd),
      },
      width: side * aspect,
      height: side / aspect,
      rotation: (random.normal(0, settings.rotationSd) * Math.PI) / 180,
    };
    const bend = drawBend(random);
    for (;;) {
      const map = createGridMap(size, pose, bend);
      if (leastAreaShare(map) >= minAreaShare) return map;
      // Folded or nearly so: a map must stay one-to-one, so bend less until it does.
      for (let i = 0; i < bend.length; i++) bend[i] *= 0.7;
    }
  };

  const drawPair = (picture: { width: number; height: number }, random: Random): [GridMap, GridMap] => {
    const wide = random.chance(settings.wideScaleShare);
    const [low, high] = settings.wideScaleRange;
    const drawScale = (): number =>
      Math.exp(wide ? random.uniform(Math.log(low), Math.log(high)) : random.normal(0, settings.logScaleSd));
    return [drawView(picture, drawScale(), random), drawView(picture, drawScale(), random)];
  };
  return { drawPair };
};

/** One side of a pair: a map from crop pixels into a picture of this size, and what is hidden in the crop. */
export type View = {
  map: GridMap;
  /** Picture size, pixels. */ width: number;
  height: number;
  /** (size · size): 1 where something is drawn over the picture. */ occluded: Uint8Array;
};

/**
 * Where the centre of each source query cell lies in the target view.
 * @param between source picture pixels → target picture pixels; the identity by default (one picture, two views)
 * @param targets (queryGrid², 2) out: target crop pixels, xy; the crop's centre where not valid
 * @param valid (queryGrid²) out: 1 where the position is inside both pictures and the target crop and not occluded
 */
export const correspond = (
  source: View,
  target: View,
  queryGrid: number,
  targets: Float32Array,
  valid: Float32Array,
  between?: PointMap,
): void => {
  const size = source.map.size;
  const stride = size / queryGrid;
  const point = new Float64Array(2);
  const hidden = ({ occluded }: View, x: number, y: number): boolean => {
    const column = Math.min(size - 1, Math.floor(x));
    const row = Math.min(size - 1, Math.floor(y));
    return occluded[row * size + column] !== 0;
  };
  const inside = ({ width, height }: View): boolean =>
    point[0] >= 0 && point[0] <= width && point[1] >= 0 && point[1] <= height;
  const locate = (x: number, y: number): boolean => {
    if (hidden(source, x, y)) return false;
    applyGridMap(source.map, x, y, point);
    if (!inside(source)) return false;
    if (between && (!between(point[0], point[1], point) || !inside(target))) return false;
    if (!invertGridMap(target.map, point[0], point[1], point)) return false;
    return !hidden(target, point[0], point[1]);
  };
  for (let row = 0; row < queryGrid; row++) {
    for (let column = 0; column < queryGrid; column++) {
      const query = row * queryGrid + column;
      const center = cellCenter(column, row, stride);
      const found = locate(center.x, center.y);
      valid[query] = found ? 1 : 0;
      // A finite placeholder: the loss multiplies by `valid`, and 0 · NaN would poison it.
      targets[2 * query] = found ? point[0] : size / 2;
      targets[2 * query + 1] = found ? point[1] : size / 2;
    }
  }
};
