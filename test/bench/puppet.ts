/**
 * What the puppet is right by: heads that `tools/puppet/render-views.ts` drew and the tracker's own points on them
 * (`track-views.ts`). Drawn heads that the network was
 * trained on do not count: every fifth was kept apart. `--clips DIR`: what `dve track VIDEO --out DIR/NAME.json` wrote of the
 * clips of the evaluation folder, against their pseudo-labels; with `--puppet` their turns, too.
 *
 *     npx tsx test/bench/puppet.ts [--views DIR] [--exact] [--points-only] [--clips DIR] [--cost] [--still]
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRandom } from '../../src/augment/random.ts';
import { readTracks } from '../../src/cli/track-file.ts';
import type { Point } from '../../src/geometry/coordinates.ts';
import { ibug68 } from '../../src/landmarks/ibug68.ts';
import { decodePicture } from '../../src/media-node/decode-picture.ts';
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
import { puppetFiles } from '../fixtures/puppet-files.ts';
import { openTracker } from './picture-tracker.ts';
import {
  isHeldOut,
  readSeen,
  readViews,
  type SeenHead,
  type View,
  type Views,
} from '../../tools/puppet/read-views.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const data = process.env.DVE_DATA ?? join(root, '..', 'shared', 'data');

const { values: given } = parseArgs({
  options: {
    model: { type: 'string', default: join(root, 'models', 'face') },
    views: { type: 'string' },
    exact: { type: 'boolean', default: false },
    'points-only': { type: 'boolean', default: false },
    clips: { type: 'string' },
    cost: { type: 'boolean', default: false },
    still: { type: 'boolean', default: false },
  },
});

const file = (name: string) => readFileSync(join(given.model, name));
const files = { face: file('face.bin'), expressions: file('expressions.bin') };

/** What the network saw, as `track-views` has it. */
type Glanced = { [Key in 'roi' | 'gist']?: SeenHead[Key] | undefined } & { network?: string | undefined };

const glanceOf = ({ roi, gist, network }: Glanced) => {
  if (roi === undefined || gist === undefined) return {};
  const [x, y, size, rotation] = roi;
  const means = new Int8Array(Buffer.from(gist, 'base64'));
  return { roi: { center: { x, y }, size, rotation }, gist: { network, means } };
};

