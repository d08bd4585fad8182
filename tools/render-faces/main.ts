/**
 * Pictures of faces whose landmarks, expression and head pose are known, because a rig drew them: photographs turned, with
 * other expressions, in other light. `landmarks.json` has what was drawn, one picture a line.
 *
 *   npx tsx tools/render-faces/main.ts --rig DIR --images DIR --points FILE --out DIR --count 500
 */
import { mkdir } from 'node:fs/promises';
import { join, parse } from 'node:path';
import sharp from 'sharp';
import { createRandom } from '../../src/augment/random.ts';
import { defineCommand } from '../../src/cli/arguments.ts';
import { resultOptions } from '../../src/cli/model-options.ts';
import { createProgress, printNote, printResult, round } from '../../src/cli/output.ts';
import { completePictures, readPointsFile } from '../../src/cli/read-points.ts';
import { InputError } from '../../src/errors.ts';
import { writeFileAtomic } from '../../src/files-node/atomic-file.ts';
import { openRig } from '../../src/train-node/rig-scenes.ts';
import { drawChange } from '../../src/train/pairs/rig-pairs.ts';
import { anglesOf, turnRotation } from '../../src/train/rig/fit-rig.ts';
import type { RigChange } from '../../src/train/rig/rig-change.ts';
import type { RigScene } from '../../src/train/rig/rig-scene.ts';
import { depthTolerance } from '../../src/train/rig/rig-scene.ts';
import type { RigView } from '../../src/train/rig/rig-view.ts';
import { drawView } from '../../src/train/rig/rig-view.ts';
import { defaultRig } from '../../src/train/settings/rig-settings.ts';
import { runTool } from '../run-tool.ts';

const command = defineCommand({
  name: 'render-faces',
  about:
    'Draws photographs of faces from other sides and in other expressions by a rig, and writes the pictures with their\nlandmarks, expression coefficients and head pose.',
  options: {
    rig: { type: 'string', placeholder: 'DIR', required: true, describe: 'Folder of the rig.' },
    images: { type: 'string', placeholder: 'DIR', required: true, describe: 'Folder of the photographs.' },
    points: {
      type: 'string',
      placeholder: 'FILE',
      required: true,
      describe: 'Landmarks of the photographs (JSON).',
    },
    out: {
      type: 'string',
      placeholder: 'DIR',
      required: true,
      describe: 'Folder to write; made when missing.',
    },
    count: { type: 'integer', placeholder: 'N', default: 500, minimum: 1, describe: 'Pictures to draw.' },
    seed: { type: 'integer', placeholder: 'N', default: 1, minimum: 0, describe: 'Seed of what is drawn.' },
    side: {
      type: 'integer',
      placeholder: 'N',
      default: 256,
      minimum: 32,
      describe: 'Side of the pictures, pixels.',
    },
    yaw: {
      type: 'number',
      placeholder: 'DEGREES',
      default: defaultRig.yaw,
      minimum: 0,
      describe: 'Greatest yaw.',
    },
    pitch: {
      type: 'number',
      placeholder: 'DEGREES',
      default: defaultRig.pitch,
      minimum: 0,
      describe: 'Greatest pitch.',
    },
    expression: {
      type: 'number',
      placeholder: 'SHARE',
      default: defaultRig.expression,
      minimum: 0,
      describe: 'Factor of how often faces move; 0 keeps the photograph’s expression.',
    },
    ...resultOptions,
  },
});

/** What is known of a drawn picture. */
const describeView = (scene: RigScene, change: RigChange, view: RigView) => {
  const { rig } = scene.prepared;
  const { width, height, depth } = view.raster;
  const landmarks = rig.landmarks.map((v) => [
    round(view.placed[3 * v], 2),
    round(view.placed[3 * v + 1], 2),
  ]);
  const visible = rig.landmarks.map((v) => {
    const [x, y, own] = view.placed.subarray(3 * v, 3 * v + 3);
    const [column, row] = [Math.floor(x), Math.floor(y)];
    if (column < 0 || row < 0 || column >= width || row >= height) return 0;
    return own <= depth[row * width + column] + 2 * depthTolerance * scene.size ? 1 : 0;
  });
  const expression = rig.expressionNames.flatMap((name, k): [string, number][] => {
    const weight = Math.max(0, Math.min(1, scene.fit.expression[k] + change.expression[k]));
    return weight < 0.005 ? [] : [[name, round(weight, 3)]];
  });
  const { yaw, pitch, roll } = anglesOf(turnRotation(scene.fit.pose.rotation, change.yaw, change.pitch));
  return {
    landmarks,
    visible,
    expression: Object.fromEntries(expression),
    pose: { yaw: round(yaw, 2), pitch: round(pitch, 2), roll: round(roll, 2) },
  };
};

const note =
  '68 points in iBUG order, pixels of the picture, the centre of the top-left pixel is (0.5, 0.5); visible: 1 where nothing of the face lies before the point; expression: weights 0–1, those left out are 0; pose: degrees, yaw to the right of the picture, pitch down, roll clockwise';

await runTool(command, async ({ values }) => {
  const { rig: folder, images, points, out, count, seed, side, yaw, pitch, expression } = values;
  const pictures = completePictures(points, (await readPointsFile(points)).pictures);
  const rig = await openRig(folder, { images, side, greatestError: defaultRig.greatestError });
  const settings = { ...defaultRig, yaw, pitch, expression };
  await mkdir(out, { recursive: true });
  const lines: string[] = [];
  const order = createRandom(seed, 1).shuffle(pictures.map((_, i) => i));
  const progress = createProgress('pictures');
  const perPicture = Math.ceil(count / pictures.length);
  let misfits = 0;
  for (const index of order) {
    if (lines.length >= count) break;
    const scene = await rig.create(pictures[index]);
    if (scene === undefined) {
      misfits++;
      continue;
    }
    for (let view = 0; view < perPicture && lines.length < count; view++) {
      const change = drawChange(scene, settings, createRandom(seed, index, view));
      const drawn = drawView(scene, change);
      const name = `${parse(pictures[index].picture).name}-${view}.jpg`;
      const raw = { width: side, height: side, channels: 3 } as const;
      await sharp(drawn.picture.rgb, { raw }).jpeg({ quality: 95 }).toFile(join(out, name));
      lines.push(JSON.stringify({ image: name, ...describeView(scene, change, drawn) }));
      progress(lines.length, count);
    }
  }
  if (lines.length === 0) {
    throw new InputError(
      `The rig in ${folder} fits none of the ${pictures.length} pictures of ${points}. Give points of its landmarks, in their order.`,
    );
  }
  await writeFileAtomic(
    join(out, 'landmarks.json'),
    `{\n"note": ${JSON.stringify(note)},\n"items": [\n${lines.join(',\n')}\n]\n}\n`,
  );
  printNote(`${lines.length} pictures drawn; the rig did not fit ${misfits} photographs`);
  printResult({ pictures: lines.length, misfits }, values.json);
});
