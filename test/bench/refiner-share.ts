/**
 * What the refiner of a landmark set costs of a look at a frame, in Node on the network that browsers run: looks without
 * and with it take turns in this process, and only ratios are told.
 *
 *     npx tsx test/bench/refiner-share.ts [--model DIR] [--landmarks FILE] [--precision fp32|int8] [--rounds N] [--json]
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRandom } from '../../src/augment/random.ts';
import { parseLandmarkSet, type LandmarkSet } from '../../src/landmarks/landmark-set.ts';
import { usesEmbeddings } from '../../src/landmarks/refiner.ts';
import { openNodeModel } from '../../src/model/model-node.ts';
import type { Model } from '../../src/model/model.ts';
import { lookFromMatches, refineLook } from '../../src/pipeline/look.ts';
import { wholeCrop } from '../../src/landmark-maker/calibration-looks.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values: given } = parseArgs({
  options: {
    model: { type: 'string', default: join(root, 'models', 'face') },
    landmarks: { type: 'string' },
    precision: { type: 'string', default: 'int8' },
    rounds: { type: 'string', default: '200' },
    json: { type: 'boolean', default: false },
  },
});
const wanted = 3;
const [rounds, warmUp] = [Number(given.rounds), 20];
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${given.rounds} is no count.`);

type Look = (model: Model, set: LandmarkSet, crop: Float32Array) => Promise<number>;

/** A look without a refiner. @returns milliseconds */
const lookPlainly: Look = async (model, set, crop) => {
  const { inputSize } = model.manifest;
  const start = performance.now();
  lookFromMatches(await model.match(crop, set.references), wholeCrop(inputSize), set, inputSize);
  return performance.now() - start;
};

const refiningTimes: number[] = [];

/** A look that is refined, as the tracker does it; notes what refining alone took. @returns milliseconds */
const lookAndRefine: Look = async (model, set, crop) => {
  const { inputSize } = model.manifest;
  const start = performance.now();
  const { matches, embedding } =
    set.refiner === undefined || !usesEmbeddings(set.refiner.fromEmbeddings)
      ? { matches: await model.match(crop, set.references), embedding: new Float32Array(0) }
      : await model.matchAndEmbed(crop, set.references);
  const look = lookFromMatches(matches, wholeCrop(inputSize), set, inputSize);
  const seen = performance.now();
  refineLook(look, embedding, set, model.manifest);
  const end = performance.now();
  refiningTimes.push(end - seen);
  return end - start;
};

/** What a look takes while nothing else disturbs it: the fastest tenth, milliseconds. */
const undisturbed = (times: readonly number[]): number =>
  [...times].sort((a, b) => a - b)[Math.floor(times.length / 10)];

const set = parseLandmarkSet(await readFile(given.landmarks ?? join(given.model, 'landmarks.json'), 'utf8'));
if (set.refiner === undefined)
  throw new Error('The landmark set has no refiner: there is nothing to measure.');
const precision = given.precision === 'fp32' ? 'fp32' : 'int8';
const model = await openNodeModel(given.model, { precision, device: 'wasm', threads: 1 });
const random = createRandom(1);
const crop = Float32Array.from({ length: 3 * model.manifest.inputSize ** 2 }, () => random.uniform());
const plain: number[] = [];
const refined: number[] = [];
for (let round = 0; round < warmUp; round++) await lookAndRefine(model, set, crop);
refiningTimes.length = 0;
for (let round = 0; round < rounds; round++) {
  // Whichever comes second finds the caches warm: they take turns.
  if (round % 2 === 0) plain.push(await lookPlainly(model, set, crop));
  refined.push(await lookAndRefine(model, set, crop));
  if (round % 2 === 1) plain.push(await lookPlainly(model, set, crop));
}
const whole = undisturbed(refined);
await model.close();
const result = {
  device: model.device,
  precision,
  embeddings: usesEmbeddings(set.refiner.fromEmbeddings),
  /** Percent of a look with the refiner. */
  refining: Number(((100 * undisturbed(refiningTimes)) / whole).toFixed(2)),
  /** The same with what else it needs, reading the embedding back above all. */
  more: Number((100 * (1 - undisturbed(plain) / whole)).toFixed(2)),
};
if (given.json) console.log(JSON.stringify(result));
else {
  console.log(
    `${result.device}, ${precision}: refining is ${result.refining} % of a look (wanted: at most ${wanted} %), ` +
      `with the reading of embeddings ${result.more} % (${result.embeddings ? 'used' : 'not used'})`,
  );
}
