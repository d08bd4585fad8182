import { describe, expect, test } from 'vitest';
import {
  averageReferences,
  matchInWindow,
  matchReferences,
  sampleEmbedding,
  type EmbeddingMap,
} from '../../src/landmarks/matching.ts';
import { loadNodeRuntime } from '../../src/model/runtime-node.ts';
import { Graph } from '../../src/onnx/graph.ts';
import { encodeModel } from '../../src/onnx/protobuf.ts';
import { matchingHead } from '../../src/train/network/matching-head.ts';
import { createRandom } from '../../src/augment/random.ts';

const channels = 8;

/** A map of random unit vectors. */
const randomMap = (width: number, height: number, stride: number, seed = 1): EmbeddingMap => {
  const random = createRandom(seed);
  const cells = width * height;
  const data = new Float32Array(channels * cells);
  for (let cell = 0; cell < cells; cell += 1) {
    const vector = Array.from({ length: channels }, () => random.normal());
    const length = Math.hypot(...vector);
    vector.forEach((value, channel) => {
      data[channel * cells + cell] = value / length;
    });
  }
  return { data, channels, width, height, stride };
};

const cellVector = (map: EmbeddingMap, column: number, row: number): Float32Array =>
  Float32Array.from(
    { length: map.channels },
    (_, channel) => map.data[channel * map.width * map.height + row * map.width + column],
  );

describe('sampling an embedding', () => {
  const map = randomMap(5, 4, 3);

  test('at a cell centre gives the vector of that cell', () => {
    const sampled = sampleEmbedding(map, { x: (2 + 0.5) * 3, y: (1 + 0.5) * 3 });
    cellVector(map, 2, 1).forEach((value, channel) => {
      expect(sampled[channel]).toBeCloseTo(value, 6);
    });
  });

  test('half way between two cells gives their mean, made a unit vector', () => {
    const sampled = sampleEmbedding(map, { x: 3 * 3, y: 0.5 * 3 });
    const sum = cellVector(map, 2, 0).map((value, channel) => value + cellVector(map, 3, 0)[channel]);
    const length = Math.hypot(...sum);
    sampled.forEach((value, channel) => {
      expect(value).toBeCloseTo(sum[channel] / length, 6);
    });
    expect(Math.hypot(...sampled)).toBeCloseTo(1, 6);
  });

  test('beyond the map repeats its border', () => {
    const sampled = sampleEmbedding(map, { x: -50, y: 100 });
    expect([...sampled]).toEqual([...sampleEmbedding(map, { x: 1.5, y: 3.5 * 3 })]);
  });
});

describe('matching references', () => {
  test('a vector of the map is found at its own cell centre', () => {
    const map = randomMap(6, 5, 2);
    const [x, y, cosine] = matchReferences(map, cellVector(map, 4, 3), { temperature: 1e-3 });
    expect([x, y]).toEqual([(4 + 0.5) * 2, (3 + 0.5) * 2]);
    expect(cosine).toBeCloseTo(1, 6);
  });

  test('two equal neighbours are matched half way between them', () => {
    const map = randomMap(6, 5, 2);
    const cells = 30;
    for (let channel = 0; channel < channels; channel += 1) {
      map.data[channel * cells + 2 * 6 + 3] = map.data[channel * cells + 2 * 6 + 2];
    }
    const [x, y] = matchReferences(map, cellVector(map, 2, 2), { temperature: 1e-3 });
    expect(x).toBeCloseTo(3 * 2, 4);
    expect(y).toBeCloseTo(2.5 * 2, 4);
  });

  test('a vector that was read between cells is found there', () => {
    // Waves of several lengths and directions: smooth, and nowhere alike.
    const width = 12;
    const waves = [0.31, 0.23, 0.17, 0.29].map((pace, i) => ({
      x: pace * Math.cos(i),
      y: pace * Math.sin(i),
    }));
    const data = new Float32Array(2 * waves.length * width * width);
    waves.forEach((wave, i) => {
      for (let cell = 0; cell < width * width; cell += 1) {
        const phase = wave.x * (cell % width) + wave.y * Math.floor(cell / width);
        data[2 * i * width * width + cell] = Math.cos(phase) / Math.sqrt(waves.length);
        data[(2 * i + 1) * width * width + cell] = Math.sin(phase) / Math.sqrt(waves.length);
      }
    });
    const map: EmbeddingMap = { data, channels: 2 * waves.length, width, height: width, stride: 2 };
    const settings = { temperature: 0.004 };
    for (const point of [
      { x: 8.3, y: 11.9 },
      { x: 13.05, y: 7.45 },
      { x: 10, y: 15.2 },
    ]) {
      const reference = sampleEmbedding(map, point);
      const [x, y] = matchReferences(map, reference, settings);
      // A tenth of a cell.
      expect(Math.hypot(x - point.x, y - point.y)).toBeLessThan(0.2);
      // The centres of cells alone do not tell it.
      const [cellX, cellY] = matchInWindow(map, reference, { ...settings, radius: 1 });
      expect(Math.hypot(x - point.x, y - point.y)).toBeLessThan(Math.hypot(cellX - point.x, cellY - point.y));
    }
  });

  test('cells further away do not pull', () => {
    const map = randomMap(9, 1, 1);
    for (let channel = 0; channel < channels; channel += 1) {
      map.data[channel * 9 + 8] = map.data[channel * 9 + 1] * 0.999;
    }
    const [x] = matchReferences(map, cellVector(map, 1, 0), { temperature: 1e-3 });
    expect(x).toBeCloseTo(1.5, 4);
  });

  test('the mean of references is a unit vector of their sum', () => {
    const mean = averageReferences([Float32Array.of(1, 0, 0, 1), Float32Array.of(0, 1, 0, 1)], 2);
    const half = Math.SQRT1_2;
    [half, half, 0, 1].forEach((value, index) => {
      expect(mean[index]).toBeCloseTo(value, 6);
    });
  });

  test('the matching head of exported networks gives the same positions', async () => {
    const map = randomMap(7, 7, 2, 3);
    const settings = { temperature: 0.07 };
    const random = createRandom(9);
    // Some references near the borders, some anywhere.
    const references = averageReferences(
      [
        Float32Array.from(
          [
            [0, 0],
            [6, 6],
            [6, 0],
            [3, 2],
          ].flatMap(([column, row]) => [...cellVector(map, column, row)]),
        ),
        Float32Array.from({ length: 4 * channels }, () => random.normal(0, 0.1)),
      ],
      channels,
    );
    const graph = new Graph('head');
    const embedding = graph.input('embedding', 'float32', [1, channels, 7, 7]);
    const given = graph.input('references', 'float32', ['N', channels]);
    const head = { ...settings, confidence: { slope: 10, midpoint: 0.5 } };
    graph.output('matches', matchingHead(graph, embedding, given, map.stride, head));

    const { InferenceSession, Tensor, sessionOptions } = await loadNodeRuntime();
    const session = await InferenceSession.create(encodeModel(graph), sessionOptions);
    const { matches } = await session.run({
      embedding: new Tensor('float32', map.data, [1, channels, 7, 7]),
      references: new Tensor('float32', references, [4, channels]),
    });
    await session.release();
    const twin = matchReferences(map, references, settings);
    const found = [...(matches.data as Float32Array)];
    expect(found).toHaveLength(12);
    for (let n = 0; n < 4; n += 1) {
      expect(found[n * 3]).toBeCloseTo(twin[n * 3], 4);
      expect(found[n * 3 + 1]).toBeCloseTo(twin[n * 3 + 1], 4);
    }
  });
});
