import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { imageToCrop } from '../../src/geometry/roi.ts';
import { embedPoints } from '../../src/landmarks/embed-points.ts';
import { applySimilarity, createSimilarity } from '../../src/geometry/similarity.ts';
import { type AnnotatedFolder } from '../../src/evaluation/annotations.ts';
import { readAnnotatedFolder } from '../../src/evaluation-node/read-annotated-folder.ts';
import { evaluateLandmarks } from '../../src/evaluation/evaluate-landmarks.ts';
import { evaluateMatching } from '../../src/evaluation-node/evaluate-match.ts';
import type { EvaluationCrop } from '../../src/evaluation/evaluation-model.ts';
import type { Model } from '../../src/model/model.ts';
import { loadEvaluationCrops } from '../../src/evaluation-node/load-evaluation-crops.ts';
import { createRandom } from '../../src/augment/random.ts';
import { embedGradient, gradientManifest, writeGradientFaces } from '../fixtures/gradient-faces.ts';
import { modelOfEmbedding } from '../fixtures/model-of-embedding.ts';

const { inputSize, embeddingSize, stride } = gradientManifest;
const cells = (inputSize / stride) ** 2;

const oracle = modelOfEmbedding(gradientManifest, embedGradient);

const set = { meanShape: [], evidence: { object: 1, background: 0 } };

const random = createRandom(5);
/** Knows nothing: another random unit vector for every cell of every picture. */
const clueless: Model = modelOfEmbedding(gradientManifest, () => {
  const embedding = new Float32Array(embeddingSize * cells);
  for (let cell = 0; cell < cells; cell += 1) {
    const vector = Array.from({ length: embeddingSize }, () => random.normal());
    const length = Math.hypot(...vector);
    vector.forEach((value, channel) => {
      embedding[channel * cells + cell] = value / length;
    });
  }
  return Promise.resolve(embedding);
});

let root: string;
let folder: AnnotatedFolder;
let crops: EvaluationCrop[];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dve-evaluate-'));
  await writeGradientFaces(join(root, 'faces'), 12);
  folder = await readAnnotatedFolder(join(root, 'faces'));
  crops = await loadEvaluationCrops(folder, inputSize);
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

describe('the matching protocol', () => {
  test('measures next to nothing for a perfect embedding', async () => {
    const result = await evaluateMatching({ model: oracle, folder, pairs: 20 });
    expect(result.pairs).toBe(20);
    // Two roundings of 8-bit colours; a half-pixel mistake would be 0.7.
    expect(result.samePixels).toBeLessThan(0.2);
    expect(result.differentPixels).toBeLessThan(0.2);
  });

  test('measures much for an embedding that knows nothing', async () => {
    const result = await evaluateMatching({ model: clueless, folder, pairs: 10 });
    expect(result.samePixels).toBeGreaterThan(10);
    expect(result.differentPixels).toBeGreaterThan(10);
  });

  test('gives the same figures for the same seed and others for another', async () => {
    const first = await evaluateMatching({ model: oracle, folder, pairs: 4, seed: 3 });
    expect(await evaluateMatching({ model: oracle, folder, pairs: 4, seed: 3 })).toEqual(first);
    expect(await evaluateMatching({ model: oracle, folder, pairs: 4, seed: 4 })).not.toEqual(first);
  });

  test('warps: the best answer without looking at the warp is clearly off', async () => {
    // The answer "where it was in the source" shows how strong the warps are.
    let last = new Float32Array(0);
    const still: Model = {
      ...oracle,
      match: async (image, references) => {
        last = new Float32Array(
          (image.length / (3 * inputSize ** 2)) * (references.length / embeddingSize) * 3,
        );
        return Promise.resolve(last.fill(inputSize / 2));
      },
    };
    const centre = await evaluateMatching({ model: still, folder, pairs: 20 });
    expect(last).toHaveLength(2 * 5 * 3);
    // The five points lie some 10 to 20 pixels from the centre of a 70-pixel picture.
    expect(centre.samePixels).toBeGreaterThan(5);
    expect(centre.samePixels).toBeLessThan(25);
  });

  test('leaves out a picture that cannot be decoded, and names it', async () => {
    const damaged = join(root, 'damaged');
    await writeGradientFaces(damaged, 4);
    await writeFile(join(damaged, 'face-2.png'), 'not a picture');
    const skipped: string[] = [];
    const result = await evaluateMatching({
      model: oracle,
      folder: await readAnnotatedFolder(damaged),
      pairs: 12,
      onSkip: (message) => skipped.push(message),
    });
    expect(result.pairs).toBe(12);
    expect(skipped).toHaveLength(1);
    expect(skipped[0]).toMatch(/face-2\.png cannot be decoded/);
  });

  test('wants two pictures', async () => {
    const single = { ...folder, items: folder.items.slice(0, 1) };
    await expect(evaluateMatching({ model: oracle, folder: single })).rejects.toThrow(/a pair needs two/);
  });
});

