/**
 * The puppet's 3-D face out of ICT-FaceKit Light: its front, decimated, with texture coordinates, identity modes and
 * expressions, and a coarse head that hides what lies behind it.
 *
 *   npx tsx tools/puppet/derive-face.ts --rig DIR --out models/face/face.bin
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineCommand } from '../../src/cli/arguments.ts';
import { resultOptions } from '../../src/cli/model-options.ts';
import { printResult } from '../../src/cli/output.ts';
import { InputError } from '../../src/errors.ts';
import { writeFileAtomic } from '../../src/files-node/atomic-file.ts';
import { readJson } from '../../src/files-node/read-json.ts';
import { packArrays } from '../../src/puppet/packed-arrays.ts';
import { readFaceKit } from '../../src/train-node/read-face-kit.ts';
import { partOf, type Rig } from '../../src/train/rig/rig.ts';
import { runTool } from '../run-tool.ts';
import { compact, decimate, rimsOf } from './decimate.ts';

const command = defineCommand({
  name: 'derive-face',
  about: 'Decimates the front of a 3-D face and writes it with its modes, for the puppet.',
  options: {
    rig: { type: 'string', placeholder: 'DIR', required: true, describe: 'Folder of ICT-FaceKit Light.' },
    out: { type: 'string', placeholder: 'FILE', required: true, describe: 'File to write.' },
    vertices: {
      type: 'integer',
      placeholder: 'N',
      default: 760,
      minimum: 300,
      describe: 'Of the mask, about.',
    },
    modes: { type: 'integer', placeholder: 'K', default: 24, minimum: 1, describe: 'Identity modes.' },
    mediapipe: {
      type: 'string',
      placeholder: 'FILE',
      describe: 'Where MediaPipe’s points lie, from map-mediapipe.',
    },
    ...resultOptions,
  },
});

/** Where the face deforms most: what these move apart is not joined. */
const telling = [
  'jawOpen',
  'eyeBlink_L',
  'eyeBlink_R',
  'mouthPucker',
  'mouthSmile_L',
  'mouthSmile_R',
  'browInnerUp_L',
];

/** Triangles whose vertices all lie in a run of them. */
const within = (triangles: Uint32Array, isIn: (v: number) => boolean): Uint32Array => {
  const chosen: number[] = [];
  for (let t = 0; t < triangles.length; t += 3) {
    const three = triangles.subarray(t, t + 3);
    if (three.every(isIn)) chosen.push(...three);
  }
  return Uint32Array.from(chosen);
};

/** (V, 2) of the face's own chart, y down, stretched alike to fill the texture. */
const readUv = async (
  folder: string,
  used: readonly number[],
  isFace: (v: number) => boolean,
): Promise<Float32Array> => {
  const bytes = async (name: string): Promise<ArrayBuffer> =>
    Uint8Array.from(await readFile(join(folder, name))).buffer;
  const [corners, charts] = [
    new Uint16Array(await bytes('quads.u16')),
    new Uint16Array(await bytes('quads_uv.u16')),
  ];
  const uv = new Float32Array(await bytes('uv.f32'));
  const chart = new Map<number, number>();
  for (let q = 0; q < corners.length; q += 4) {
    if (!corners.subarray(q, q + 4).every(isFace)) continue;
    for (let k = q; k < q + 4; k++) chart.set(corners[k], charts[k]);
  }
  const raw = used.map((v) => {
    const at = chart.get(v);
    if (at === undefined)
      throw new InputError(`Vertex ${v} of ${folder} has no texture coordinates. Give the whole rig.`);
    return [uv[2 * at], 1 - uv[2 * at + 1]];
  });
  const [us, vs] = [raw.map(([u]) => u), raw.map(([, v]) => v)];
  const [left, right, top, bottom] = [Math.min(...us), Math.max(...us), Math.min(...vs), Math.max(...vs)];
  const scale = 0.97 / Math.max(right - left, bottom - top);
  return Float32Array.from(
    raw.flatMap(([u, v]) => [0.5 + (u - (left + right) / 2) * scale, 0.5 + (v - (top + bottom) / 2) * scale]),
  );
};

const pick = (values: Float32Array, used: readonly number[]): number[] =>
  used.flatMap((v) => [values[3 * v], values[3 * v + 1], values[3 * v + 2]]);
const pickAll = (deltas: readonly Float32Array[], used: readonly number[]): Float32Array =>
  Float32Array.from(deltas.flatMap((delta) => pick(delta, used)));

