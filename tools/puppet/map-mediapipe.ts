/**
 * Where MediaPipe's 468 points lie on the puppet's mesh: measured by its FaceLandmarker on drawn heads, whose surface is known.
 * Nothing of its own mesh is used; points of the irises are left out.
 *
 *   npx tsx tools/annotate-faces/main.ts --images VIEWS --model face_landmarker.task --out points.json --mesh meshes.json
 *   npx tsx tools/puppet/map-mediapipe.ts --views VIEWS --meshes meshes.json --rig DIR --face models/face/face.bin --out mediapipe.json
 */
import { readFile } from 'node:fs/promises';
import { defineCommand } from '../../src/cli/arguments.ts';
import { resultOptions } from '../../src/cli/model-options.ts';
import { printResult, round } from '../../src/cli/output.ts';
import { writeFileAtomic } from '../../src/files-node/atomic-file.ts';
import { parseFaceModel } from '../../src/puppet/face-model.ts';
import { readFaceKit } from '../../src/train-node/read-face-kit.ts';
import { readMeshes } from '../../src/train-node/turned-pool.ts';
import { poseRig } from '../../src/train/rig/rig.ts';
import { runTool } from '../run-tool.ts';
import { keptVertices } from './kept-vertices.ts';
import { project } from './pinhole-view.ts';
import { readViews } from './read-views.ts';

const text = (placeholder: string, describe: string) =>
  ({ type: 'string', placeholder, required: true, describe }) as const;

const command = defineCommand({
  name: 'map-mediapipe',
  about: 'Finds where MediaPipe’s 468 points lie on the puppet’s mesh.',
  options: {
    views: text('DIR', 'Folder that render-views wrote.'),
    meshes: text('FILE', 'Its pictures, annotated by annotate-faces --mesh.'),
    rig: text('DIR', 'Folder of the rig.'),
    face: text('FILE', 'face.bin, made of that rig.'),
    out: text('FILE', 'File to write.'),
    ...resultOptions,
  },
});

const pointCount = 468;

/** Shares of a triangle's corners at the place of it that is nearest to a point, about; and how far that is. */
const nearestIn = (
  p: readonly number[],
  corners: readonly (readonly number[])[],
): { shares: number[]; away: number } => {
  const [a, b, c] = corners;
  const minus = (u: readonly number[], v: readonly number[]): number[] =>
    u.map((value, axis) => value - v[axis]);
  const dot = (u: readonly number[], v: readonly number[]): number =>
    u.reduce((sum, value, axis) => sum + value * v[axis], 0);
  const [u, v, w] = [minus(b, a), minus(c, a), minus(p, a)];
  const [uu, uv, vv, wu, wv] = [dot(u, u), dot(u, v), dot(v, v), dot(w, u), dot(w, v)];
  const determinant = Math.max(1e-12, uu * vv - uv * uv);
  const raw = [(vv * wu - uv * wv) / determinant, (uu * wv - uv * wu) / determinant];
  const clamped = [1 - raw[0] - raw[1], raw[0], raw[1]].map((share) => Math.max(0, share));
  const total = clamped[0] + clamped[1] + clamped[2];
  const shares = clamped.map((share) => share / total);
  const place = a.map((_, axis) => shares[0] * a[axis] + shares[1] * b[axis] + shares[2] * c[axis]);
  return { shares, away: Math.hypot(...minus(p, place)) };
};

type Found = { triangle: number; shares: number[]; away: number };

/** @param places of the vertices, in two or three dimensions @param isSeen triangles to look at */
const locate = (
  p: readonly number[],
  index: Uint16Array,
  places: readonly (readonly number[])[],
  isSeen: (t: number) => boolean,
  reach: number,
): Found => {
  let best: Found = { triangle: 0, shares: [1, 0, 0], away: Infinity };
  for (let t = 0; 3 * t < index.length; t++) {
    if (!isSeen(t)) continue;
    // Triangles far away are passed over.
    const first = places[index[3 * t]];
    if (Math.abs(first[0] - p[0]) > reach || Math.abs(first[1] - p[1]) > reach) continue;
    const corners = [first, places[index[3 * t + 1]], places[index[3 * t + 2]]];
    const { shares, away } = nearestIn(p, corners);
    if (away < best.away) best = { triangle: t, shares, away };
  }
  return best;
};

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

await runTool(command, async ({ values }) => {
  const views = await readViews(values.views);
  const meshes = new Map((await readMeshes(values.meshes)).map((item) => [item.image, item.points]));
  const rig = await readFaceKit(values.rig);
  const { mask } = parseFaceModel(await readFile(values.face), values.face);
  const kept = keptVertices(mask.neutral, rig.neutral);
  const neutral = kept.map((_, v) => [...mask.neutral.subarray(3 * v, 3 * v + 3)]);
  const spots = Array.from({ length: pointCount }, (): number[][] => []);
  for (const view of views.items) {
    const points = meshes.get(view.image);
    if (points === undefined) continue;
    const shape = poseRig(rig, view.identity, view.expression);
    const placed = kept.map((r) =>
      project({ ...view, width: views.width, height: views.height }, [
        shape[3 * r],
        shape[3 * r + 1],
        shape[3 * r + 2],
      ]).slice(0, 2),
    );
    const faces = (t: number): boolean => {
      const [a, b, c] = [0, 1, 2].map((k) => placed[mask.index[3 * t + k]]);
      return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) < 0;
    };
    for (let i = 0; i < pointCount; i++) {
      const { triangle, shares } = locate([points[i][0], points[i][1]], mask.index, placed, faces, 16);
      const corners = [0, 1, 2].map((k) => neutral[mask.index[3 * triangle + k]]);
      spots[i].push(
        [0, 1, 2].map((axis) => shares.reduce((sum, share, k) => sum + share * corners[k][axis], 0)),
      );
    }
  }
  const found = spots.map((list) =>
    locate(
      [0, 1, 2].map((axis) => median(list.map((spot) => spot[axis]))),
      mask.index,
      neutral,
      () => true,
      4,
    ),
  );
  const spread = spots.map((list) => {
    const middle = [0, 1, 2].map((axis) => median(list.map((spot) => spot[axis])));
    return median(list.map((spot) => Math.hypot(...spot.map((value, axis) => value - middle[axis]))));
  });
  await writeFileAtomic(
    values.out,
    JSON.stringify({
      triangles: found.map(({ triangle }) => triangle),
      shares: found.map(({ shares }) => shares.map((share) => round(share, 4))),
    }),
  );
  printResult(
    { views: spots[0].length, spread_cm: round(median(spread), 3), worst_cm: round(Math.max(...spread), 3) },
    values.json,
  );
});
