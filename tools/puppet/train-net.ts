/**
 * Trains the puppet's network on drawn heads and the tracker's own points on them, and says how it does on heads that were kept
 * apart.
 *
 *   npx tsx tools/puppet/train-net.ts --views DIR --out models/face/expressions.bin
 */
import { defineCommand } from '../../src/cli/arguments.ts';
import { resultOptions } from '../../src/cli/model-options.ts';
import { createProgress, printNote, printResult, round } from '../../src/cli/output.ts';
import { writeFileAtomic } from '../../src/files-node/atomic-file.ts';
import { loadNodeRuntime } from '../../src/model/runtime-node.ts';
import { inputCount, pointCount } from '../../src/puppet/canonical-points.ts';
import { packArrays, type ArrayToPack } from '../../src/puppet/packed-arrays.ts';
import { createNetRunner, type Layer } from '../../src/puppet/net-layers.ts';
import { moveGain, outputPlaces } from '../../src/puppet/point-net.ts';
import { multiplyInto, rotationOfVector, vectorOfRotation } from '../../src/puppet/solid-rotation.ts';
import { readFaceKit } from '../../src/train-node/read-face-kit.ts';
import { runTool } from '../run-tool.ts';
import { trainNet } from './net-training.ts';
import { readHeads } from './read-views.ts';
import { imagineSamples, samplesOf, type Sample } from './samples.ts';

const command = defineCommand({
  name: 'train-net',
  about: 'Trains the network that tells pose and expressions from 68 points.',
  options: {
    views: {
      type: 'string',
      placeholder: 'DIR',
      required: true,
      describe: 'Folder of render-views and track-views.',
    },
    out: { type: 'string', placeholder: 'FILE', required: true, describe: 'File to write.' },
    rig: { type: 'string', placeholder: 'DIR', required: true, describe: 'Folder of the rig.' },
    imagined: {
      type: 'integer',
      placeholder: 'N',
      default: 12000,
      minimum: 0,
      describe: 'Faces that were never drawn, seen as the tracker would see them.',
    },
    steps: { type: 'integer', placeholder: 'N', default: 6000, minimum: 1, describe: 'Steps.' },
    seed: { type: 'integer', placeholder: 'N', default: 1, minimum: 0, describe: 'Seed of the weights.' },
    ...resultOptions,
  },
});

/** Hidden layers. */
const hidden = [160, 96];
/** Correlation on heads that were kept apart below which an expression counts as not to be told. */
const leastCorrelation = 0.4;
/** Tremble of the inputs in training, standard deviations: of each point, and of all in common along two directions. */
const tremble = 0.012;
const batch = 128;

const standardize = (samples: readonly Sample[]) => {
  const mean = new Float32Array(inputCount);
  const gain = new Float32Array(inputCount);
  for (let i = 0; i < inputCount; i++) {
    const values = samples.map(({ frame }) => frame.values[i]);
    mean[i] = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean[i]) ** 2, 0) / values.length;
    gain[i] = 1 / Math.sqrt(variance + 1e-4);
  }
  return { mean, gain };
};

const correlation = (a: readonly number[], b: readonly number[]): number => {
  const mean = (of: readonly number[]): number => of.reduce((sum, value) => sum + value, 0) / of.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [aa, bb, ab] = [0, 0, 0];
  a.forEach((value, i) => {
    aa += (value - ma) ** 2;
    bb += (b[i] - mb) ** 2;
    ab += (value - ma) * (b[i] - mb);
  });
  return aa * bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
};

type Net = { mean: Float32Array; gain: Float32Array; layers: readonly Layer[] };

/** How a network does on samples. */
const measure = (net: Net, samples: readonly Sample[], expressions: readonly string[]) => {
  const run = createNetRunner(net);
  const places = outputPlaces(expressions.length);
  const found = samples.map(({ frame }) => run(frame.values).slice());
  const sigmas = Array.from({ length: pointCount }, (_, i) => {
    const squared = samples.reduce((sum, { target, unit }, s) => {
      const [dx, dy] = [2 * i, 2 * i + 1].map((at) => ((found[s][at] - target[at]) / moveGain) * unit);
      return sum + (dx * dx + dy * dy) / 2;
    }, 0);
    return Math.sqrt(squared / samples.length);
  });
  const turns = samples.map(({ target }, s) => {
    const vector = (of: Float32Array) =>
      rotationOfVector(of[places.turn], of[places.turn + 1], of[places.turn + 2]);
    const back = vector(target.map((value) => -value));
    return Math.hypot(...vectorOfRotation(multiplyInto(vector(found[s]), back, new Float64Array(9))));
  });
  const column = (of: readonly Float32Array[], k: number): number[] =>
    of.map((values) => Math.max(0, Math.min(1, values[places.expressions + k])));
  const rows = expressions.map((name, k) => {
    const [guess, truth] = [
      column(found, k),
      column(
        samples.map(({ target }) => target),
        k,
      ),
    ];
    const error = guess.reduce((sum, value, s) => sum + Math.abs(value - truth[s]), 0) / guess.length;
    return { name, error, correlation: correlation(guess, truth) };
  });
  return { sigmas, turns, rows };
};