describe('the landmark protocol', () => {
  test.each(['5', '51', '68'] as const)('finds all %s points by a perfect embedding', async (points) => {
    const result = await evaluateLandmarks({
      model: oracle,
      test: crops,
      references: { kind: 'pictures', crops, shots: 1, draws: 3 },
      points,
    });
    expect(result.images).toBe(11);
    expect(result.nme).toBeLessThan(0.01);
    expect(result.median).toBeLessThan(0.01);
    expect(result.pck10).toBe(1);
    expect(result.failure10).toBe(0);
  });

  test('measures much for an embedding that knows nothing', async () => {
    const result = await evaluateLandmarks({
      model: clueless,
      test: crops,
      references: { kind: 'pictures', crops, shots: 2, draws: 1 },
      points: '68',
    });
    expect(result.nme).toBeGreaterThan(0.5);
    expect(result.failure10).toBe(1);
    expect(result.images).toBe(10);
  });

  test('tests on all pictures where the references come from another folder', async () => {
    await writeGradientFaces(join(root, 'others'), 3, 2);
    const others = await loadEvaluationCrops(await readAnnotatedFolder(join(root, 'others')), inputSize);
    const result = await evaluateLandmarks({
      model: oracle,
      test: crops,
      references: { kind: 'pictures', crops: others, shots: 3, draws: 2 },
      points: '5',
    });
    expect(result.images).toBe(12);
    expect(result.nme).toBeLessThan(0.01);
  });

  test('uses the set that is made of the pictures of each draw', async () => {
    const drawn: string[][] = [];
    const evaluate = (referencesOf: (first: EvaluationCrop) => Promise<Float32Array>) =>
      evaluateLandmarks({
        model: oracle,
        test: crops,
        references: {
          ...{ kind: 'pictures', crops, shots: 5, draws: 2 },
          makeSet: async (pictures) => {
            drawn.push(pictures.map(({ path }) => path));
            return { ...set, references: await referencesOf(pictures[0]) };
          },
        },
        points: '51',
      });
    const result = await evaluate(({ image, landmarks, roi }) =>
      embedPoints(
        oracle,
        image,
        landmarks.map((point) => imageToCrop(point, roi, inputSize)),
      ),
    );
    expect(result.images).toBe(7);
    expect(result.nme).toBeLessThan(0.01);
    expect(drawn.map((paths) => new Set(paths).size)).toEqual([5, 5]);
    expect(drawn[0]).not.toEqual(drawn[1]);
    const nonsense = await evaluate(() =>
      Promise.resolve(Float32Array.from({ length: 68 * embeddingSize }, (_, i) => Number(i % 3 === 2))),
    );
    expect(nonsense.nme).toBeGreaterThan(0.1);
  });

  test('takes the references of a landmark set, and only its own number of points', async () => {
    const references = Float32Array.from({ length: 51 * embeddingSize }, (_, i) => Number(i % 3 === 2));
    const evaluate = (points: '51' | '5') =>
      evaluateLandmarks({
        model: oracle,
        test: crops,
        references: { kind: 'set', set: { ...set, references } },
        points,
      });
    expect((await evaluate('51')).images).toBe(12);
    await expect(evaluate('5')).rejects.toThrow(/has 51 points but 5 are to be measured/);
  });

  test('takes out a constant offset in the frame of the eyes, however faces are turned', async () => {
    // Pictures that say by their first pixel which face they show; each is turned and scaled in its own way.
    const faces = Array.from({ length: 8 }, (_, i): EvaluationCrop => {
      const turned = createSimilarity(0.5 + 0.1 * i, 0.7 * i, { x: 40, y: 50 });
      const image = new Float32Array(3 * inputSize ** 2);
      image[0] = i;
      const roi = { center: { x: inputSize / 2, y: inputSize / 2 }, size: inputSize, rotation: 0 };
      const landmarks = crops[0].landmarks.map((point) => applySimilarity(turned, point));
      return { path: String(i), image, roi, landmarks };
    });
    const model: Model = {
      ...oracle,
      // Every point is found a tenth of the eyes' distance along their line, and a twentieth across, from its place.
      matchAndEmbed: (image) => {
        const { landmarks } = faces[image[0]];
        const along = { x: landmarks[45].x - landmarks[36].x, y: landmarks[45].y - landmarks[36].y };
        const found = landmarks.flatMap(({ x, y }) => [
          ...[x + 0.1 * along.x - 0.05 * along.y, y + 0.1 * along.y + 0.05 * along.x, 1],
        ]);
        return Promise.resolve({ matches: Float32Array.from(found), embedding: new Float32Array() });
      },
    };
    const references = new Float32Array(68 * embeddingSize);
    const evaluate = (offsetsFrom?: EvaluationCrop[]) =>
      evaluateLandmarks({
        ...{
          model,
          test: faces.slice(0, 4),
          references: { kind: 'set', set: { ...set, references } },
          points: '51',
        },
        ...(offsetsFrom === undefined ? {} : { offsetsFrom }),
      });
    expect((await evaluate()).nme).toBeCloseTo(Math.hypot(0.1, 0.05), 5);
    const without = await evaluate(faces.slice(4));
    expect(without.nme).toBeCloseTo(0, 5);
    expect(without.images).toBe(4);
  });

  test('refuses more shots than pictures, and a test without pictures', async () => {
    const evaluate = (shots: number) =>
      evaluateLandmarks({
        model: oracle,
        test: crops,
        references: { kind: 'pictures', crops, shots, draws: 1 },
        points: '5',
      });
    await expect(evaluate(13)).rejects.toThrow(/13 reference pictures are asked for but only 12/);
    await expect(evaluate(12)).rejects.toThrow(/none is left to measure/);
  });

  test('a limit takes the same pictures every time', async () => {
    const some = await loadEvaluationCrops(folder, inputSize, { limit: 5 });
    const again = await loadEvaluationCrops(folder, inputSize, { limit: 5 });
    expect(some).toHaveLength(5);
    expect(again.map(({ path }) => path)).toEqual(some.map(({ path }) => path));
  });
});

