/**
 * Trains what tells the turn of a head from what the tracker's network saw of it: on drawn heads, and says how it does on heads
 * that were kept apart. It is added to the file that `train-net` wrote, in place of what that had of it.
 *
 *   npx tsx tools/puppet/train-turn.ts --views DIR --net models/face/expressions.bin
 */
import { readFile } from 'node:fs/promises';
import { defineCommand } from '../../src/cli/arguments.ts';
import { resultOptions } from '../../src/cli/model-options.ts';
import { createProgress, printResult, round } from '../../src/cli/output.ts';
import { InputError } from '../../src/errors.ts';
import { writeFileAtomic } from '../../src/files-node/atomic-file.ts';
import { principalAxes } from '../../src/landmark-maker/principal-axes.ts';
import { loadNodeRuntime } from '../../src/model/runtime-node.ts';
import { packArrays, unpackArrays, type ArrayToPack } from '../../src/puppet/packed-arrays.ts';
import { parsePointNet } from '../../src/puppet/point-net.ts';
import { multiplyInto, rotationOfVector, vectorOfRotation } from '../../src/puppet/solid-rotation.ts';
import {
  createTurnTeller,
  pointInputs,
  projectGist,
  viewOfSquare,
  writePoints,
  type TurnNet,
} from '../../src/puppet/turn-net.ts';
import { runTool } from '../run-tool.ts';
import { trainNet } from './net-training.ts';
import { readHeads } from './read-views.ts';
import { turnSamplesOf, type TurnSample } from './turn-samples.ts';

const command = defineCommand({
  name: 'train-turn',
  about: 'Trains the network that tells the turn of a head from what the tracker saw of it.',
  options: {
    views: {
      type: 'string',
      placeholder: 'DIR',
      required: true,
      describe: 'Folder of render-views and track-views.',
    },
    net: {
      type: 'string',
      placeholder: 'FILE',
      required: true,
      describe: 'File of train-net; it is changed.',
    },
    steps: { type: 'integer', placeholder: 'N', default: 5000, minimum: 1, describe: 'Steps.' },
    seed: { type: 'integer', placeholder: 'N', default: 1, minimum: 0, describe: 'Seed of the weights.' },
    ...resultOptions,
  },
});

/** What of an embedding counts: so many of its principal directions. */
const dimensions = 16;
/** Hidden numbers. */
const hidden = 48;
/** Cells of a gist. */
const cells = 64;
/** In training: share of the inputs from the gist that are left out, and how far points tremble, standard deviations. */
const [leftOut, tremble] = [0.2, 0.1];
const batch = 128;
/** What turns are multiplied by in training: small against what a network says at first, they would be learnt late. */
const turnGain = 10;
/** Heads whose points lie further off than this are not learnt from, sides of the square: the tracker saw something else. */
const greatestOff = 0.12;

/** Directions in which gists differ, (D, C). */
const projectionOf = (samples: readonly TurnSample[]): Float32Array => {
  const channels = samples[0].glance.gist.means.length / cells;
  const sum = new Float64Array(channels);
  const products = new Float64Array(channels ** 2);
  const value = new Float64Array(channels);
  let count = 0;
  for (const { glance } of samples) {
    // Some of the cells do.
    for (let i = count % 7; i < cells; i += 7, count++) {
      for (let c = 0; c < channels; c++) value[c] = glance.gist.means[c * cells + i] / 127;
      for (let a = 0; a < channels; a++) {
        sum[a] += value[a];
        for (let b = 0; b < channels; b++) products[a * channels + b] += value[a] * value[b];
      }
    }
  }
  const covariance = products.map((product, at) => {
    const [a, b] = [Math.floor(at / channels), at % channels];
    return product / count - (sum[a] * sum[b]) / count ** 2;
  });
  return Float32Array.from(principalAxes(covariance, channels, dimensions).axes);
};

const inputOf = ({ glance, points, lens }: TurnSample, projection: Float32Array): Float32Array => {
  const input = new Float32Array(dimensions * cells + pointInputs);
  projectGist(projection, glance.gist.means, input);
  writePoints(viewOfSquare(glance.roi, lens), points, input, dimensions * cells);
  return input;
};

const standardize = (inputs: readonly Float32Array[]) => {
  const mean = inputs[0].map((_, i) => inputs.reduce((sum, input) => sum + input[i], 0) / inputs.length);
  const gain = mean.map((middle, i) => {
    const variance = inputs.reduce((sum, input) => sum + (input[i] - middle) ** 2, 0) / inputs.length;
    return 1 / Math.sqrt(variance + 1e-6);
  });
  return { mean, gain };
};