const pack = (net: Net, sigmas: readonly number[], about: Record<string, unknown>): Uint8Array => {
  const array = (
    name: string,
    kind: 'int16' | 'float32',
    shape: number[],
    data: Float32Array,
  ): ArrayToPack => ({
    ...{ name, kind, shape, data },
  });
  return packArrays(
    [
      array('mean', 'float32', [inputCount], net.mean),
      array('gain', 'float32', [inputCount], net.gain),
      array('sigmas', 'float32', [pointCount], Float32Array.from(sigmas)),
      ...net.layers.flatMap(({ weights, biases }, l) => [
        array(`weights${l}`, 'int16', [biases.length, weights.length / biases.length], weights),
        array(`biases${l}`, 'int16', [1, biases.length], biases),
      ]),
    ],
    { ...about, layers: net.layers.length },
  );
};

await runTool(command, async ({ values }) => {
  const { views: folder, out, steps, seed, imagined, rig: rigFolder } = values;
  const { views, tracked, known, heldOut } = await readHeads(folder);
  const { expressions } = views;
  const drawn = samplesOf(views, tracked, known, true);
  const rig = await readFaceKit(rigFolder);
  const train = [
    ...drawn,
    ...imagineSamples(views, tracked, known, rig, { count: imagined, seed, mistakes: [0.1, 1] }),
  ];
  const test = samplesOf(views, tracked, heldOut, false);
  const { mean, gain } = standardize(train);
  const places = outputPlaces(expressions.length);
  const outputWeights = Float32Array.from({ length: places.count }, (_, o) =>
    o < places.turn ? 1 : o < places.expressions ? 30 : 4,
  );
  const progress = createProgress('steps');
  const layers = await trainNet(
    await loadNodeRuntime({ threads: 1 }),
    {
      inputs: train
        .map(({ frame }) => frame.values.map((value, i) => (value - mean[i]) * gain[i]))
        .map((v) => Float32Array.from(v)),
      targets: train.map(({ target }) => target),
    },
    {
      ...{ widths: [inputCount, ...hidden, places.count], outputWeights, steps, batch, seed },
      ...{ learningRate: 2e-3, weightDecay: 2e-5 },
      disturb: (input, random) => {
        for (let i = 0; i < 2 * pointCount; i++) input[i] += random.normal(0, tremble) * gain[i];
      },
    },
    (step) => {
      progress(step + 1, steps);
    },
  );
  const net = { mean, gain, layers };
  const degrees = 180 / Math.PI;
  const average = (of: readonly number[]): number => of.reduce((sum, value) => sum + value, 0) / of.length;
  const own = measure(net, drawn, expressions);
  const { sigmas, turns, rows } = measure(net, test, expressions);
  for (const row of rows)
    printNote(`${row.name.padEnd(18)} error ${row.error.toFixed(3)}  r ${row.correlation.toFixed(2)}`);
  // What points do not tell even where they are placed well: how well they are is not theirs to answer for.
  const placedWell = imagineSamples(views, tracked, known, rig, {
    count: 600,
    seed: seed + 1,
    mistakes: [0, 0.2],
  });
  const possible = measure(net, placedWell, expressions).rows;
  const untold = possible.filter((row) => row.correlation < leastCorrelation).map(({ name }) => name);
  const turnSigma = Math.sqrt(average(turns.map((turn) => turn ** 2)) / 3);
  const file = pack(net, sigmas, { expressions, untold, turnSigma });
  await writeFileAtomic(out, file);
  const told = rows.filter(({ name }) => !untold.includes(name));
  printResult(
    {
      ...{ drawn: drawn.length, imagined, held_out: test.length, bytes: file.length, untold: untold.length },
      turn_degrees: round(average(turns) * degrees, 2),
      turn_degrees_known: round(average(own.turns) * degrees, 2),
      point_cm: round(average(sigmas), 3),
      point_cm_known: round(average(own.sigmas), 3),
      expression_error: round(average(told.map(({ error }) => error)), 3),
      expression_error_known: round(average(own.rows.map(({ error }) => error)), 3),
    },
    values.json,
  );
});
