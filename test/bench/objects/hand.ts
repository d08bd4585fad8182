/**
 * A skinned hand, rendered, bending and turning: trained on five of its clips without a label, five pictures clicked, tracked in
 * the sixth.
 *
 *     npx tsx test/bench/objects/hand.ts [--work DIR] [--steps N] [--config FILE] [--model DIR] [--unseen SCENE]
 *       [--options "…"] [--json]
 *
 * As arm.ts; the hand is read from the data beside the project (DVE_DATA). Joints that something hides are neither clicked
 * nor measured.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { armFrames, armSize } from './arm-scene.ts';
import { root } from './commands.ts';
import { benchObject } from './drawn-object.ts';
import { readHand } from './glb-hand.ts';
import { drawHandClip, handConnections } from './hand-scene.ts';

const file = join(
  process.env.DVE_DATA ?? join(root, '..', 'shared', 'data'),
  ...['train', 'rigs', 'hand', 'right.glb'],
);
if (existsSync(file)) {
  const hand = readHand(file);
  await benchObject({
    ...{ name: 'hand', names: hand.names, connections: handConnections(hand.names) },
    ...{ size: armSize, frames: armFrames, pictures: 5 },
    draw: (clip) => drawHandClip(hand, clip),
  });
} else {
  console.error(`The hand is not there: ${file}. Set DVE_DATA.`);
  process.exitCode = 1;
}
