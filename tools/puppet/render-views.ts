/**
 * Heads before a camera with a known lens: pose, identity, expression and landmarks of each picture are known, because a rig
 * drew it with a photograph's colours. What the puppet is trained on and measured by. `views.json` has them, a picture a line.
 *
 *   npx tsx tools/puppet/render-views.ts --rig DIR --images DIR --points FILE --out DIR
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { createRandom, type Random } from '../../src/augment/random.ts';
import { defineCommand } from '../../src/cli/arguments.ts';
import { resultOptions } from '../../src/cli/model-options.ts';
import { createProgress, printNote, printResult, round } from '../../src/cli/output.ts';
import { completePictures, readPointsFile } from '../../src/cli/read-points.ts';
import { writeFileAtomic } from '../../src/files-node/atomic-file.ts';
import { openRig, type SceneMaker } from '../../src/train-node/rig-scenes.ts';
import type { RigScene } from '../../src/train/rig/rig-scene.ts';
import { anglesOf } from '../../src/train/rig/fit-rig.ts';
import { defaultRig } from '../../src/train/settings/rig-settings.ts';
import { runTool } from '../run-tool.ts';
import { camera, drawPlace, usualLimits } from './draw-place.ts';
import { drawPinhole } from './pinhole-view.ts';

const text = (placeholder: string, describe: string) =>
  ({ type: 'string', placeholder, required: true, describe }) as const;
const whole = (placeholder: string, initial: number, describe: string) =>
  ({ type: 'integer', placeholder, default: initial, minimum: 0, describe }) as const;

const command = defineCommand({
  name: 'render-views',
  about: 'Draws heads through a known lens, each picture with its pose, identity, expression and landmarks.',
  options: {
    rig: text('DIR', 'Folder of the rig.'),
    images: text('DIR', 'Folder of the photographs.'),
    points: text('FILE', 'Landmarks of the photographs (JSON).'),
    out: text('DIR', 'Folder to write; made when missing.'),
    views: whole('N', 12, 'Views of each head.'),
    heads: whole('N', 0, 'Heads at most; 0 for all.'),
    seed: whole('N', 1, 'Seed of what is drawn.'),
    yaw: whole('DEGREES', usualLimits.yaw, 'Greatest yaw, against the line of sight.'),
    pitch: whole('DEGREES', usualLimits.pitch, 'Greatest pitch.'),
    roll: whole('DEGREES', usualLimits.roll, 'Greatest roll.'),
    turned: whole(
      'DEGREES',
      15,
      'Photographs that are turned further are left out: they do not show the other half of the face.',
    ),
    ...resultOptions,
  },
});

/** People differ in size, which a photograph does not tell, and a little more than it tells otherwise. */
const drawIdentity = ({ fit, prepared: { rig } }: RigScene, random: Random): number[] =>
  rig.identity.map((_, k) =>
    round(
      k === 0 ? random.normal(0, 1) : (k < fit.identity.length ? fit.identity[k] : 0) + random.normal(0, 0.4),
      3,
    ),
  );

const rounded = (values: readonly number[], digits: number): number[] =>
  values.map((value) => round(value, digits));

/** Everything so far, so that a run that is broken off is of use. */
const writeViews = (out: string, { prepared }: SceneMaker, lines: readonly string[]): Promise<void> => {
  const about = { ...camera, expressions: prepared.rig.expressionNames };
  return writeFileAtomic(
    join(out, 'views.json'),
    `${JSON.stringify(about).slice(0, -1)},"items":[\n${lines.join(',\n')}\n]}\n`,
  );
};

await runTool(command, async ({ values }) => {
  const { rig: folder, images, points, out, views, heads, seed, yaw, pitch, roll, turned } = values;
  const pictures = completePictures(points, (await readPointsFile(points)).pictures);
  const rig = await openRig(folder, { images, side: 256, greatestError: defaultRig.greatestError });
  await mkdir(out, { recursive: true });
  const chosen = heads === 0 ? pictures : pictures.slice(0, heads);
  const lines: string[] = [];
  const progress = createProgress('heads');
  for (const [head, picture] of chosen.entries()) {
    const scene = await rig.create(picture);
    const isFrontal = scene !== undefined && Math.abs(anglesOf(scene.fit.pose.rotation).yaw) <= turned;
    for (let i = 0; isFrontal && i < views; i++) {
      const random = createRandom(seed, head, i);
      // The same person in all views.
      const identity = drawIdentity(scene, createRandom(seed, head));
      const view = drawPlace(scene.prepared.rig, identity, random, { yaw, pitch, roll });
      const { picture: drawn, landmarks } = drawPinhole(scene, view, random);
      const image = `${head}-${i}.jpg`;
      const raw = { width: camera.width, height: camera.height, channels: 3 } as const;
      await sharp(drawn.rgb, { raw }).jpeg({ quality: 92 }).toFile(join(out, image));
      const truth = {
        rotation: rounded(view.rotation, 6),
        translation: rounded(view.translation, 4),
        focalLength: round(view.focalLength, 4),
        expression: view.expression,
        identity: view.identity,
        landmarks: landmarks.map((point) => rounded(point, 2)),
      };
      lines.push(JSON.stringify({ image, head, ...truth }));
    }
    progress(head + 1, chosen.length);
    if (head % 20 === 19 || head + 1 === chosen.length) await writeViews(out, rig, lines);
  }
  printNote(`${lines.length} pictures drawn`);
  printResult({ pictures: lines.length }, values.json);
});
