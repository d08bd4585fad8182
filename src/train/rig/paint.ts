/** What the pixels of a view look like: photographed, or shaded where the photograph does not show them. */
import type { Raster } from './raster.ts';
import type { RigChange } from './rig-change.ts';
import type { RigScene } from './rig-scene.ts';
import { depthTolerance } from './rig-scene.ts';
import type { Material } from './rig.ts';

/**
 * The same for skin, which looks alike where it is not quite seen: on slopes towards the side the photograph's pixels are
 * too coarse to tell, and what stands in would alternate with it.
 */
const skinTolerance = 0.08;
/** Where a replaced background begins and is all there is: distance from the outline of the head, of its size. */
const backgroundFrom = 0.16;
const backgroundTo = 0.24;
/** Angles from the axis of an eye, radians. */
const irisAngle = 0.5;
const pupilAngle = 0.2;

const smoothstep = (from: number, to: number, value: number): number => {
  const t = Math.max(0, Math.min(1, (value - from) / (to - from)));
  return t * t * (3 - 2 * t);
};

const createPhotograph = ({ still }: RigScene) => {
  const { width, height, rgb } = still;
  /** Bilinear RGB at a place, edge pixels repeated. */
  return (x: number, y: number, out: Float32Array): void => {
    const px = Math.min(width - 1, Math.max(0, x - 0.5));
    const py = Math.min(height - 1, Math.max(0, y - 0.5));
    const column = Math.min(width - 2, Math.floor(px));
    const row = Math.min(height - 2, Math.floor(py));
    const [u, v] = [px - column, py - row];
    const first = (row * width + column) * 3;
    const below = first + width * 3;
    for (let channel = 0; channel < 3; channel++) {
      const top = (1 - u) * rgb[first + channel] + u * rgb[first + 3 + channel];
      const bottom = (1 - u) * rgb[below + channel] + u * rgb[below + 3 + channel];
      out[channel] = (1 - v) * top + v * bottom;
    }
  };
};

/** Colour of what the photograph does not show: shaded by how deep it lies behind the surface. */
const plainColour = (
  material: Material,
  gaze: number,
  depthBehind: number,
  { tone }: RigScene,
  { iris }: RigChange,
  out: Float32Array,
): void => {
  const light = (tone[0] + tone[1] + tone[2]) / (3 * 135);
  const exposure = Math.max(0.25, Math.min(1.15, light));
  // Grey photographs stay grey.
  const chroma = Math.min(1, (Math.max(...tone) - Math.min(...tone)) / 18);
  const [deep, base]: readonly [number, readonly [number, number, number]] =
    material.kind === 'eye'
      ? [0.92, gaze < pupilAngle ? [22, 18, 18] : gaze < irisAngle ? iris : [226, 219, 215]]
      : [
          Math.max(0.22, Math.exp(-Math.max(0, depthBehind) * 4)),
          material.kind === 'plain' ? material.rgb : tone,
        ];
  const grey = 0.3 * base[0] + 0.59 * base[1] + 0.11 * base[2];
  for (let channel = 0; channel < 3; channel++) {
    out[channel] = exposure * deep * (grey + chroma * (base[channel] - grey));
  }
};

/** Depth of the surface's front: a third of the landmarks lie before it. What lies further behind is darker. */
const frontDepth = (placed: Float32Array, { prepared }: RigScene): number => {
  const depths = prepared.rig.landmarks.map((v) => placed[3 * v + 2]).sort((a, b) => a - b);
  return depths[Math.floor(0.35 * depths.length)];
};

/**
 * Colours a pixel of a view.
 * @param pixel index
 * @param out RGB, 0–255, may lie outside
 * @returns share of the pixel that the background has, 0–1
 */
export type Painter = (pixel: number, out: Float32Array) => number;

/** Finds places of triangles in the photograph. */
const createLocator = ({ placed, raster, still, size }: RigScene) => {
  const at = [0, 0, 0];
  return {
    /** x, y, and depth of the place that was located last. */ at,
    locate: (corner: readonly number[], wa: number, wb: number): void => {
      const [a, b, c] = corner;
      for (let axis = 0; axis < 3; axis++) {
        at[axis] =
          wa * placed[3 * a + axis] + wb * placed[3 * b + axis] + (1 - wa - wb) * placed[3 * c + axis];
      }
    },
    /** Whether the photograph shows that place. @param tolerance of the object's size */
    isPhotographed: (tolerance: number): boolean => {
      const [x, y, depth] = at;
      if (x < 0 || y < 0 || x >= still.width || y >= still.height) return false;
      return depth <= raster.depth[Math.floor(y) * still.width + Math.floor(x)] + tolerance * size;
    },
  };
};

/** @param placed the scene's vertices in the view @param raster of the view @param gain of light at each vertex */
export const createPainter = (
  scene: RigScene,
  change: RigChange,
  placed: Float32Array,
  raster: Raster,
  gain: Float32Array,
): Painter => {
  const { still, triangles, rigTriangles, rigVertices, prepared, size, outside, middle } = scene;
  const { width, height } = still;
  const photograph = createPhotograph(scene);
  const { at, locate, isPhotographed } = createLocator(scene);
  const front = frontDepth(placed, scene);
  const corner = [0, 0, 0];

  /** What the turn uncovers was never seen: the edge of the photograph goes on there. */
  const paintUncovered = (pixel: number, out: Float32Array): void => {
    const [x, y] = [(pixel % width) + 0.5, Math.floor(pixel / width) + 0.5];
    if (Math.abs(x - middle.x) > Math.abs(y - middle.y)) photograph(x < middle.x ? 0 : width, y, out);
    else photograph(x, y < middle.y ? 0 : height, out);
  };

  const paintSkin = (wa: number, wb: number, out: Float32Array): void => {
    if (!isPhotographed(skinTolerance)) {
      // The other half of the face stands in for what is hidden; where that is hidden, too, what covers it.
      const own = [...at];
      if (prepared.reach[corner[0]] > 0.5) {
        locate(
          corner.map((v) => prepared.mirrored[v]),
          wa,
          wb,
        );
      }
      if (!isPhotographed(skinTolerance)) [at[0], at[1]] = own;
    }
    photograph(at[0], at[1], out);
  };

  return (pixel, out) => {
    const t = raster.triangle[pixel];
    if (t < 0) {
      paintUncovered(pixel, out);
      return 1;
    }
    const [wa, wb] = [raster.first[pixel], raster.second[pixel]];
    for (let k = 0; k < 3; k++) corner[k] = triangles[3 * t + k];
    locate(corner, wa, wb);
    const mix = (values: Float32Array, offset = 0): number =>
      wa * values[corner[0] - offset] +
      wb * values[corner[1] - offset] +
      (1 - wa - wb) * values[corner[2] - offset];
    let covered = 0;
    if (t >= rigTriangles) {
      photograph(at[0], at[1], out);
      if (change.background) {
        covered = smoothstep(backgroundFrom, backgroundTo, mix(outside, rigVertices) / size);
      }
    } else {
      const material = prepared.materials[prepared.material[t]];
      if (material.kind === 'photo') paintSkin(wa, wb, out);
      else if (isPhotographed(depthTolerance)) photograph(at[0], at[1], out);
      else
        plainColour(material, mix(prepared.gaze), (raster.depth[pixel] - front) / size, scene, change, out);
    }
    const light = mix(gain);
    for (let channel = 0; channel < 3; channel++) out[channel] *= light;
    return covered;
  };
};
