import { Tracker } from 'dve-sdk';
import { ClosedError, createTraining, InputError, type Training, type TrainingProgress } from 'dve-sdk/train';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { blobs } from '../fixtures/blob-scene.ts';
import { catchWorkers } from './caught.ts';
import { collect } from './scene.ts';
import {
  clipFile,
  discsAt,
  mediabunny,
  sceneAt,
  scenePictures,
  squarePictures,
  tinyConfig,
} from './training-data.ts';

const options = { config: tinyConfig, device: 'wasm' } as const;

const lossesOf = (progress: readonly TrainingProgress[]): number[] =>
  progress.flatMap((one) => (one.phase === 'training' ? one.losses : []));

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Goes on until some steps are done. */
const untilStep = async (training: Training, step: number): Promise<void> => {
  for await (const progress of training) {
    if (progress.phase === 'training' && progress.step >= step) return;
  }
};

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A landmark set that fits the tiny network, and nothing that is to be seen. */
const threeLandmarks = {
  ...{ category: 'object', embeddingSize: 8, names: ['a', 'b', 'c'], connections: [], mirrorPairs: [] },
  meanShape: [
    { x: 0.3, y: 0.3 },
    { x: 0.7, y: 0.3 },
    { x: 0.5, y: 0.7 },
  ],
  references: Float32Array.from({ length: 24 }, (_, i) => (i % 9 === 0 ? 1 : 0)),
  evidence: { object: 2, background: 0 },
};

