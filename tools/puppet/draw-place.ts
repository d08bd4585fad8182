/** Draws heads as they come before webcams: turned, moving their faces, anywhere in the picture. */
import type { Random } from '../../src/augment/random.ts';
import { round } from '../../src/cli/output.ts';
import { multiplyInto, rotationToAxis } from '../../src/puppet/solid-rotation.ts';
import type { Rig } from '../../src/train/rig/rig.ts';
import { project, rotationOf, type PinholeView } from './pinhole-view.ts';

/** Of the pictures, pixels; of the lens, degrees from top to bottom. */
export const camera = { width: 480, height: 360, fieldOfView: 48 };
/** Share of views without any expression. */
const neutralShare = 0.12;
/** How often an expression moves by itself, apart from the gestures. */
const aloneShare = 0.05;
/** Share of views that are turned little. */
const frontalShare = 0.6;

const drawExpression = (rig: Rig, random: Random): number[] => {
  const expression = new Float64Array(rig.expressions.length);
  if (random.chance(neutralShare)) return [...expression];
  for (const { weights, probability } of rig.gestures) {
    if (!random.chance(probability * 0.7)) continue;
    const amount = random.uniform(0.2, 1);
    for (const [name, weight] of Object.entries(weights)) {
      expression[rig.expressionNames.indexOf(name)] += amount * weight * random.uniform(0.85, 1);
    }
  }
  return [...expression].map((weight) => {
    const more = random.chance(aloneShare) ? random.uniform(0, 1) : 0;
    return round(Math.min(1, weight + more), 3);
  });
};

/** Greatest angles, degrees, against the line of sight. */
export type Limits = { yaw: number; pitch: number; roll: number };
export const usualLimits: Limits = { yaw: 50, pitch: 25, roll: 18 };

/** A place in the picture in which all landmarks are seen. */
export const drawPlace = (rig: Rig, identity: number[], random: Random, limits: Limits): PinholeView => {
  const { width, height, fieldOfView } = camera;
  const focalLength = height / 2 / Math.tan((fieldOfView * Math.PI) / 360);
  const about = { width, height, focalLength, identity };
  const expression = drawExpression(rig, random);
  // Most people look at the screen.
  const ease = random.chance(frontalShare) ? 0.55 : 1;
  const [yaw, pitch, roll] = [limits.yaw, limits.pitch, limits.roll].map((most) =>
    random.uniform(-ease * most, ease * most),
  );
  const { neutral, landmarks } = rig;
  for (;;) {
    const away = random.uniform(38, 95);
    const reach = { x: (away * width) / 2 / focalLength, y: (away * height) / 2 / focalLength };
    const [x, y] = [random.uniform(-reach.x, reach.x), random.uniform(-reach.y, reach.y)];
    // Turned as seen: the same turn looks another one in the picture's corner.
    const back = rotationToAxis(-x, -y, -away);
    const rotation = [...multiplyInto(back, rotationOf(yaw, pitch, roll), new Float64Array(9))];
    const view: PinholeView = { ...about, expression, rotation, translation: [x, y, -away] };
    const isInside = landmarks.every((v) => {
      const [x, y] = project(view, [neutral[3 * v], neutral[3 * v + 1], neutral[3 * v + 2]]);
      return x > 6 && y > 6 && x < width - 6 && y < height - 6;
    });
    if (isInside) return view;
  }
};
