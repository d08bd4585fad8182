import { MOTION_LENGTH, PatchMatcher, type PatchMotion } from './patch-matcher.ts';
import { sampleBilinear, type FlowField, type GrayImage } from './plane.ts';

/** What the patch search of one pyramid level needs to know. */
export type SearchSettings = {
  /** Side of a patch, pixels. */ patchSize: number;
  /** Distance between neighbouring patches, pixels. */ patchStride: number;
  /** Descent steps that a patch may take in each of the two passes. */ iterations: number;
};

/** A flow that changes faster than this (pixels per pixel) is a motion boundary, not a bent surface. */
const STEEPEST_BEND = 0.5;
/** Squared length below which a descent step ends the search, pixels². */
const SHORTEST_STEP = 1e-4;

/** Positions 0, stride, 2·stride … and the last one at which a patch still fits. */
const gridPositions = (length: number, patchSize: number, stride: number): number[] => {
  const last = length - patchSize;
  const positions: number[] = [];
  for (let position = 0; position < last; position += stride) positions.push(position);
  positions.push(last);
  return positions;
};

/** Motion around (x, y) that a flow tells: displacement and its differences over the length of a patch. */
const readMotion = (flow: FlowField, x: number, y: number, reach: number, motion: Float64Array): void => {
  const left = Math.max(x - reach, 0);
  const right = Math.min(x + reach, flow.width - 1);
  const upper = Math.max(y - reach, 0);
  const lower = Math.min(y + reach, flow.height - 1);
  let steepest = 0;
  for (let axis = 0; axis < 2; axis++) {
    const plane = { width: flow.width, height: flow.height, data: axis === 0 ? flow.x : flow.y };
    const across = (sampleBilinear(plane, right, y) - sampleBilinear(plane, left, y)) / (right - left);
    const down = (sampleBilinear(plane, x, lower) - sampleBilinear(plane, x, upper)) / (lower - upper);
    motion[axis] = sampleBilinear(plane, x, y);
    motion[2 + 2 * axis] = across;
    motion[3 + 2 * axis] = down;
    steepest = Math.max(steepest, Math.abs(across), Math.abs(down));
  }
  if (steepest > STEEPEST_BEND) motion.fill(0, 2);
};

/** Overlapping patches that cover a picture, row by row. */
type PatchGrid = {
  /** Left edge of the patches of each column, pixels. */ columns: readonly number[];
  /** Top edge of the patches of each row, pixels. */ rows: readonly number[];
  /** Patches. */ count: number;
  /** (count) their motions: how the search starts, and what it finds. */ motions: Float64Array[];
};

const createPatchGrid = (start: FlowField, { patchSize, patchStride }: SearchSettings): PatchGrid => {
  const columns = gridPositions(start.width, patchSize, patchStride);
  const rows = gridPositions(start.height, patchSize, patchStride);
  const half = (patchSize - 1) / 2;
  const count = columns.length * rows.length;
  const memory = new Float64Array(count * MOTION_LENGTH);
  const motions = Array.from({ length: count }, (_, patch) => {
    const motion = memory.subarray(patch * MOTION_LENGTH, (patch + 1) * MOTION_LENGTH);
    const left = columns[patch % columns.length];
    const top = rows[Math.floor(patch / columns.length)];
    readMotion(start, left + half, top + half, half, motion);
    return motion;
  });
  return { columns, rows, count, motions };
};

/** Looks for the motion that explains the patch which its matcher has loaded. */
type PatchSearch = {
  /** Forgets what was tried with another patch. */ restart(): void;
  /** Tries the motion of a patch whose centre lies (−dx, −dy) from this one's, continued to here; its own by default. */
  tryFrom(motion: PatchMotion, dx?: number, dy?: number): void;
  /** Tries a mere shift. */ tryShift(motion: PatchMotion): void;
  /** Descends from the best motion so far. */ descend(): void;
  /** The best motion so far. */ best: PatchMotion;
};