describe('a training on pictures', () => {
  test('tells of every step, its loss falls, and it ends with a whole model directory', async () => {
    using training = createTraining({ ...options, pictures: await squarePictures(6) });
    const progress = await collect(training);
    const losses = lossesOf(progress);
    expect(losses).toHaveLength(tinyConfig.steps);
    expect(mean(losses.slice(-10))).toBeLessThan(0.97 * mean(losses.slice(0, 10)));
    expect(progress.at(-1)).toMatchObject({ phase: 'training', step: 40, steps: 40 });
    expect(await training.ready).toMatchObject({ device: 'wasm', pictures: 6, pairs: 0, skipped: [] });
    const files = await training.result();
    expect([...files.keys()].sort()).toEqual([
      'checkpoint.bin',
      'manifest.json',
      'model.int8.onnx',
      'model.onnx',
    ]);
  });

  test('the same seed gives the same losses, another one others', async () => {
    const pictures = await squarePictures(6);
    const run = async (seed: number): Promise<number[]> => {
      using training = createTraining({ ...options, pictures, config: { ...tinyConfig, steps: 5, seed } });
      return lossesOf(await collect(training));
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect(await run(2)).not.toEqual(first);
  });

  test('goes on from a checkpoint, and refuses one that does not fit', async () => {
    const pictures = await squarePictures(6);
    const train = (steps: number, checkpoint?: Uint8Array<ArrayBuffer>, config = {}) =>
      createTraining({
        ...{ ...options, pictures, config: { ...tinyConfig, ...config, steps } },
        ...(checkpoint && { checkpoint }),
      });
    using whole = train(6);
    const losses = lossesOf(await collect(whole));
    // The same seed and data: what goes on after a stop is what would have come without it.
    using begun = train(6);
    for await (const progress of begun) {
      if (progress.phase === 'training' && progress.step >= 2) await begun.stop();
    }
    const checkpoint = (await begun.files()).get('checkpoint.bin');
    if (checkpoint === undefined) return expect.unreachable('there is no checkpoint');
    using resumed = train(6, checkpoint);
    const rest = lossesOf(await collect(resumed));
    expect(rest.length).toBeGreaterThan(0);
    expect(rest.length).toBeLessThan(5);
    rest.forEach((loss, i) => {
      expect(loss).toBeCloseTo(losses.slice(-rest.length)[i], 3);
    });
    const refusal = async (training: ReturnType<typeof train>): Promise<string> => {
      try {
        await training.ready;
        return '';
      } catch (error) {
        return String(error);
      }
    };
    expect(await refusal(train(1, checkpoint))).toMatch(/steps already, and config\.steps is 1/);
    const other = { network: { embeddingSize: 16, widths: [12, 16, 24] } };
    expect(await refusal(train(6, checkpoint, other))).toMatch(/another network/);
    expect(await refusal(train(6, checkpoint.slice(0, -9)))).toMatch(/not a complete checkpoint/);
  });

  test(
    'what was trained finds the points that were marked, in another picture',
    { timeout: 180_000 },
    async () => {
      const config = {
        ...tinyConfig,
        steps: 250,
        network: { embeddingSize: 16, widths: [12, 16, 24] },
        batch: {
          ...tinyConfig.batch,
          inputSize: 48,
          queryGrid: 12,
          photometric: { saturation: 0.1, gamma: 0.05, colorCast: 0.01, greyShare: 0, lightingShare: 0 },
          occlusion: { share: 0.1 },
        },
        loss: { auxiliaryGrid: 12, backgroundGrid: 6 },
      };
      using training = createTraining({ ...options, config, pictures: await scenePictures(8) });
      const marks = {
        pictures: [{ picture: sceneAt(0.4), points: discsAt(0.4) }],
        names: blobs.map(({ name }) => name),
      };
      const files = await training.result(marks);
      expect(files.has('landmarks.json')).toBe(true);
      await using tracker = await Tracker.create({ model: files, device: 'wasm', smoothing: false });
      expect(tracker.info.landmarks.names).toEqual(marks.names);
      let result = await tracker.step(sceneAt(2.3), 0);
      for (let i = 1; i < 40 && result.status !== 'tracking'; i++)
        result = await tracker.step(sceneAt(2.3), i);
      if (result.status !== 'tracking') return expect.unreachable('the object was not found');
      const errors = discsAt(2.3).map(({ x, y }, i) =>
        Math.hypot(result.landmarks[i].x - x, result.landmarks[i].y - y),
      );
      // The picture has 200 × 150 pixels, a cell of the network about 6.
      expect(mean(errors)).toBeLessThan(4);
    },
  );

  test('a file of the model that is missing is named', async () => {
    using training = createTraining({
      ...options,
      pictures: await squarePictures(6),
      config: { ...tinyConfig, steps: 1 },
    });
    const model = await training.result();
    await expect(Tracker.create({ model, device: 'wasm' })).rejects.toThrow(/has no landmarks/);
    model.delete('model.int8.onnx');
    model.delete('model.onnx');
    const landmarks = threeLandmarks;
    await expect(Tracker.create({ model, landmarks, device: 'wasm' })).rejects.toThrow(
      /no file "model(\.int8)?\.onnx"/,
    );
  });

  test('stopped midway it ends, and its model can be used', async () => {
    using training = createTraining({
      ...options,
      pictures: await squarePictures(6),
      config: { ...tinyConfig, steps: 100_000 },
    });
    await untilStep(training, 3);
    expect(await training.matches(2)).toHaveLength(2);
    await training.stop();
    const rest = await collect(training);
    const last = rest.at(-1);
    if (last?.phase === 'training') expect(last.step).toBeLessThan(100_000);
    const model = await training.result();
    await using tracker = await Tracker.create({ model, landmarks: threeLandmarks, device: 'wasm' });
    expect(await tracker.step(sceneAt(0), 0)).toMatchObject({ width: 200, height: 150 });
  });

  test('marks that do not belong together are refused, and training goes on', async () => {
    using training = createTraining({ ...options, pictures: await squarePictures(6) });
    const picture = sceneAt(0);
    const one = { x: 5, y: 5 };
    await expect(training.files({ pictures: [{ picture, points: [one, one] }] })).rejects.toThrow(/2 points/);
    await expect(training.files({ pictures: [{ picture, points: [one, one, one] }] })).rejects.toThrow(
      /lie all in one place/,
    );
    expect((await training.result()).has('model.onnx')).toBe(true);
  });
});

describe('a training on videos', () => {
  test.each([
    ['mediabunny', { mediabunny }],
    ['the page’s video element', {}],
  ])('decodes them with %s, pairs their frames, and names what it cannot use', async (_, decoder) => {
    const videos = [
      await clipFile(1, 'one.webm'),
      await clipFile(2, 'two.webm'),
      new File(['this is no video'], 'broken.mp4'),
      await clipFile(3, 'still.webm', 8, 0),
    ];
    const config = { ...tinyConfig, steps: 4 };
    using training = createTraining({ ...options, ...decoder, videos, config });
    const progress = await collect(training);
    expect(progress[0].phase).toBe('preparing');
    expect(lossesOf(progress)).toHaveLength(4);
    const { pairs, videos: used, skipped } = await training.ready;
    expect(used).toBe(2);
    expect(pairs).toBeGreaterThanOrEqual(4);
    expect(pairs).toBeLessThanOrEqual(tinyConfig.videos.poolPairs);
    expect(skipped.map(({ name }) => name).sort()).toEqual(['broken.mp4', 'still.webm']);
    const reasons = skipped.map(({ reason }) => reason).join(' ');
    expect(reasons).toMatch(/no video that this browser can decode/);
    expect(reasons).toMatch(/Too little moves in it/);
  });

  test('mixes them with pictures', async () => {
    using training = createTraining({
      ...options,
      mediabunny,
      pictures: await squarePictures(6),
      videos: [await clipFile(1, 'one.webm')],
      config: { ...tinyConfig, steps: 3 },
    });
    expect(lossesOf(await collect(training))).toHaveLength(3);
    expect(await training.ready).toMatchObject({ pictures: 6, videos: 1 });
  });
});

describe('a training that cannot be', () => {
  test('options that do not exist or fit are refused at once', () => {
    expect(() => createTraining({})).toThrow(/nothing to train on/);
    const videos = [new Blob([])];
    expect(() => createTraining({ videos, config: { steps: -1 } })).toThrow(InputError);
    expect(() => createTraining(Object.assign({ videos }, { speed: 1 }))).toThrow(/no option "speed"/);
  });

  test('without one usable file it says which and why', async () => {
    const videos = [new File(['nothing'], 'holiday.mp4')];
    const pictures = [new File(['nothing'], 'notes.txt')];
    using training = createTraining({ ...options, videos, pictures });
    await expect(collect(training)).rejects.toThrow(/notes\.txt.*holiday\.mp4.*Add videos/);
    await expect(training.result()).rejects.toThrow(InputError);
  });

  test('with fewer pictures than pairs it says what to do', async () => {
    using training = createTraining({ ...options, pictures: await squarePictures(2) });
    await expect(training.ready).rejects.toThrow(/4 different pictures and there are 2\. Add pictures/);
  });

  test.each([
    ['makes the batches', 0],
    ['trains', 1],
  ])('killing the worker that %s rejects everything that is pending', async (_, which) => {
    const workers = catchWorkers();
    using training = createTraining({
      ...options,
      pictures: await squarePictures(6),
      config: { ...tinyConfig, steps: 100_000 },
    });
    await untilStep(training, 2);
    const outcome = training.result();
    workers[which].terminate();
    await expect(outcome).rejects.toThrow(ClosedError);
    await expect(outcome).rejects.toThrow('worker died');
    await expect(collect(training)).rejects.toThrow('worker died');
    await expect(training.files()).rejects.toThrow(ClosedError);
  });

  test('closed, or aborted, it rejects what is pending', async () => {
    const abort = new AbortController();
    const pictures = await squarePictures(6);
    using training = createTraining({ ...options, pictures, signal: abort.signal });
    abort.abort();
    await expect(collect(training)).rejects.toThrow(/closed/);
    using stopped = createTraining({ ...options, pictures });
    await stopped.stop();
    await expect(stopped.ready).rejects.toThrow(ClosedError);
  });
});
