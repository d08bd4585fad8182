/** What drawing needs of a rig and no picture changes: made once. */
import type { Material, Rig } from './rig.ts';
import { partOfVertices } from './rig.ts';

export type PreparedRig = {
  rig: Rig;
  /** (T, 3) triangles that are drawn. */ drawn: Uint32Array;
  /** (T) index of each one's material in `materials`. */ material: Uint8Array;
  materials: readonly Material[];
  /** (U, 3) triangles of the outer surface, drawn or not: they tell how deep things lie. */ outer: Uint32Array;
  /** Sign of the area of a triangle that shows its front, in picture coordinates. */ facing: 1 | -1;
  /** (V) the vertex on the other side of the plane x = 0. */ mirrored: Uint32Array;
  /** (V, L) how much the misfit of each landmark moves each vertex, 0–1. */ pull: Float32Array;
  /** (V) how much of a change of shape reaches a vertex, 0–1: less far from the landmarks, where the photograph goes on. */
  reach: Float32Array;
  /** (V) angle from the axis of its eyeball, radians; 0 elsewhere. */ gaze: Float32Array;
  /** Longer side of the box of the landmarks at rest, rig units. */ size: number;
};

const distanceBetween = (a: Float32Array, i: number, b: Float32Array, j: number): number =>
  Math.hypot(a[3 * i] - b[3 * j], a[3 * i + 1] - b[3 * j + 1], a[3 * i + 2] - b[3 * j + 2]);

/** Nearest vertex to the mirror image of each one, among those of its part and of the part on the other side. */
const mirrorVertices = (neutral: Float32Array, cell: number): Uint32Array => {
  const count = neutral.length / 3;
  const key = (x: number, y: number, z: number): string =>
    `${Math.round(x / cell)},${Math.round(y / cell)},${Math.round(z / cell)}`;
  const cells = new Map<string, number[]>();
  for (let v = 0; v < count; v++) {
    const at = key(neutral[3 * v], neutral[3 * v + 1], neutral[3 * v + 2]);
    const list = cells.get(at);
    if (list) list.push(v);
    else cells.set(at, [v]);
  }
  return Uint32Array.from({ length: count }, (_, v) => {
    const [x, y, z] = [-neutral[3 * v], neutral[3 * v + 1], neutral[3 * v + 2]];
    let [best, least] = [v, Infinity];
    for (let dx = -1; dx <= 1; dx++) {
      for (let dy = -1; dy <= 1; dy++) {
        for (let dz = -1; dz <= 1; dz++) {
          for (const other of cells.get(key(x + dx * cell, y + dy * cell, z + dz * cell)) ?? []) {
            const away =
              (neutral[3 * other] - x) ** 2 +
              (neutral[3 * other + 1] - y) ** 2 +
              (neutral[3 * other + 2] - z) ** 2;
            if (away < least) [best, least] = [other, away];
          }
        }
      }
    }
    return best;
  });
};

/** Landmarks that points of pictures hardly lie on pull nothing. */
const trusted = 0.5;

const pullsOf = ({ neutral, landmarks, landmarkWeights }: Rig, size: number) => {
  const count = neutral.length / 3;
  const pull = new Float32Array(count * landmarks.length);
  const reach = new Float32Array(count);
  const [near, far] = [0.02 * size, 0.13 * size];
  for (let v = 0; v < count; v++) {
    let nearest = Infinity;
    let total = 1 / (far * far + near * near) ** 2;
    for (const [l, landmark] of landmarks.entries()) {
      const distance = distanceBetween(neutral, v, neutral, landmark);
      nearest = Math.min(nearest, distance);
      if (landmarkWeights[l] < trusted) continue;
      const weight = 1 / (distance * distance + near * near) ** 2;
      pull[v * landmarks.length + l] = weight;
      total += weight;
    }
    for (let l = 0; l < landmarks.length; l++) pull[v * landmarks.length + l] /= total;
    reach[v] = Math.exp(-((Math.max(0, nearest - 0.2 * size) / (0.1 * size)) ** 2));
  }
  return { pull, reach };
};

const gazeAngles = ({ neutral, parts }: Rig): Float32Array => {
  const gaze = new Float32Array(neutral.length / 3);
  for (const { from, to, material } of parts) {
    if (material?.kind !== 'eye') continue;
    const low = [Infinity, Infinity, Infinity];
    const high = [-Infinity, -Infinity, -Infinity];
    for (let i = 3 * from; i < 3 * to; i++) {
      low[i % 3] = Math.min(low[i % 3], neutral[i]);
      high[i % 3] = Math.max(high[i % 3], neutral[i]);
    }
    // The lens bulges forwards: width and height have the ball's own middle, depth that of its back.
    const radius = (high[0] - low[0]) / 2;
    const [x, y, z] = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2] + radius];
    for (let v = from; v < to; v++) {
      const aside = Math.hypot(neutral[3 * v] - x, neutral[3 * v + 1] - y);
      gaze[v] = Math.atan2(aside, neutral[3 * v + 2] - z);
    }
  }
  return gaze;
};

/** The longer side of the landmarks at rest. */
const restSize = ({ neutral, landmarks }: Rig): number => {
  const extent = (axis: number): number => {
    const values = landmarks.map((v) => neutral[3 * v + axis]);
    return Math.max(...values) - Math.min(...values);
  };
  return Math.max(extent(0), extent(1));
};

export const prepareRig = (rig: Rig): PreparedRig => {
  const { neutral, triangles, parts } = rig;
  const partOf = partOfVertices(rig);
  const drawn: number[] = [];
  const outer: number[] = [];
  const material: number[] = [];
  const materials: Material[] = [];
  const materialOf = parts.map(({ material: one }) => (one === undefined ? -1 : materials.push(one) - 1));
  let area = 0;
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = triangles.subarray(t, t + 3);
    const index = partOf[a] < 0 ? -1 : materialOf[partOf[a]];
    const isPhoto = index >= 0 && materials[index].kind === 'photo';
    if (index >= 0) {
      drawn.push(a, b, c);
      material.push(index);
    }
    if (isPhoto || parts[partOf[a]]?.isOuter === true) outer.push(a, b, c);
    // Most of what is photographed faces the onlooker at rest; y points down in pictures.
    if (isPhoto) {
      area -=
        (neutral[3 * b] - neutral[3 * a]) * (neutral[3 * c + 1] - neutral[3 * a + 1]) -
        (neutral[3 * b + 1] - neutral[3 * a + 1]) * (neutral[3 * c] - neutral[3 * a]);
    }
  }
  const size = restSize(rig);
  return {
    rig,
    drawn: Uint32Array.from(drawn),
    material: Uint8Array.from(material),
    materials,
    outer: Uint32Array.from(outer),
    facing: area < 0 ? -1 : 1,
    mirrored: mirrorVertices(neutral, 0.02 * size),
    ...pullsOf(rig, size),
    gaze: gazeAngles(rig),
    size,
  };
};
