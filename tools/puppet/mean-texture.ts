/**
 * What faces look like on average, on the puppet's mesh: photographs that the rig was fitted to, unrolled by its texture
 * coordinates, averaged together with their mirror images. The examples' sample face wears it.
 *
 *   npx tsx tools/puppet/mean-texture.ts --rig DIR --images DIR --points FILE --face models/face/face.bin --out sample-face.jpg
 */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { defineCommand } from '../../src/cli/arguments.ts';
import { resultOptions } from '../../src/cli/model-options.ts';
import { createProgress, printResult } from '../../src/cli/output.ts';
import { completePictures, readPointsFile } from '../../src/cli/read-points.ts';
import { parseFaceModel } from '../../src/puppet/face-model.ts';
import { openRig } from '../../src/train-node/rig-scenes.ts';
import { anglesOf } from '../../src/train/rig/fit-rig.ts';
import { rasterize } from '../../src/train/rig/raster.ts';
import { depthTolerance } from '../../src/train/rig/rig-scene.ts';
import { defaultRig } from '../../src/train/settings/rig-settings.ts';
import { runTool } from '../run-tool.ts';
import { keptVertices } from './kept-vertices.ts';

const text = (placeholder: string, describe: string) =>
  ({ type: 'string', placeholder, required: true, describe }) as const;

const command = defineCommand({
  name: 'mean-texture',
  about: 'Averages photographs of faces on the puppet’s mesh.',
  options: {
    rig: text('DIR', 'Folder of the rig.'),
    images: text('DIR', 'Folder of the photographs.'),
    points: text('FILE', 'Landmarks of the photographs (JSON).'),
    face: text('FILE', 'face.bin, made of that rig.'),
    out: text('FILE', 'Picture to write.'),
    count: { type: 'integer', placeholder: 'N', default: 120, minimum: 1, describe: 'Photographs, at most.' },
    side: {
      type: 'integer',
      placeholder: 'N',
      default: 320,
      minimum: 32,
      describe: 'Side of the texture, pixels.',
    },
    ...resultOptions,
  },
});

/** Photographs from further aside show one half only. */
const greatestYaw = 18;

await runTool(command, async ({ values }) => {
  const { rig: folder, images, points, face, out, count, side } = values;
  const { mask } = parseFaceModel(await readFile(face), face);
  const pictures = completePictures(points, (await readPointsFile(points)).pictures);
  const rig = await openRig(folder, { images, side: 384, greatestError: defaultRig.greatestError });
  const kept = keptVertices(mask.neutral, rig.prepared.rig.neutral);
  const flat = Float32Array.from({ length: 3 * mask.vertices }, (_, i) =>
    i % 3 === 2 ? 0 : mask.uv[2 * Math.floor(i / 3) + (i % 3)] * side,
  );
  const triangles = Uint32Array.from(mask.index);
  const unrolled = rasterize(flat, triangles, new Int8Array(triangles.length / 3), side, side);
  const sum = new Float64Array(side * side * 4);
  const progress = createProgress('photographs');
  let used = 0;
  for (const [done, picture] of pictures.slice(0, 3 * count).entries()) {
    if (used >= count) break;
    const scene = await rig.create(picture);
    progress(done + 1, Math.min(pictures.length, 3 * count));
    if (scene === undefined || Math.abs(anglesOf(scene.fit.pose.rotation).yaw) > greatestYaw) continue;
    used++;
    const { still, placed, raster, size } = scene;
    for (let pixel = 0; pixel < side * side; pixel++) {
      const t = 3 * unrolled.triangle[pixel];
      if (t < 0) continue;
      const [wa, wb] = [unrolled.first[pixel], unrolled.second[pixel]];
      const at = [0, 1, 2].map(
        (axis) =>
          wa * placed[3 * kept[triangles[t]] + axis] +
          wb * placed[3 * kept[triangles[t + 1]] + axis] +
          (1 - wa - wb) * placed[3 * kept[triangles[t + 2]] + axis],
      );
      const [x, y] = [Math.floor(at[0]), Math.floor(at[1])];
      if (x < 0 || y < 0 || x >= still.width || y >= still.height) continue;
      if (at[2] > raster.depth[y * still.width + x] + 2 * depthTolerance * size) continue;
      for (const place of [pixel, pixel - (pixel % side) + side - 1 - (pixel % side)]) {
        for (let channel = 0; channel < 3; channel++) {
          sum[4 * place + channel] += still.rgb[3 * (y * still.width + x) + channel];
        }
        sum[4 * place + 3]++;
      }
    }
  }
  const rgb = new Uint8Array(side * side * 3);
  const tone = [0, 1, 2].map((channel) => {
    let [total, weight] = [0, 0];
    for (let p = 0; p < side * side; p++) {
      total += sum[4 * p + channel];
      weight += sum[4 * p + 3];
    }
    return total / weight;
  });
  for (let p = 0; p < side * side; p++) {
    for (let channel = 0; channel < 3; channel++) {
      rgb[3 * p + channel] = Math.round(
        sum[4 * p + 3] > 0 ? sum[4 * p + channel] / sum[4 * p + 3] : tone[channel],
      );
    }
  }
  await sharp(rgb, { raw: { width: side, height: side, channels: 3 } })
    .sharpen({ sigma: 1 })
    .jpeg({ quality: 82 })
    .toFile(out);
  printResult({ photographs: used }, values.json);
});
