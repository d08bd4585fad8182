import type { Point } from '../../geometry/coordinates.ts';

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

/** Lattice cells per crop side: 8 pixels each at 96. */
export const latticeCells = 12;

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
export const leastAreaShare = (map: GridMap): number => {
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