describe('annotations', () => {
  const refusal = async (content: string): Promise<string> => {
    await writeFile(join(root, 'landmarks.json'), content);
    const error: unknown = await readAnnotatedFolder(root).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InputError);
    return (error as InputError).message;
  };
  const item = async (change: Record<string, unknown>): Promise<string> => {
    const text = await readFile(join(root, 'faces', 'landmarks.json'), 'utf8');
    const { items } = JSON.parse(text) as { items: Record<string, unknown>[] };
    return refusal(JSON.stringify({ items: [items[0], { ...items[1], ...change }] }));
  };

  test('that are wrong are refused by item and picture', async () => {
    expect(await item({ landmarks: [[1, 2]] })).toMatch(/items\[1\] \(face-1\.png\) has 1 landmarks but 68/);
    expect(await item({ landmarks: Array.from({ length: 68 }, () => [1, null]) })).toMatch(
      /landmark 0 is not \[x, y\]/,
    );
    expect(await item({ box: [5, 5, 1, 9] })).toMatch(/box that is not/);
    expect(await item({ image: '../face.png' })).toMatch(/without a folder/);
    expect(await refusal('{')).toMatch(/cannot be read as JSON .*Give a folder of pictures/);
    expect(await refusal('null')).toMatch(/no list "items"/);
    expect(await refusal('{"items":[]}')).toMatch(/lists no pictures/);
    await expect(readAnnotatedFolder(join(root, 'nowhere'))).rejects.toThrow(/landmarks.json cannot be read/);
  });

  test('of another picture size are left out', async () => {
    const skipped: string[] = [];
    const wrong = { ...folder, imageSize: { width: 256, height: 256 } };
    const loading = loadEvaluationCrops(wrong, inputSize, { onSkip: (message) => skipped.push(message) });
    await expect(loading).rejects.toThrow(/None of the 12 pictures/);
    expect(skipped[0]).toMatch(/is 128×128 but landmarks.json says 256×256/);
  });
});