/** Degrees by which a network errs. */
const errorsOf = (net: TurnNet, samples: readonly TurnSample[]) => {
  const tell = createTurnTeller(net);
  return samples.map(({ glance, points, lens, turn, yaw }) => {
    const told = multiplyInto(
      viewOfSquare(glance.roi, lens).turn,
      tell(glance, points, lens),
      new Float64Array(9),
    );
    const back = rotationOfVector(-turn[0], -turn[1], -turn[2]);
    const off = Math.hypot(...vectorOfRotation(multiplyInto(told, back, new Float64Array(9))));
    return { yaw, off: off * (180 / Math.PI) };
  });
};

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The file with the network in it. */
const packInto = (file: Uint8Array, net: TurnNet, where: string): Uint8Array => {
  const { arrays, about } = unpackArrays(file, where);
  const kept = [...arrays]
    .filter(([name]) => !name.startsWith('seen'))
    .map(([name, array]): ArrayToPack => ({
      ...{ ...array, name },
      kind: /^(weights|biases)/.test(name) ? 'int16' : 'float32',
    }));
  const { projection, channels, layers } = net;
  const own: ArrayToPack[] = [
    {
      name: 'seenProjection',
      kind: 'int16',
      shape: [projection.length / channels, channels],
      data: projection,
    },
    { name: 'seenMean', kind: 'float32', shape: [net.mean.length], data: net.mean },
    { name: 'seenGain', kind: 'float32', shape: [net.gain.length], data: net.gain },
    ...layers.flatMap(({ weights, biases }, l): ArrayToPack[] => [
      {
        ...{ name: `seenWeights${l}`, kind: l === 0 ? 'int8' : 'int16', data: weights },
        shape: [biases.length, weights.length / biases.length],
      },
      { name: `seenBiases${l}`, kind: 'int16', shape: [1, biases.length], data: biases },
    ]),
  ];
  return packArrays([...kept, ...own], {
    ...about,
    seen: { layers: layers.length, sigma: net.sigma, network: net.network },
  });
};

/** @throws InputError for views that were tracked without gists */
const readSamples = async (folder: string) => {
  const { views, tracked, known, heldOut, network } = await readHeads(folder);
  const train = turnSamplesOf(views, tracked, known, true).filter(({ off }) => off < greatestOff);
  const test = turnSamplesOf(views, tracked, heldOut, false);
  if (train.length === 0 || test.length === 0) {
    throw new InputError(
      `${folder}/tracked.json does not say what the network saw. Run track-views on it again.`,
    );
  }
  return { train, test, network };
};

await runTool(command, async ({ values }) => {
  const { views: folder, net: path, steps, seed } = values;
  const file = await readFile(path);
  parsePointNet(file, path);
  const { train, test, network } = await readSamples(folder);
  const projection = projectionOf(train);
  const inputs = train.map((sample) => inputOf(sample, projection));
  const { mean: middle, gain } = standardize(inputs);
  const progress = createProgress('steps');
  const trained = await trainNet(
    await loadNodeRuntime({ threads: 1 }),
    {
      inputs: inputs.map((input) =>
        input.map((value, i) => Math.max(-4, Math.min(4, (value - middle[i]) * gain[i]))),
      ),
      targets: train.map(({ turn }) => Float32Array.from(turn, (value) => turnGain * value)),
    },
    {
      ...{ widths: [middle.length, hidden, 3], outputWeights: Float32Array.of(1, 1, 1), steps, batch, seed },
      ...{ learningRate: 2e-3, weightDecay: 2e-5 },
      disturb: (input, random) => {
        const places = dimensions * cells;
        for (let i = 0; i < places; i++) input[i] = random.chance(leftOut) ? 0 : input[i] / (1 - leftOut);
        for (let i = places; i < input.length; i++) input[i] += random.normal(0, tremble);
      },
    },
    (step) => {
      progress(step + 1, steps);
    },
  );
  const layers = trained.map((layer, l) =>
    l + 1 < trained.length
      ? layer
      : {
          weights: layer.weights.map((value) => value / turnGain),
          biases: layer.biases.map((value) => value / turnGain),
        },
  );
  const channels = projection.length / dimensions;
  const net: TurnNet = { projection, channels, mean: middle, gain, layers, sigma: 0, network };
  net.sigma = Math.sqrt(mean(errorsOf(net, test).map(({ off }) => (off * (Math.PI / 180)) ** 2)) / 3);
  const packed = packInto(file, net, path);
  const stored = parsePointNet(packed, path).seen;
  if (stored === undefined) throw new Error('the network was not stored');
  const errors = errorsOf(stored, test);
  await writeFileAtomic(path, packed);
  const upTo = (least: number, most: number): number =>
    round(mean(errors.filter(({ yaw }) => yaw > least && yaw <= most).map(({ off }) => off)), 2);
  printResult(
    {
      ...{ samples: train.length, held_out: test.length, bytes: packed.length },
      ...{ turn_to_30: upTo(-1, 30), turn_30_to_50: upTo(30, 50) },
      turn_known: round(mean(errorsOf(net, train).map(({ off }) => off)), 2),
    },
    values.json,
  );
});
