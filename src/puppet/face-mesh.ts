import { pointCount } from './canonical-points.ts';
import type { FaceModel, MediapipePlaces } from './face-model.ts';
import type { Lens } from './face-solver.ts';
import type { Placement, PoseFit } from './pose-fit.ts';

/** The head, coarse and closed: draw it into the depth buffer alone, and it hides what is behind it. */
export type Occluder = {
  /** (W, 3) head coordinates, cm; the same array every frame. */ positions: Float32Array;
  /** (U, 3) vertices of triangles, counter-clockwise from outside. */ index: Uint16Array;
};

/** Vertices around a hole of the mesh, in order. */
export type MeshOpenings = {
  /** Of the subject's right eye. */ rightEye: Uint16Array;
  /** Of the subject's left eye. */ leftEye: Uint16Array;
  /** Between the lips. */ mouth: Uint16Array;
};

/**
 * The face as a surface of V vertices whose meaning never changes. The arrays are made once and filled anew in every frame:
 * copy what is to be kept.
 */
export type FaceMesh = {
  /** (V, 3) head coordinates, cm: `HeadPose.matrix` takes them before the camera. */ positions: Float32Array;
  /** (V, 2) x, y in the picture, pixels. */ points: Float32Array;
  /** (V, 2) texture coordinates, 0–1; (0, 0) is the texture's top-left corner. */ uv: Float32Array;
  /** (T, 3) vertices of triangles, counter-clockwise from the front. */ index: Uint16Array;
  /** Where eyes and mouth show through. */ openings: MeshOpenings;
  /** (68) the vertex of each landmark, iBUG order. */ landmarks: Uint16Array;
  /** Where MediaPipe's 468 points lie on it. */ mediapipe: MediapipePlaces;
  /** What hides that which is behind the head. */ occluder: Occluder;
};

/** Landmarks that a vertex goes along with. */
const companions = 6;
/** The jaw's points slide along the rim of what is seen: they pull nothing. */
const firstPull = 17;

/** Neighbours of every vertex along the mesh's edges, and how far they are at rest, cm. */
const edgesOf = ({ index, neutral, vertices }: FaceModel['mask']) => {
  const edges = Array.from({ length: vertices }, () => new Map<number, number>());
  const join = (a: number, b: number): void => {
    edges[a].set(b, Math.hypot(...[0, 1, 2].map((axis) => neutral[3 * a + axis] - neutral[3 * b + axis])));
  };
  for (let t = 0; t < index.length; t += 3) {
    for (const [a, b] of [
      [index[t], index[t + 1]],
      [index[t + 1], index[t + 2]],
      [index[t + 2], index[t]],
    ]) {
      join(a, b);
      join(b, a);
    }
  }
  return edges;
};

/** Beyond this nothing is pulled, cm along the surface. */
const farthest = 6;

/** How far every vertex is from one along the surface, cm (Dijkstra); Infinity beyond what counts. */
const distancesFrom = (start: number, edges: ReturnType<typeof edgesOf>): Float64Array => {
  const distances = new Float64Array(edges.length).fill(Infinity);
  const open = new Set([start]);
  distances[start] = 0;
  while (open.size > 0) {
    const [first, ...others] = open;
    const nearest = others.reduce((best, v) => (distances[v] < distances[best] ? v : best), first);
    open.delete(nearest);
    for (const [v, length] of edges[nearest]) {
      const distance = distances[nearest] + length;
      if (distance >= Math.min(distances[v], farthest)) continue;
      distances[v] = distance;
      open.add(v);
    }
  }
  return distances;
};

/**
 * How much of each landmark's misfit every vertex takes over: (V, companions) landmarks and shares, by their distance along the
 * surface, which has openings: an upper lip does not go along with the lower one.
 */
