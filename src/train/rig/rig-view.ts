/** Draws a photographed object from another side, in another expression and another light. */
import type { RawPicture } from '../../media/raw-picture.ts';
import type { Material } from './rig.ts';
import type { Raster } from './raster.ts';
import { rasterize } from './raster.ts';
import type { RigScene } from './rig-scene.ts';

/** How a view differs from the photograph; nothing of it is the photograph itself. */
export type RigChange = {
  /** Turn about the vertical axis, radians; positive turns to the right of the picture. */ yaw: number;
  /** About the horizontal axis, radians; positive looks down. */ pitch: number;
  /** Added to the weights of the fit, by mode. */ identity: ArrayLike<number>;
  /** Added to the weights of the fit, by expression. */ expression: ArrayLike<number>;
  /** Where light is added from, picture axes; its length is how much, 0 none. */ light: readonly [
    number,
    number,
    number,
  ];
  /** Colour of the iris where the photograph does not show it, 0–255. */ iris: readonly [
    number,
    number,
    number,
  ];
  /** A picture of the same size that stands for what lies around the head, where that is replaced. */
  background?: RawPicture;
};

export type RigView = {
  picture: RawPicture;
  /** (V + S, 3) x, y in pixels, and depth. */ placed: Float32Array;
  raster: Raster;
  /** (H · W) share of each pixel that the background has, 0–1. */ covered: Float32Array;
};

/** Distance of the camera, in object sizes: a portrait's perspective. */
const cameraDistance = 4;
/** A place shows in the photograph where its depth is no more than this behind what does, of the object's size. */
export const depthTolerance = 0.02;
/** Where a replaced background begins and is all there is: distance from the outline of the head, of its size. */
const backgroundFrom = 0.16;
const backgroundTo = 0.24;
/** Angles from the axis of an eye, radians. */
const irisAngle = 0.5;
const pupilAngle = 0.2;

/** Displacements of the rig's vertices, rig units, into the picture. @returns (V, 3) pixels */
const deformation = ({ prepared, fit }: RigScene, { identity, expression }: RigChange): Float32Array => {
  const { rig, reach } = prepared;
  const moved = new Float32Array(rig.neutral.length);
  const add = (delta: Float32Array, weight: number): void => {
    if (weight === 0) return;
    for (let i = 0; i < moved.length; i++) moved[i] += weight * delta[i];
  };
  for (let k = 0; k < identity.length; k++) add(rig.identity[k], identity[k]);
  for (let k = 0; k < expression.length; k++) {
    const from = fit.expression[k];
    add(rig.expressions[k], Math.max(0, Math.min(1, from + expression[k])) - from);
  }
  const { scale, rotation: r } = fit.pose;
  for (let v = 0; v < reach.length; v++) {
    const gain = scale * reach[v];
    const [x, y, z] = [moved[3 * v], -moved[3 * v + 1], -moved[3 * v + 2]];
    moved[3 * v] = gain * (r[0] * x + r[1] * y + r[2] * z);
    moved[3 * v + 1] = gain * (r[3] * x + r[4] * y + r[5] * z);
    moved[3 * v + 2] = gain * (r[6] * x + r[7] * y + r[8] * z);
  }
  return moved;
};

/** (V + S, 3) the scene's vertices after a change. */
const placeScene = (scene: RigScene, change: RigChange): Float32Array => {
  const { placed: still, pivot, size, prepared, middle } = scene;
  const moved = deformation(scene, change);
  const placed = new Float32Array(still.length);
  const [cy, sy, cp, sp] = [
    Math.cos(change.yaw),
    Math.sin(change.yaw),
    Math.cos(change.pitch),
    Math.sin(change.pitch),
  ];
  const camera = cameraDistance * size;
  for (let i = 0; i < still.length; i += 3) {
    const isRig = i < moved.length;
    const dx = still[i] + (isRig ? moved[i] : 0) - pivot.x;
    const dy = still[i + 1] + (isRig ? moved[i + 1] : 0) - pivot.y;
    const dz = still[i + 2] + (isRig ? moved[i + 2] : 0) - pivot.depth;
    const x = cy * dx - sy * dz;
    const z = cy * dz + sy * dx;
    const y = cp * dy - sp * z;
    const depth = cp * z + sp * dy;
    // Against the photograph's own depth: that already has its perspective.
    const shrink = camera / Math.max(0.2 * camera, camera + depth - (still[i + 2] - pivot.depth));
    placed[i] = pivot.x + x * shrink;
    placed[i + 1] = pivot.y + y * shrink;
    placed[i + 2] = depth;
  }
  // A turn about the middle of the head takes the face aside; the crop goes along with it, mostly.
  const { landmarks } = prepared.rig;
  const mean = (axis: number): number =>
    landmarks.reduce((sum, v) => sum + placed[3 * v + axis], 0) / landmarks.length;
  const [shiftX, shiftY] = [0.8 * (middle.x - mean(0)), 0.8 * (middle.y - mean(1))];
  for (let i = 0; i < placed.length; i += 3) {
    placed[i] += shiftX;
    placed[i + 1] += shiftY;
  }
  return placed;
};

