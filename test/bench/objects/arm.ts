/**
 * A drawn robot arm: trained on five of its clips without a label, one picture clicked, tracked in the sixth.
 *
 *     npx tsx test/bench/objects/arm.ts [--work DIR] [--steps N] [--config FILE] [--model DIR] [--unseen SCENE]
 *       [--options "…"] [--json]
 *
 * Clips are drawn into --work once. Without --model a network is trained there by `dve train` with its defaults and one
 * box a clip; one that is begun there is gone on with. --unseen tracks another scene than 5, so that nothing has to be chosen
 * on that one. The arm bends, which one picture does not show. The points' places are exact; tracked is with motion;
 * beside it the match alone, and the project's flow and Lucas–Kanade chained from the exact first frame.
 */
import { armConnections, armFrames, armNames, armSize, drawArmClip } from './arm-scene.ts';
import { benchObject } from './drawn-object.ts';

await benchObject({
  ...{
    name: 'arm',
    names: armNames,
    connections: armConnections,
    size: armSize,
    frames: armFrames,
    pictures: 1,
  },
  draw: (clip) => {
    const drawn = drawArmClip(clip);
    return { ...drawn, seen: drawn.truth.map((points) => points.map(() => true)) };
  },
});
