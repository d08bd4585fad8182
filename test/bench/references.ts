/**
 * One reference for each landmark, or several: the mean over all annotated pictures, against means that count those
 * pictures most which look alike, part by part, so that an open mouth is not compared with shut ones.
 *
 *     npx tsx test/bench/references.ts [--model DIR] [--shots 2,5,20,60] [--draws N] [--json]
 *
 * Pictures of eval/helen: some are drawn as references, 150 others as tests. Mean distance of 51 points, percent of the
 * inter-ocular distance, by matches alone, nothing refined. A picture counts by exp(mean cosine in the part / temperature).
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRandom } from '../../src/augment/random.ts';
import { readAnnotatedFolder } from '../../src/evaluation-node/read-annotated-folder.ts';
import { loadEvaluationCrops } from '../../src/evaluation-node/load-evaluation-crops.ts';
import { imageToCrop } from '../../src/geometry/roi.ts';
import type { Point } from '../../src/geometry/coordinates.ts';
import { interOcularDistance, selectPoints } from '../../src/landmarks/point-sets.ts';
import {
  averageReferences,
  matchReferences,
  sampleEmbeddings,
  toEmbeddingMap,
  type EmbeddingMap,
} from '../../src/landmarks/matching.ts';
import { openNodeModel } from '../../src/model/model-node.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const data = process.env.DVE_DATA ?? join(root, '..', 'shared', 'data');

const { values: given } = parseArgs({
  options: {
    model: { type: 'string', default: join(root, 'models', 'face') },
    shots: { type: 'string', default: '2,5,20,60' },
    draws: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});

const tests = 150;
const temperatures = [0.01, 0.02, 0.04, 0.08];
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
/** Of the 51 points: both brows, the nose, both eyes, the mouth. */
const parts = [range(0, 5), range(5, 10), range(10, 19), range(19, 25), range(25, 31), range(31, 51)];

type Face = {
  map: EmbeddingMap;
  /** (51) crop pixels. */ points: Point[];
  /** (51, C) */ seen: Float32Array;
  /** Crop pixels. */ unit: number;
};

const model = await openNodeModel(given.model, { precision: 'fp32' });
const { inputSize, cropMargin, embeddingSize: channels } = model.manifest;
const folder = await readAnnotatedFolder(join(data, 'eval', 'helen'));
const faces: Face[] = [];
for (const { image, roi, landmarks } of await loadEvaluationCrops(folder, inputSize, {
  margin: cropMargin,
})) {
  const inCrop = landmarks.map((point) => imageToCrop(point, roi, inputSize));
  const map = toEmbeddingMap(model.manifest, await model.embed(image));
  const points = selectPoints(inCrop, '51');
  faces.push({ map, points, seen: sampleEmbeddings(map, points), unit: interOcularDistance(inCrop) });
}
await model.close();

/** Mean distance, percent of the inter-ocular distance. */
const errorOf = ({ points, unit }: Face, matches: Float32Array): number =>
  points.reduce((sum, { x, y }, n) => sum + Math.hypot(matches[3 * n] - x, matches[3 * n + 1] - y), 0) /
  ((points.length * unit) / 100);

const alike = (a: Float32Array, b: Float32Array, part: readonly number[]): number => {
  let sum = 0;
  for (const n of part) for (let i = n * channels; i < (n + 1) * channels; i++) sum += a[i] * b[i];
  return sum / part.length;
};

/** References for one face: those that look like it count most. @param here (51, C) what is seen at its matches */
const chosenFor = (
  here: Float32Array,
  references: readonly Float32Array[],
  temperature: number,
): Float32Array => {
  const sums = new Float32Array(here.length);
  for (const part of parts) {
    const cosines = references.map((one) => alike(here, one, part));
    const greatest = Math.max(...cosines);
    references.forEach((one, i) => {
      const weight = Math.exp((cosines[i] - greatest) / temperature);
      for (const n of part)
        for (let c = n * channels; c < (n + 1) * channels; c++) sums[c] += weight * one[c];
    });
  }
  return averageReferences([sums], channels);
};

const rows: Record<string, number>[] = [];
for (const shots of given.shots.split(',').map(Number)) {
  const errors: Record<string, number[] | undefined> = {};
  for (let draw = 0; draw < Number(given.draws); draw++) {
    const order = createRandom(7, shots, draw).shuffle(range(0, faces.length));
    const references = order.slice(0, shots).map((i) => faces[i].seen);
    const mean = averageReferences(references, channels);
    for (const face of order.slice(shots, shots + tests).map((i) => faces[i])) {
      const matches = matchReferences(face.map, mean, model.manifest);
      (errors.mean ??= []).push(errorOf(face, matches));
      const places = face.points.map((_, n) => ({ x: matches[3 * n], y: matches[3 * n + 1] }));
      const here = sampleEmbeddings(face.map, places);
      for (const temperature of temperatures) {
        const chosen = chosenFor(here, references, temperature);
        const found = matchReferences(face.map, chosen, model.manifest);
        (errors[`by part, ${temperature}`] ??= []).push(errorOf(face, found));
      }
    }
  }
  const row = Object.fromEntries(
    Object.entries(errors).map(([name, all = []]) => [
      name,
      all.reduce((sum, one) => sum + one, 0) / all.length,
    ]),
  );
  rows.push({ shots, ...row });
  if (given.json) continue;
  const texts = Object.entries(row).map(([name, error]) => `${name}: ${error.toFixed(2)}`);
  console.log(`${String(shots).padStart(4)} pictures   ${texts.join('   ')}`);
}
if (given.json) console.log(JSON.stringify(rows));