const pullsOf = ({ mask, landmarks }: FaceModel) => {
  const [near, far] = [0.35, 2.2];
  const which = new Uint8Array(mask.vertices * companions);
  const shares = new Float32Array(mask.vertices * companions);
  const edges = edgesOf(mask);
  const away = Array.from(landmarks.subarray(firstPull), (v) => distancesFrom(v, edges));
  for (let v = 0; v < mask.vertices; v++) {
    const all = away.map((distances, i) => ({
      l: firstPull + i,
      weight: 1 / (distances[v] ** 2 + near * near) ** 2,
    }));
    const total = all.reduce((sum, { weight }) => sum + weight, 1 / (far * far + near * near) ** 2);
    all.sort((a, b) => b.weight - a.weight);
    for (let c = 0; c < companions; c++) {
      which[v * companions + c] = all[c].l;
      shares[v * companions + c] = all[c].weight / total;
    }
  }
  return { which, shares };
};

/** out = neutral + Σ weight · mode. @param modes (K, V, 3) */
const form = (
  neutral: Float32Array,
  modes: Float32Array,
  weights: ArrayLike<number>,
  out: Float32Array,
): void => {
  out.set(neutral);
  for (let k = 0; k < weights.length; k++) {
    const weight = weights[k];
    if (weight === 0) continue;
    for (let i = 0, at = k * out.length; i < out.length; i++, at++) out[i] += weight * modes[at];
  }
};

/** Makes the mesh, and what fills it. */
export const createMeshBuilder = (face: FaceModel) => {
  const { mask, occluder } = face;
  const { which, shares } = pullsOf(face);
  const base = new Float32Array(3 * mask.vertices);
  const misfit = new Float64Array(3 * pointCount);
  const mesh: FaceMesh = {
    positions: mask.neutral.slice(),
    points: new Float32Array(2 * mask.vertices),
    ...{ uv: mask.uv, index: mask.index, openings: face.openings, landmarks: face.landmarks },
    mediapipe: face.mediapipe,
    occluder: { positions: occluder.neutral.slice(), index: occluder.index },
  };

  /** Into the picture. */
  const project = (
    { rotation: r, translation: t }: Placement,
    { focalLength, width, height }: Lens,
  ): void => {
    const { positions, points } = mesh;
    for (let v = 0; v < mask.vertices; v++) {
      const [x, y, z] = [positions[3 * v], positions[3 * v + 1], positions[3 * v + 2]];
      const depth = Math.max(1, -(r[6] * x + r[7] * y + r[8] * z + t[2]));
      points[2 * v] = width / 2 + (focalLength * (r[0] * x + r[1] * y + r[2] * z + t[0])) / depth;
      points[2 * v + 1] = height / 2 - (focalLength * (r[3] * x + r[4] * y + r[5] * z + t[1])) / depth;
    }
  };

  return {
    mesh,
    /** Who it is: shapes the face at rest and the occluder. */
    setIdentity: (identity: ArrayLike<number>): void => {
      form(mask.neutral, mask.identity, identity, base);
      form(occluder.neutral, occluder.identity, identity, mesh.occluder.positions);
    },
    /** @param fit undefined: no points to follow, the shape alone */
    fill: (weights: ArrayLike<number>, placement: Placement, lens: Lens, fit?: PoseFit): void => {
      const { positions } = mesh;
      form(base, mask.expressions, weights, positions);
      if (fit !== undefined) {
        const { rotation: r, residuals } = fit;
        for (let l = 0; l < pointCount; l++) {
          const [dx, dy] = [residuals[2 * l], residuals[2 * l + 1]];
          for (let axis = 0; axis < 3; axis++) misfit[3 * l + axis] = r[axis] * dx + r[3 + axis] * dy;
        }
        for (let v = 0; v < mask.vertices; v++) {
          for (let c = v * companions; c < (v + 1) * companions; c++) {
            const [l, share] = [3 * which[c], shares[c]];
            for (let axis = 0; axis < 3; axis++) positions[3 * v + axis] += share * misfit[l + axis];
          }
        }
      }
      project(placement, lens);
    },
  };
};