/** Gain of added light at every vertex. */
const shade = (
  placed: Float32Array,
  { triangles, facing }: RigScene,
  [lx, ly, lz]: RigChange['light'],
): Float32Array => {
  const gain = new Float32Array(placed.length / 3).fill(1);
  if (lx === 0 && ly === 0 && lz === 0) return gain;
  const normals = new Float32Array(placed.length);
  for (let t = 0; t < facing.length; t++) {
    const [a, b, c] = [3 * triangles[3 * t], 3 * triangles[3 * t + 1], 3 * triangles[3 * t + 2]];
    const [ux, uy, uz] = [
      placed[b] - placed[a],
      placed[b + 1] - placed[a + 1],
      placed[b + 2] - placed[a + 2],
    ];
    const [vx, vy, vz] = [
      placed[c] - placed[a],
      placed[c + 1] - placed[a + 1],
      placed[c + 2] - placed[a + 2],
    ];
    // Towards the onlooker where the front is seen: depth grows away, so the sign is turned.
    const sign = -facing[t];
    const normal = [sign * (uy * vz - uz * vy), sign * (uz * vx - ux * vz), sign * (ux * vy - uy * vx)];
    for (const at of [a, b, c]) {
      for (let axis = 0; axis < 3; axis++) normals[at + axis] += normal[axis];
    }
  }
  for (let v = 0; v < gain.length; v++) {
    const length = Math.hypot(normals[3 * v], normals[3 * v + 1], normals[3 * v + 2]);
    if (length === 0) continue;
    const along = (lx * normals[3 * v] + ly * normals[3 * v + 1] + lz * normals[3 * v + 2]) / length;
    gain[v] = Math.exp(along);
  }
  return gain;
};

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

/** Depth of the lips' plane: the mean of the landmarks nearest to the mouth's inside is not known, their middle is. */
const frontDepth = (placed: Float32Array, { prepared }: RigScene): number => {
  const depths = prepared.rig.landmarks.map((v) => placed[3 * v + 2]).sort((a, b) => a - b);
  return depths[Math.floor(0.35 * depths.length)];
};

/** Draws one view. */
export const drawView = (scene: RigScene, change: RigChange): RigView => {
  const { still, triangles, facing, rigTriangles, rigVertices, prepared, size, outside } = scene;
  const { width, height } = still;
  const placed = placeScene(scene, change);
  const raster = rasterize(placed, triangles, facing, width, height);
  const gain = shade(placed, scene, change.light);
  const photograph = createPhotograph(scene);
  const front = frontDepth(placed, scene);
  const tolerance = depthTolerance * size;
  const rgb = new Uint8Array(width * height * 3);
  const covered = new Float32Array(width * height);
  const colour = new Float32Array(3);
  const corner = [0, 0, 0];
  const at = [0, 0, 0];

  /** Where a place of a triangle lies in the photograph, with vertices exchanged by `map`: x, y, and depth in `at`. */
  const locate = (wa: number, wb: number, map?: Uint32Array): void => {
    const wc = 1 - wa - wb;
    const [a, b, c] = map ? [map[corner[0]], map[corner[1]], map[corner[2]]] : corner;
    for (let axis = 0; axis < 3; axis++) {
      at[axis] =
        wa * scene.placed[3 * a + axis] + wb * scene.placed[3 * b + axis] + wc * scene.placed[3 * c + axis];
    }
  };
  const isPhotographed = (): boolean => {
    const [x, y, depth] = at;
    if (x < 0 || y < 0 || x >= width || y >= height) return false;
    return depth <= scene.raster.depth[Math.floor(y) * width + Math.floor(x)] + tolerance;
  };

  for (let pixel = 0; pixel < width * height; pixel++) {
    const t = raster.triangle[pixel];
    if (t < 0) {
      // What the turn uncovers was never seen: the edge of the photograph goes on there.
      const [x, y] = [(pixel % width) + 0.5, Math.floor(pixel / width) + 0.5];
      const isAside = Math.abs(x - scene.middle.x) > Math.abs(y - scene.middle.y);
      photograph(
        isAside ? (x < scene.middle.x ? 0 : width) : x,
        isAside ? y : y < scene.middle.y ? 0 : height,
        colour,
      );
      covered[pixel] = 1;
    } else {
      const [wa, wb] = [raster.first[pixel], raster.second[pixel]];
      for (let k = 0; k < 3; k++) corner[k] = triangles[3 * t + k];
      locate(wa, wb);
      let isSeen = isPhotographed();
      const mix = (values: Float32Array, offset = 0): number =>
        wa * values[corner[0] - offset] +
        wb * values[corner[1] - offset] +
        (1 - wa - wb) * values[corner[2] - offset];
      if (t < rigTriangles) {
        const material = prepared.materials[prepared.material[t]];
        if (!isSeen && material.kind === 'photo') {
          // The other half of the face stands in for what is hidden; where that is hidden, too, what covers it.
          const own = [...at];
          if (prepared.reach[corner[0]] > 0.5) locate(wa, wb, prepared.mirrored);
          if (!isPhotographed()) [at[0], at[1]] = own;
          isSeen = true;
        }
        if (isSeen) photograph(at[0], at[1], colour);
        else {
          const depth = raster.depth[pixel];
          plainColour(material, mix(prepared.gaze), (depth - front) / size, scene, change, colour);
        }
      } else {
        photograph(at[0], at[1], colour);
        if (change.background) {
          const away = mix(outside, rigVertices) / size;
          covered[pixel] = smoothstep(backgroundFrom, backgroundTo, away);
        }
      }
      const light = mix(gain);
      for (let channel = 0; channel < 3; channel++) colour[channel] *= light;
    }
    const share = change.background ? covered[pixel] : 0;
    for (let channel = 0; channel < 3; channel++) {
      const behind = change.background ? change.background.rgb[3 * pixel + channel] : 0;
      const value = (1 - share) * colour[channel] + share * behind;
      rgb[3 * pixel + channel] = Math.max(0, Math.min(255, Math.round(value)));
    }
  }
  return { picture: { file: still.file, width, height, rgb }, placed, raster, covered };
};

/** The photograph itself as a view. */
export const stillView = ({ still, placed, raster }: RigScene): RigView => ({
  ...{ picture: still, placed, raster },
  covered: new Float32Array(still.width * still.height),
});
