/** Reads ICT-FaceKit Light, packed (`meta.json` beside arrays), as a rig. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, firstLine } from '../errors.ts';
import { readJson } from '../files-node/read-json.ts';
import type { Gesture, Material, Rig, RigPart } from '../train/rig/rig.ts';
import { partOf } from '../train/rig/rig.ts';

type Meta = {
  vertices: number;
  quads: number;
  identityModes: number;
  expressions: string[];
  landmarks68: number[];
  /** First and last vertex. */ parts: Record<string, [number, number]>;
};

/** What is drawn, and how. The parts that are left out are transparent, or behind the photograph. */
const materials: Record<string, Material> = {
  face: { kind: 'photo' },
  mouthSocket: { kind: 'plain', rgb: [70, 28, 26] },
  eyeSocketLeft: { kind: 'photo' },
  eyeSocketRight: { kind: 'photo' },
  gumsAndTongue: { kind: 'plain', rgb: [172, 92, 88] },
  teeth: { kind: 'plain', rgb: [232, 222, 204] },
  eyeballLeft: { kind: 'eye' },
  eyeballRight: { kind: 'eye' },
  lacrimal: { kind: 'photo' },
};
/** Not drawn, but it tells how deep ears, hair and neck lie. */
const depthOnly = 'headAndNeck';

const both = (name: string): Record<string, number> => ({ [`${name}_L`]: 1, [`${name}_R`]: 1 });

/** What faces do, and how often in one view. */
const gestures: Gesture[] = [
  { weights: { jawOpen: 1 }, probability: 0.3 },
  { weights: { jawOpen: 0.5 }, probability: 0.25 },
  { weights: both('eyeBlink'), probability: 0.3 },
  { weights: { eyeBlink_L: 1 }, probability: 0.06 },
  { weights: { eyeBlink_R: 1 }, probability: 0.06 },
  { weights: both('eyeSquint'), probability: 0.15 },
  { weights: both('eyeWide'), probability: 0.1 },
  { weights: { ...both('mouthSmile'), ...both('cheekSquint') }, probability: 0.25 },
  {
    weights: { ...both('mouthSmile'), ...both('mouthUpperUp'), ...both('mouthLowerDown') },
    probability: 0.15,
  },
  { weights: both('mouthFrown'), probability: 0.12 },
  { weights: { mouthPucker: 1 }, probability: 0.12 },
  { weights: { mouthFunnel: 1 }, probability: 0.12 },
  { weights: both('mouthStretch'), probability: 0.1 },
  { weights: { ...both('mouthUpperUp'), ...both('mouthLowerDown') }, probability: 0.12 },
  { weights: { mouthLeft: 1 }, probability: 0.08 },
  { weights: { mouthRight: 1 }, probability: 0.08 },
  { weights: { jawLeft: 1 }, probability: 0.06 },
  { weights: { jawRight: 1 }, probability: 0.06 },
  { weights: { ...both('browInnerUp'), ...both('browOuterUp') }, probability: 0.2 },
  { weights: both('browInnerUp'), probability: 0.1 },
  { weights: both('browDown'), probability: 0.2 },
  { weights: both('noseSneer'), probability: 0.1 },
  { weights: { eyeLookIn_L: 1, eyeLookOut_R: 1 }, probability: 0.15 },
  { weights: { eyeLookOut_L: 1, eyeLookIn_R: 1 }, probability: 0.15 },
  { weights: both('eyeLookUp'), probability: 0.1 },
  { weights: both('eyeLookDown'), probability: 0.15 },
];

/** The jaw line of detectors is the rim of what faces the camera, the rig's is on the bone. */
const jawPoints = 17;
const jawWeight = 0.15;

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((entry) => Number.isInteger(entry) && Number(entry) >= 0);

const checkMeta = (value: unknown, path: string): Meta => {
  const meta = (value ?? {}) as Partial<Meta>;
  const counts = [meta.vertices, meta.quads, meta.identityModes];
  const parts = Object.values(meta.parts ?? { none: [] });
  const isWhole =
    isNumbers(counts) &&
    isNumbers(meta.landmarks68) &&
    meta.landmarks68.every((vertex) => vertex < Number(meta.vertices)) &&
    Array.isArray(meta.expressions) &&
    parts.every((range) => isNumbers(range) && range.length === 2 && range[1] < Number(meta.vertices));
  if (!isWhole) {
    throw new InputError(
      `${path} does not hold vertices, quads, identityModes, expressions, landmarks68 and parts with ranges of vertices. Give the folder of a face rig.`,
    );
  }
  return meta as Meta;
};

/** Value of every half-precision number. */
const halves = (): Float32Array =>
  Float32Array.from({ length: 65_536 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = (bits & 1023) / 1024;
    if (exponent === 31) return NaN;
    return sign * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15));
  });

const readBytes = async (path: string, length: number): Promise<ArrayBuffer> => {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new InputError(
      `${path} cannot be read (${firstLine(error)}). Give the whole folder of a face rig.`,
    );
  }
  if (bytes.byteLength !== length) {
    throw new InputError(
      `${path} has ${bytes.byteLength} bytes but meta.json beside it says ${length}. Give the whole folder of a face rig.`,
    );
  }
  return Uint8Array.from(bytes).buffer;
};

const trianglesOf = (quads: Uint16Array): Uint32Array => {
  const triangles: number[] = [];
  for (let i = 0; i < quads.length; i += 4) {
    const [a, b, c, d] = quads.subarray(i, i + 4);
    triangles.push(a, b, c);
    if (d !== c) triangles.push(a, c, d);
  }
  return Uint32Array.from(triangles);
};

/**
 * @param folder with meta.json, neutral.f32, identity.f16, expression.f16 and quads.u16
 * @throws InputError for a file that is missing or of another size, or a part that is not named
 */
export const readFaceKit = async (folder: string): Promise<Rig> => {
  const metaPath = join(folder, 'meta.json');
  const meta = checkMeta(await readJson(metaPath, 'Give the folder of a face rig.'), metaPath);
  const { vertices, expressions: expressionNames } = meta;
  const parts = Object.entries(meta.parts).map(([name, [first, last]]): RigPart => {
    const material = materials[name];
    const range = { name, from: first, to: last + 1 };
    if (name === depthOnly) return { ...range, isOuter: true };
    return name in materials ? { ...range, material } : range;
  });
  for (const name of [...Object.keys(materials), depthOnly]) partOf({ parts }, name);
  const table = halves();
  const deltas = async (file: string, count: number): Promise<Float32Array[]> => {
    const packed = new Uint16Array(await readBytes(join(folder, file), count * vertices * 6));
    return Array.from({ length: count }, (_, k) =>
      Float32Array.from(packed.subarray(3 * vertices * k, 3 * vertices * (k + 1)), (bits) => table[bits]),
    );
  };
  const quads = new Uint16Array(await readBytes(join(folder, 'quads.u16'), meta.quads * 8));
  return {
    neutral: new Float32Array(await readBytes(join(folder, 'neutral.f32'), vertices * 12)),
    triangles: trianglesOf(quads),
    identity: await deltas('identity.f16', meta.identityModes),
    expressions: await deltas('expression.f16', expressionNames.length),
    expressionNames,
    expressionSds: expressionNames.map((name) => (/^(cheek|eyeLook)/.test(name) ? 0.05 : 0.4)),
    parts,
    landmarks: meta.landmarks68,
    landmarkWeights: meta.landmarks68.map((_, i) => (i < jawPoints ? jawWeight : 1)),
    gestures,
  };
};
