/** A skinned hand read from a GLB file: one mesh on a flat list of joints, as WebXR's generic hand has it. */
import { readFileSync } from 'node:fs';

/** 3 × 4, row by row: turn and shift. */
export type Rigid = readonly number[];

export type Hand = {
  /** (V, 3) at rest, metres. */ vertices: Float32Array;
  /** (T, 3) vertices. */ triangles: Uint32Array;
  /** (V, 4) joints that move a vertex, and how much. */ joints: Uint8Array;
  weights: Float32Array;
  names: string[];
  /** Of each joint: from its own frame to where it is at rest, and back. */ rest: Rigid[];
  inverse: Rigid[];
};

type Gltf = {
  nodes: { name?: string }[];
  meshes: { primitives: { attributes: Record<string, number>; indices: number }[] }[];
  skins: { joints: number[]; inverseBindMatrices: number }[];
  accessors: { bufferView: number; byteOffset?: number; count: number }[];
  bufferViews: { byteOffset?: number; byteLength: number }[];
};

/** Turns transposed and shifts taken back: the joints are not scaled. */
const invert = (m: Rigid): Rigid => {
  const row = (r: number): number[] => {
    const [x, y, z] = [m[r], m[4 + r], m[8 + r]];
    return [x, y, z, -(x * m[3] + y * m[7] + z * m[11])];
  };
  return [...row(0), ...row(1), ...row(2)];
};

export const multiply = (a: Rigid, b: Rigid): Rigid =>
  [0, 4, 8].flatMap((r) =>
    [0, 1, 2, 3].map(
      (c) => a[r] * b[c] + a[r + 1] * b[4 + c] + a[r + 2] * b[8 + c] + (c === 3 ? a[r + 3] : 0),
    ),
  );

/** @throws Error where the file is not one mesh on one skin */
export const readHand = (path: string): Hand => {
  const file = readFileSync(path);
  const length = file.readUInt32LE(12);
  const gltf = JSON.parse(file.toString('utf8', 20, 20 + length)) as Gltf;
  const body = 20 + length + 8;
  const bytesOf = (index: number): ArrayBuffer => {
    const accessor = gltf.accessors[index];
    const view = gltf.bufferViews[accessor.bufferView];
    const start = body + (view.byteOffset ?? 0) + (accessor.byteOffset ?? 0);
    // Copied: floats have to lie on whole words.
    return Uint8Array.from(file.subarray(start, start + view.byteLength)).buffer;
  };
  const [skin] = gltf.skins;
  const [{ attributes, indices }] = gltf.meshes[0].primitives;
  const binds = new Float32Array(bytesOf(skin.inverseBindMatrices));
  // glTF has columns.
  const inverse = skin.joints.map((_, joint): Rigid =>
    [0, 1, 2].flatMap((r) => [0, 1, 2, 3].map((c) => binds[16 * joint + 4 * c + r])),
  );
  return {
    vertices: new Float32Array(bytesOf(attributes.POSITION)),
    triangles: Uint32Array.from(new Uint16Array(bytesOf(indices))),
    joints: new Uint8Array(bytesOf(attributes.JOINTS_0)),
    weights: new Float32Array(bytesOf(attributes.WEIGHTS_0)),
    names: skin.joints.map((node) => gltf.nodes[node].name ?? String(node)),
    inverse,
    rest: inverse.map(invert),
  };
};

/** The joint before each: the wrist before the first of every finger; −1 before the wrist. The file has them side by side. */
export const parentsOf = (names: readonly string[]): number[] =>
  names.map((name, joint) => {
    if (name === 'wrist') return -1;
    return name.endsWith('metacarpal') ? names.indexOf('wrist') : joint - 1;
  });

/**
 * Bends a hand: vertices and joints where they are then.
 * @param turns of each joint about its own axes
 * @returns (V, 3) and (J, 3), metres
 */
export const bendHand = (
  { vertices, joints, weights, names, rest, inverse }: Hand,
  turns: readonly Rigid[],
): { vertices: Float32Array; joints: Float32Array } => {
  const parents = parentsOf(names);
  const now: Rigid[] = [];
  rest.forEach((own, joint) => {
    const parent = parents[joint];
    const carried = parent < 0 ? own : multiply(multiply(now[parent], inverse[parent]), own);
    now.push(multiply(carried, turns[joint]));
  });
  const skin = now.map((place, joint) => multiply(place, inverse[joint]));
  const moved = new Float32Array(vertices.length);
  for (let v = 0; v < vertices.length; v += 3) {
    const at = (4 * v) / 3;
    for (let k = 0; k < 4; k++) {
      const weight = weights[at + k];
      if (weight === 0) continue;
      const m = skin[joints[at + k]];
      for (let r = 0; r < 3; r++) {
        moved[v + r] +=
          weight *
          (m[4 * r] * vertices[v] +
            m[4 * r + 1] * vertices[v + 1] +
            m[4 * r + 2] * vertices[v + 2] +
            m[4 * r + 3]);
      }
    }
  }
  return { vertices: moved, joints: Float32Array.from(now.flatMap((m) => [m[3], m[7], m[11]])) };
};