const createPatchSearch = (matcher: PatchMatcher, { patchSize, iterations }: SearchSettings): PatchSearch => {
  const best = new Float64Array(MOTION_LENGTH);
  const trial = new Float64Array(MOTION_LENGTH);
  let bestCost = Infinity;
  let slopeX = 0;
  let slopeY = 0;
  const tryTrial = (): boolean => {
    const cost = matcher.cost(trial);
    if (!(cost < bestCost)) return false;
    bestCost = cost;
    slopeX = matcher.slopeX;
    slopeY = matcher.slopeY;
    best.set(trial);
    return true;
  };
  return {
    best,
    restart: () => {
      bestCost = Infinity;
    },
    tryFrom: (motion, dx = 0, dy = 0) => {
      trial.set(motion);
      trial[0] += trial[2] * dx + trial[3] * dy;
      trial[1] += trial[4] * dx + trial[5] * dy;
      tryTrial();
    },
    tryShift: (motion) => {
      trial.set(motion);
      trial.fill(0, 2);
      tryTrial();
    },
    descend: () => {
      const startX = best[0];
      const startY = best[1];
      for (let step = 0; step < iterations; step++) {
        trial.set(best);
        const moved = matcher.step(trial, slopeX, slopeY);
        // A patch that runs away from where it started has lost its texture.
        const away = Math.max(Math.abs(trial[0] - startX), Math.abs(trial[1] - startY));
        if (away > patchSize || !tryTrial() || moved < SHORTEST_STEP) return;
      }
    },
  };
};

/** Visits every patch, from the top left (+1) or from the bottom right (−1), and asks the neighbours visited before. */
const visitPatches = (
  { columns, rows, count, motions }: PatchGrid,
  matcher: PatchMatcher,
  search: PatchSearch,
  direction: 1 | -1,
): void => {
  for (let i = 0; i < count; i++) {
    const patch = direction === 1 ? i : count - 1 - i;
    const row = Math.floor(patch / columns.length);
    const column = patch % columns.length;
    const textured = matcher.load(columns[column], rows[row]);
    const own = motions[patch];
    search.restart();
    search.tryFrom(own);
    if (direction === 1) search.tryShift(own);
    const besideColumn = column - direction;
    const besideRow = row - direction;
    if (besideColumn >= 0 && besideColumn < columns.length) {
      search.tryFrom(motions[patch - direction], columns[column] - columns[besideColumn], 0);
    }
    if (besideRow >= 0 && besideRow < rows.length) {
      search.tryFrom(motions[patch - direction * columns.length], 0, rows[row] - rows[besideRow]);
    }
    if (textured) search.descend();
    own.set(search.best);
  }
};

/** Mean of the patches that cover each pixel, each weighted by how well it explains the pixel. */
const densify = (
  { columns, rows, count, motions }: PatchGrid,
  matcher: PatchMatcher,
  { width, height }: GrayImage,
): FlowField => {
  const x = new Float32Array(width * height);
  const y = new Float32Array(width * height);
  const weight = new Float32Array(width * height);
  for (let patch = 0; patch < count; patch++) {
    const left = columns[patch % columns.length];
    const top = rows[Math.floor(patch / columns.length)];
    matcher.splat(left, top, motions[patch], x, y, weight);
  }
  for (let i = 0; i < weight.length; i++) {
    x[i] /= weight[i];
    y[i] /= weight[i];
  }
  return { width, height, x, y };
};

/**
 * Dense flow of one pyramid level from overlapping patches: inverse search for each patch of a regular
 * grid, propagation between neighbours (left and top, then right and bottom), densification.
 * After Kroeger et al., ECCV 2016, sections 2.1–2.2, with one addition: a patch is bent as the coarser
 * level's flow is bent around it, if that explains it better than a mere shift. Without it patches of
 * turned or enlarged pictures compare unlike with unlike.
 *
 * @param a, b pictures of the level, same size, at least `patchSize` on each side
 * @param start where the search starts, displacement in pixels of this level
 */
export const searchPatches = (
  a: GrayImage,
  b: GrayImage,
  start: FlowField,
  settings: SearchSettings,
): FlowField => {
  const matcher = new PatchMatcher(a, b, settings.patchSize);
  const grid = createPatchGrid(start, settings);
  const search = createPatchSearch(matcher, settings);
  visitPatches(grid, matcher, search, 1);
  visitPatches(grid, matcher, search, -1);
  return densify(grid, matcher, a);
};