type Points = readonly (readonly number[])[];
const inputOf = (
  points: Points,
  timestamp: number,
  { width, height }: { width: number; height: number },
  seen: Glanced = {},
): PuppetInput => ({
  ...{ timestamp, width, height },
  objects: [
    {
      ...{ id: 1, status: 'tracking' },
      ...glanceOf(seen),
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
  const { network, tracked } = given.exact ? { network: '', tracked: undefined } : await readSeen(folder);
  const poses: ReturnType<typeof compare>[] = [];
  const told = new Map<ExpressionName, { guess: number[]; truth: number[] }>();
  const puppet = createPuppet(files, { fieldOfView: views.fieldOfView });
  let [head, timestamp] = [-1, 0];
  const heldOut = views.items.filter(isHeldOut);
  for (const view of heldOut) {
    if (view.head !== head) puppet.reset();
    head = view.head;
    const seen = tracked?.get(view.image);
    const points = tracked === undefined ? view.landmarks.map(([x, y]) => [x, y, 1]) : seen?.points;
    if (points === undefined || points === null) continue;
    const glance = given['points-only'] ? {} : { roi: seen?.roi, gist: seen?.gist, network };
    const result = puppet.update(inputOf(points, timestamp++, views, glance));
    if (result.status === 'searching') continue;
    // Heads that jump from view to view are not smoothed.
    poses.push(compare(view, result.raw.pose.matrix, views));
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
    poses.filter(({ yaw }) => yaw > 30 && yaw <= 50),
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

type TrackFile = {
  width: number;
  height: number;
  frames: {
    timestamp: number;
    points: number[][];
    /** Of `dve track --puppet`. */ pose?: { yaw: number; pitch: number } | null;
  }[];
};

/** Of pseudo-labels: opening of the inner lips and of the lids, height of the brows above the eyes, over the eyes' distance. */
const openings = (points: readonly Point[]) => {
  const distance = (a: number, b: number): number =>
    Math.hypot(points[a].x - points[b].x, points[a].y - points[b].y);
  const unit = distance(36, 45);
  return {
    lips: distance(62, 66) / unit,
    lids: (distance(37, 41) + distance(38, 40) + distance(43, 47) + distance(44, 46)) / 4 / unit,
    brows: (distance(19, 37) + distance(20, 38) + distance(23, 43) + distance(24, 44)) / 4 / unit,
  };
};

/** Each clip's own middle out of both, as `followed` does it. */
const centred = (values: readonly number[]): number[] => values.map((value) => value - mean(values));

/** How far one column follows another, slope and correlation about their middles. */
const followedBy = (told: readonly number[], seen: readonly number[]): string => {
  const [a, b] = [centred(told), centred(seen)];
  const slope = mean(a.map((value, i) => value * b[i])) / mean(b.map((value) => value ** 2));
  return `${slope.toFixed(2)} ${correlation(told, seen).toFixed(2)}`;
};

/** The turns of a clip, against those that a fit of the mean face to the pseudo-labels has. */
const measureTurns = (track: TrackFile, labels: Awaited<ReturnType<typeof readTracks>>): string => {
  const fit = createPuppet(puppetFiles());
  const rows = track.frames.flatMap(({ timestamp, pose }, frame) => {
    const label = labels[frame];
    if (pose === undefined || pose === null || label === undefined) return [];
    const points = label.map(({ x, y }) => [x, y, 1]);
    const truth = fit.headPose(inputOf(points, timestamp, track))?.angles;
    return truth === undefined ? [] : [{ told: pose, truth }];
  });
  if (rows.length === 0) return '';
  const cells = (['yaw', 'pitch'] as const).map((axis) => {
    const [told, seen] = [rows.map((row) => row.told[axis]), rows.map((row) => row.truth[axis])];
    return `${axis} ${followedBy(told, seen)}`;
  });
  return `  turns, slope and r: ${cells.join(', ')}`;
};

/** `DIR/NAME.json` of `dve track`, against the pseudo-labels of the clip. */
const measureClips = async (folder: string): Promise<void> => {
  const all: Record<string, { told: number[]; seen: number[] }> = {};
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
    const track = JSON.parse(readFileSync(join(folder, name), 'utf8')) as TrackFile;
    const labels = await readTracks(
      join(data, 'eval', 'videos', name.replace('.json', '.mediapipe.json')),
      ibug68.names.length,
    );
    const puppet = createPuppet(files);
    const rows: Record<string, [number, number][]> = { lips: [], lids: [], brows: [] };
    track.frames.forEach(({ timestamp, points }, frame) => {
      const label = labels[frame];
      if (points.length === 0 || label === undefined) return;
      const result = puppet.update(inputOf(points, timestamp, track));
      if (result.status === 'searching') return;
      const { expressions: e } = result;
      const seen = openings(label);
      rows.lips.push([e.jawOpen, seen.lips]);
      rows.lids.push([-(e.eyeBlinkLeft + e.eyeBlinkRight) / 2, seen.lids]);
      const up = e.browInnerUp + (e.browOuterUpLeft + e.browOuterUpRight) / 2;
      rows.brows.push([up - (e.browDownLeft + e.browDownRight) / 2, seen.brows]);
    });
    const told = Object.entries(rows).map(([part, pairs]) => {
      const [guess, seen] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
      all[part] ??= { told: [], seen: [] };
      all[part].told.push(...centred(guess));
      all[part].seen.push(...centred(seen));
      return `${part} ${correlation(guess, seen).toFixed(2)}`;
    });
    console.log(`${name.padEnd(12)} ${told.join('  ')}${measureTurns(track, labels)}`);
  }
  const line = Object.entries(all).map(
    ([part, { told, seen }]) => `${part} ${correlation(told, seen).toFixed(2)}`,
  );
  console.log(`all          ${line.join('  ')} (wanted: lips .90, lids .80, brows .60)`);
};

/** Milliseconds a frame, with the raw pose and expressions; the fastest tenth, whatever else the machine does. */
const measureCost = (): void => {
  const size = { width: 640, height: 480 };
  const puppet = createPuppet(files);
  const circle = Array.from({ length: 68 }, (_, i) => [
    ...[320 + 60 * Math.cos(i), 240 + 80 * Math.sin(i * 1.7), 0.8],
  ]);
  const times = Array.from({ length: 600 }, (_, frame) => {
    const input = inputOf(
      circle.map(([x, y, c]) => [x + frame / 50, y, c]),
      frame / 30,
      size,
    );
    const start = performance.now();
    puppet.update(input);
    return performance.now() - start;
  });
  times.sort((a, b) => a - b);
  console.log(`cost: ${times[60].toFixed(2)} ms a frame (wanted 1.5), median ${times[300].toFixed(2)} ms`);
};

/** A head that does not move, its pixels noisy, tracked with the usual smoothing: how far its turn trembles. */
const measureStill = async (folder: string): Promise<void> => {
  const views = await readViews(folder);
  const { createTracker, session } = await openTracker(given.model);
  const trembles: number[] = [];
  for (const view of views.items.filter(isHeldOut).filter((_, i) => i % 24 === 7)) {
    const { rgb, width, height } = await decodePicture(join(folder, view.image));
    const [tracker, puppet, random] = [createTracker(), createPuppet(files), createRandom(5)];
    tracker.giveGists(true);
    const turns: number[][] = [];
    for (let frame = 0; frame < 75; frame++) {
      const noisy = rgb.map((value) => Math.max(0, Math.min(255, value + random.uniform(-6, 6))));
      const result = await tracker.step({ data: noisy, width, height, channels: 3 }, frame / 30);
      const face = puppet.update(result);
      // The first second is for smoothing and identity to settle.
      if (face.status === 'tracking' && frame >= 30) turns.push(Object.values(face.pose.angles));
    }
    if (turns.length < 40) continue;
    const steps = turns
      .slice(1)
      .map((turn, i) => Math.hypot(...turn.map((angle, axis) => angle - turns[i][axis])));
    trembles.push(Math.sqrt(mean(steps.map((step) => step ** 2))));
  }
  await session.close();
  console.log(
    `still heads: turn trembles by ${mean(trembles).toFixed(3)}° from frame to frame, worst ${Math.max(...trembles).toFixed(3)}° of ${trembles.length} (wanted 0.1°)`,
  );
};

if (given.still && given.views !== undefined) await measureStill(given.views);
if (given.clips !== undefined) await measureClips(given.clips);
if (given.cost) measureCost();
if (given.views !== undefined && !given.still) await measureViews(given.views);