/** Triangles as they are seen from the front: counter-clockwise. */
const turned = (triangles: Uint32Array, { neutral }: Rig): Uint32Array => {
  let area = 0;
  for (let t = 0; t < triangles.length; t += 3) {
    const [a, b, c] = [3 * triangles[t], 3 * triangles[t + 1], 3 * triangles[t + 2]];
    area +=
      (neutral[b] - neutral[a]) * (neutral[c + 1] - neutral[a + 1]) -
      (neutral[b + 1] - neutral[a + 1]) * (neutral[c] - neutral[a]);
  }
  if (area > 0) return triangles;
  return Uint32Array.from(triangles, (_, i) => triangles[i - (i % 3) + ((3 - (i % 3)) % 3)]);
};

const maskOf = async (rig: Rig, vertices: number) => {
  const { to } = partOf(rig, 'narrowFace');
  const fine = turned(
    within(rig.triangles, (v) => v < to),
    rig,
  );
  const count = rig.neutral.length / 3;
  const deltas = telling.map((name) => rig.expressions[rig.expressionNames.indexOf(name)]);
  const attributes = new Float32Array(count * deltas.length * 3);
  for (let v = 0; v < count; v++) {
    deltas.forEach((delta, k) => {
      for (let axis = 0; axis < 3; axis++)
        attributes[(v * deltas.length + k) * 3 + axis] = delta[3 * v + axis];
    });
  }
  const coarse = await decimate({
    ...{ positions: rig.neutral, triangles: fine, vertices, keep: rig.landmarks, attributes },
  });
  return compact(coarse);
};

const occluderOf = async (rig: Rig) => {
  const head = partOf(rig, 'headAndNeck');
  const all = turned(
    within(rig.triangles, (v) => v < head.to),
    rig,
  );
  return compact(await decimate({ positions: rig.neutral, triangles: all, vertices: 260, keep: [] }));
};

await runTool(command, async ({ values }) => {
  const { rig: folder, out, vertices, modes, mediapipe } = values;
  const rig = await readFaceKit(folder);
  const { used, index } = await maskOf(rig, vertices);
  const back = await occluderOf(rig);
  const identity = rig.identity.slice(0, modes);
  const [, ...holes] = rimsOf(Uint32Array.from(index));
  const nameOf = (hole: readonly number[]): string => {
    const x = hole.reduce((sum, v) => sum + rig.neutral[3 * used[v]], 0) / hole.length;
    return x > 1 ? 'leftEye' : x < -1 ? 'rightEye' : 'mouth';
  };
  const flat = (name: string, list: ArrayLike<number>, kind: 'uint16' | 'float32', ...shape: number[]) => ({
    ...{ name, kind, shape: shape.length === 0 ? [list.length] : shape, data: Float32Array.from(list) },
  });
  const scaled = (name: string, data: Float32Array, kind: 'int8' | 'int16', ...shape: number[]) => ({
    ...{ name, kind, shape, data },
  });
  const uv = await readUv(folder, used, (v) => v < partOf(rig, 'face').to);
  const places =
    mediapipe === undefined
      ? { triangles: [], shares: [] }
      : ((await readJson(mediapipe, 'Run map-mediapipe.')) as { triangles: number[]; shares: number[][] });
  const file = packArrays(
    [
      scaled('neutral', Float32Array.from(pick(rig.neutral, used)), 'int16', 1, used.length, 3),
      scaled('identity', pickAll(identity, used), 'int8', modes, used.length, 3),
      scaled('expressions', pickAll(rig.expressions, used), 'int8', rig.expressions.length, used.length, 3),
      scaled('uv', uv, 'int16', 1, used.length, 2),
      flat('index', index, 'uint16', index.length / 3, 3),
      flat(
        'landmarks',
        rig.landmarks.map((v) => used.indexOf(v)),
        'uint16',
      ),
      ...holes.slice(0, 3).map((hole) => flat(nameOf(hole), hole, 'uint16')),
      scaled(
        'occluderNeutral',
        Float32Array.from(pick(rig.neutral, back.used)),
        'int16',
        1,
        back.used.length,
        3,
      ),
      scaled('occluderIdentity', pickAll(identity, back.used), 'int8', modes, back.used.length, 3),
      flat('mediapipeTriangles', places.triangles, 'uint16'),
      flat('mediapipeShares', places.shares.flat(), 'float32', places.shares.length, 3),
      flat('occluderIndex', back.index, 'uint16', back.index.length / 3, 3),
    ],
    {
      from: 'ICT-FaceKit Light, Copyright (c) 2020 USC Institute for Creative Technologies, MIT licence; decimated',
      expressions: rig.expressionNames,
    },
  );
  await writeFileAtomic(out, file);
  const found = {
    vertices: used.length,
    triangles: index.length / 3,
    occluder: back.used.length,
    bytes: file.length,
  };
  printResult({ ...found, holes: holes.length }, values.json);
});
