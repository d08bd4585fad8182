/**
 * What the puppet is right by: heads that `tools/puppet/render-views.ts` drew and the tracker's own points on them
 * (`track-views.ts`). Drawn heads that the network was
 * trained on do not count: every fifth was kept apart.
 *
 *     npx tsx test/bench/puppet.ts [--views DIR] [--exact]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ibug68 } from '../../src/landmarks/ibug68.ts';
import {
  arkitName,
  createPuppet,
  expressionNames,
  type ExpressionName,
  type PuppetInput,
} from '../../src/puppet/index.ts';
import {
  anglesOfRotation,
  multiplyInto,
  rotationToAxis,
  vectorOfRotation,
} from '../../src/puppet/solid-rotation.ts';
import { isHeldOut, readTracked, readViews, type View, type Views } from '../../tools/puppet/read-views.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values: given } = parseArgs({
  options: {
    model: { type: 'string', default: join(root, 'models', 'face') },
    views: { type: 'string' },
    exact: { type: 'boolean', default: false },
  },
});

const file = (name: string) => readFileSync(join(given.model, name));
const files = { face: file('face.bin'), expressions: file('expressions.bin') };

type Points = readonly (readonly number[])[];
const inputOf = (
  points: Points,
  timestamp: number,
  { width, height }: { width: number; height: number },
  id = 1,
): PuppetInput => ({
  ...{ timestamp, width, height },
  objects: [
    {
      ...{ id, status: 'tracking' },
      landmarks: points.map(([x, y, confidence], i) => ({
        ...{ name: ibug68.names[i], x, y, confidence, raw: { x, y } },
      })),
    },
  ],
});

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const degrees = 180 / Math.PI;

/** Pearson's correlation. */
const correlation = (a: readonly number[], b: readonly number[]): number => {
  const [ma, mb] = [mean(a), mean(b)];
  const sum = (of: (i: number) => number): number => a.reduce((total, _, i) => total + of(i), 0);
  const both = sum((i) => (a[i] - ma) * (b[i] - mb));
  return both / Math.sqrt(sum((i) => (a[i] - ma) ** 2) * sum((i) => (b[i] - mb) ** 2));
};

const transposed = (r: readonly number[]): number[] => [0, 3, 6, 1, 4, 7, 2, 5, 8].map((i) => r[i]);

/** Of a drawn head: how wrong the pose is, and how far it is turned and aside. */
const compare = (view: View, matrix: Float32Array, { width, height }: Views) => {
  const [tx, ty, tz] = view.translation;
  const found = [0, 4, 8, 1, 5, 9, 2, 6, 10].map((i) => matrix[i]);
  const off = multiplyInto(found, transposed(view.rotation), new Float64Array(9));
  const seen = anglesOfRotation(multiplyInto(rotationToAxis(tx, ty, tz), view.rotation, new Float64Array(9)));
  const distance = Math.hypot(tx, ty, tz);
  const aside = Math.max(
    Math.abs((2 * view.focalLength * tx) / tz / width),
    Math.abs((2 * view.focalLength * ty) / tz / height),
  );
  return {
    turn: Math.hypot(...vectorOfRotation(off)) * degrees,
    place: Math.hypot(matrix[12] - tx, matrix[13] - ty, matrix[14] - tz) / distance,
    yaw: Math.abs(seen.yaw),
    aside,
  };
};

const measureViews = async (folder: string): Promise<void> => {
  const views = await readViews(folder);
  const tracked = given.exact ? undefined : await readTracked(folder);
  const poses: ReturnType<typeof compare>[] = [];
  const told = new Map<ExpressionName, { guess: number[]; truth: number[] }>();
  const puppet = createPuppet(files, { fieldOfView: views.fieldOfView });
  let [head, timestamp] = [-1, 0];
  const heldOut = views.items.filter(isHeldOut);
  for (const view of heldOut) {
    if (view.head !== head) puppet.reset();
    head = view.head;
    const points =
      tracked === undefined ? view.landmarks.map(([x, y]) => [x, y, 1]) : tracked.get(view.image);
    if (points === undefined || points === null) continue;
    const result = puppet.update(inputOf(points, timestamp++, views));
    if (result.status === 'searching') continue;
    poses.push(compare(view, result.pose.matrix, views));
    const truth = new Map<ExpressionName, number[]>();
    views.expressions.forEach((name, k) => {
      const arkit = arkitName(name);
      if (arkit !== undefined) truth.set(arkit, [...(truth.get(arkit) ?? []), view.expression[k]]);
    });
    for (const [name, weights] of truth) {
      const column = told.get(name) ?? { guess: [], truth: [] };
      column.guess.push(result.expressions[name]);
      column.truth.push(mean(weights));
      told.set(name, column);
    }
  }
  console.log(
    `${poses.length} of ${heldOut.length} drawn heads tracked, ${given.exact ? 'exact' : 'the tracker’s'} points`,
  );
  const print = (what: string, some: typeof poses): void => {
    if (some.length === 0) return;
    console.log(
      `${what.padEnd(34)} n ${String(some.length).padStart(4)}  turn ${mean(some.map(({ turn }) => turn)).toFixed(2)}°  place ${(100 * mean(some.map(({ place }) => place))).toFixed(2)} %`,
    );
  };
  print(
    'yaw to ±30° (wanted 3°, 5 %)',
    poses.filter(({ yaw }) => yaw <= 30),
  );
  print(
    'yaw 30 to 50° (wanted 5°, 5 %)',
    poses.filter(({ yaw }) => yaw > 30),
  );
  print(
    'in corners, yaw to ±30°',
    poses.filter(({ yaw, aside }) => aside > 0.45 && yaw <= 30),
  );
  const supported = expressionNames.filter((name) => !puppet.unsupported.includes(name));
  const errors: number[] = [];
  for (const name of supported) {
    const { guess, truth } = told.get(name) ?? { guess: [], truth: [] };
    errors.push(mean(guess.map((value, i) => Math.abs(value - truth[i]))));
    console.log(
      `  ${name.padEnd(20)} error ${errors.at(-1)?.toFixed(3)}  r ${correlation(guess, truth).toFixed(2)}`,
    );
  }
  console.log(`expressions: mean error ${mean(errors).toFixed(3)} over ${supported.length} (wanted 0.12)`);
  console.log(`unsupported: ${puppet.unsupported.join(', ')}`);
};

if (given.views !== undefined) await measureViews(given.views);
