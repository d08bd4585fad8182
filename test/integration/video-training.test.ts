import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadNodeRuntime } from '../../src/model/runtime-node.ts';
import { readCheckpoint } from '../../src/train-node/checkpoint.ts';
import { parseConfig } from '../../src/train/settings/config.ts';
import { readBoxes } from '../../src/train-node/read-boxes.ts';
import { parseRegions, regionAt, regionOfFrame, serializeRegions } from '../../src/train/pairs/regions.ts';
import { planRounds } from '../../src/train/search/rounds.ts';
import type { RunOptions } from '../../src/train-node/run.ts';
import { runTraining } from '../../src/train-node/run.ts';
import type { RoundReport } from '../../src/train-node/training-data.ts';
import { defaultVideoSettings } from '../../src/train/settings/video-settings.ts';
import { parseVideoSettings } from '../fixtures/settings.ts';
import { drawFrame, movingSquare } from '../fixtures/drawn-clip.ts';

const folder = mkdtempSync(join(tmpdir(), 'dve-video-training-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const videos = join(folder, 'videos');
const images = join(folder, 'images');

beforeAll(async () => {
  await mkdir(images);
  const save = async (path: string, seed: number, frame: number): Promise<void> => {
    const { rgb, width, height } = drawFrame(movingSquare(seed, 80, 64), frame);
    await sharp(rgb, { raw: { width, height, channels: 3 } })
      .png({ compressionLevel: 0 })
      .toFile(path);
  };
  for (const seed of [1, 2, 3]) {
    const clip = join(videos, `clip ${seed}`);
    await mkdir(clip, { recursive: true });
    for (let frame = 0; frame < 8; frame++) await save(join(clip, `${frame}.png`), seed, frame);
  }
  await writeFile(join(videos, 'broken.mp4'), 'this is no video');
  for (let i = 0; i < 6; i++) await save(join(images, `${i}.png`), 10 + i, 0);
}, 60_000);

const configOf = (more: Record<string, unknown> = {}) =>
  parseConfig({
    steps: 6,
    checkpointEvery: 100,
    network: { kind: 'light', embeddingSize: 8, widths: [8, 8, 12] },
    loss: { auxiliaryGrid: 8, backgroundGrid: 4 },
    batch: { inputSize: 32, queryGrid: 8, pairs: 4, backgrounds: 1 },
    ...more,
    videos: {
      poolPairs: 12,
      self: { start: 3, every: 2, frameStep: 3, budget: 12 },
      ...(more.videos as object | undefined),
      pairs: { side: 48, frameStep: 1, maxStep: 3, leastMotion: 0.5 },
    },
  });

const start = async (out: string, options: Partial<RunOptions>, stopAt = Infinity) => {
  const abort = new AbortController();
  const rounds: RoundReport[] = [];
  const skipped: string[] = [];
  const facts: { videos: number; skipped: number }[] = [];
  await runTraining({
    config: configOf(),
    out: join(folder, out),
    resume: false,
    runtime: await loadNodeRuntime({ threads: 1 }),
    signal: abort.signal,
    onStep: ({ step }) => {
      if (step === stopAt) abort.abort();
    },
    onRound: (report) => rounds.push(report),
    onSkip: (message) => skipped.push(message),
    onStart: (found) => facts.push(found),
    ...options,
  });
  const { state, step } = await readCheckpoint(join(folder, out, 'checkpoint.bin'));
  const metrics = (await readFile(join(folder, out, 'metrics.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number>);
  return { state, step, rounds, skipped, facts, metrics };
};

const full = { folder: videos, mode: { kind: 'full' } } as const;
const self = { folder: videos, mode: { kind: 'self' } } as const;

// Each starts several worker threads and exports models: a minute in all on one core that has nothing else to do.
describe('training on videos', { timeout: 300_000 }, () => {
  test('alone: the broken one is named, skipped and counted, flows are kept, and a model is written', async () => {
    const run = await start('alone', { videos: full });
    expect(run.facts).toEqual([expect.objectContaining({ pictures: 0, videos: 3, skipped: 1, step: 0 })]);
    expect(run.skipped).toHaveLength(1);
    expect(run.skipped[0]).toContain('broken.mp4');
    expect(run.rounds).toHaveLength(1);
    expect(run.rounds[0].pairs).toMatchObject({ videos: 3, pairs: 12, broken: 0, hits: 0 });
    expect(run.rounds[0].recordings).toBe(3);
    expect(run.metrics[0]).toMatchObject({ recordings: 3 });
    expect(run.metrics[0]).toMatchObject({ step: 1, round: 0, video_pairs: 12, videos: 3, broken_videos: 0 });
    expect(run.metrics.filter(({ loss }) => loss > 0)).toHaveLength(6);
    expect(await readdir(join(folder, 'alone'))).toEqual(
      expect.arrayContaining(['model.onnx', 'manifest.json', 'flow-cache']),
    );
  });

  test('of a long clip the last frames are kept from it, and the report shows what it makes of them', async () => {
    const long = join(folder, 'long', 'clip');
    await mkdir(long, { recursive: true });
    for (let frame = 0; frame < 40; frame++) {
      const { rgb, width, height } = drawFrame(movingSquare(4, 80, 64), frame);
      const picture = sharp(rgb, { raw: { width, height, channels: 3 } }).png({ compressionLevel: 0 });
      await picture.toFile(join(long, `${String(frame).padStart(2, '0')}.png`));
    }
    const run = await start('long-run', {
      config: configOf({ steps: 2, videos: { poolPairs: 60 } }),
      videos: { folder: join(folder, 'long'), mode: { kind: 'full' } },
    });
    expect(run.rounds[0].pairs.pairs).toBeGreaterThan(12);
    expect(run.rounds[0].held).toBe(1);
    const html = await readFile(join(folder, 'long-run', 'report.html'), 'utf8');
    const rows = html.split('<h2>Matches on frames not trained on</h2>')[1].split('<h2>')[0];
    expect(rows.match(/data:image\/png/g)).toHaveLength(3);
  });

  test('with pictures, stopped and resumed with other workers, it ends with the same weights', async () => {
    const cache = join(folder, 'alone', 'flow-cache');
    const options = { images, videos: { ...full, cache } };
    const whole = await start('whole', options);
    expect(whole.rounds[0].pairs.misses).toBe(0);
    const half = await start('halves', options, 3);
    expect(half.step).toBe(3);
    const rest = await start('halves', { ...options, resume: true, workers: 2 });
    expect(rest.step).toBe(6);
    expect(rest.state).toEqual(whole.state);
    const steps = (metrics: Record<string, number>[]): (number | undefined)[][] =>
      metrics.map(({ step, loss, round, video_pairs: pairs }) => [step, loss, round, pairs]);
    expect(steps(rest.metrics)).toEqual(steps(whole.metrics));
    await expect(start('halves', { images, resume: true })).rejects.toThrow(
      /other pictures, videos or regions/,
    );
  });

  test('in regions that the network finds, each round is reported, and a resumed one keeps its regions', async () => {
    const cache = join(folder, 'alone', 'flow-cache');
    const options = { images, videos: { ...self, cache } };
    const whole = await start('self-whole', options);
    // Pictures alone until step 3, then two searches.
    expect(whole.rounds.map(({ index, round }) => [index, round.from, round.to])).toEqual([
      [1, 3, 5],
      [2, 5, 6],
    ]);
    for (const { search } of whole.rounds) expect(search).toBeDefined();
    const lines = whole.metrics.filter(({ round }) => round > 0);
    expect(lines.map(({ step, round }) => [step, round])).toEqual([
      [4, 1],
      [6, 2],
    ]);
    for (const line of lines) expect(line.localisation_rate).toBeGreaterThanOrEqual(0);
    await start('self-halves', options, 4);
    const rest = await start('self-halves', { ...options, resume: true });
    expect(rest.state).toEqual(whole.state);
    expect(rest.rounds[0].search).toBeUndefined();
    expect(rest.metrics.filter(({ round }) => round > 0)).toHaveLength(2);
    rmSync(join(folder, 'self-halves', 'regions-2.json'));
    await expect(start('self-halves', { ...options, resume: true })).rejects.toThrow(/regions-2\.json/);
  });

  test('in boxes of a file; starting from another training’s weights', async () => {
    const file = join(folder, 'boxes.json');
    await writeFile(
      file,
      JSON.stringify({
        'clip 1': [[0, 10, 10, 50, 50]],
        'clip 3': [
          [0, 10, 10, 50, 50],
          [7, 30, 20, 70, 60],
        ],
      }),
    );
    const boxes = { folder: videos, mode: { kind: 'boxes', file } } as const;
    const init = join(folder, 'alone', 'checkpoint.bin');
    const run = await start('boxes', { videos: boxes, init, config: configOf({ steps: 1 }) });
    expect(run.rounds[0].pairs.videos).toBe(2);
    const from = await readCheckpoint(init);
    const change = run.state.parameters.map((value, i) => Math.abs(value - from.state.average[i]));
    // One warm-up step away from where the other training ended.
    expect(Math.max(...change)).toBeLessThan(0.01);
    await writeFile(file, JSON.stringify({ 'clip 9': [[0, 10, 10, 50, 50]] }));
    await expect(start('unknown boxes', { videos: boxes })).rejects.toThrow(/"clip 9"/);
  });

  test('needs something to train on', async () => {
    await expect(start('nothing', {})).rejects.toThrow(/--images, --videos or both/);
    const still = join(folder, 'still', 'clip');
    await mkdir(still, { recursive: true });
    const { rgb, width, height } = drawFrame(movingSquare(1, 80, 64), 0);
    for (const name of ['0.png', '1.png', '2.png']) {
      await sharp(rgb, { raw: { width, height, channels: 3 } })
        .png()
        .toFile(join(still, name));
    }
    const motionless = { folder: join(folder, 'still'), mode: { kind: 'full' } } as const;
    await expect(start('nothing', { videos: motionless })).rejects.toThrow(
      /None of the 1 videos gives a pair/,
    );
  });
});

describe('rounds', () => {
  const options = { hasPictures: true, isTrained: false, self: defaultVideoSettings.self, steps: 20_000 };

  test('an untrained network sees pictures first, or whole frames where there are none', () => {
    expect(planRounds({ ...options, mode: { kind: 'self' } })).toEqual([
      { from: 0, to: 2000, regions: 'none' },
      { from: 2000, to: 6000, regions: 'self' },
      { from: 6000, to: 20_000, regions: 'self' },
    ]);
    expect(planRounds({ ...options, hasPictures: false, mode: { kind: 'self' } })[0].regions).toBe('whole');
  });

  test('a trained one searches at once, and never after the end', () => {
    const trained = { ...options, isTrained: true, mode: { kind: 'self' } as const };
    expect(planRounds(trained)[0]).toEqual({ from: 0, to: 4000, regions: 'self' });
    expect(planRounds({ ...trained, steps: 3000 })).toEqual([{ from: 0, to: 3000, regions: 'self' }]);
    expect(() => planRounds({ ...options, mode: { kind: 'self' }, steps: 1500 })).toThrow(
      /2000 steps .* 1500/,
    );
  });

  test('without videos, or with known regions, there is one', () => {
    expect(planRounds({ ...options, mode: undefined })).toEqual([{ from: 0, to: 20_000, regions: 'none' }]);
    expect(planRounds({ ...options, mode: { kind: 'full' } })[0].regions).toBe('whole');
    expect(planRounds({ ...options, mode: { kind: 'boxes', file: 'x' } })[0].regions).toBe('boxes');
  });
});

describe('regions', () => {
  const roi = (x: number, size: number, rotation = 0) => ({ center: { x, y: 2 * x }, size, rotation });

  test('between two frames they are interpolated, the short way round, and elsewhere unknown', () => {
    const track = [
      { frame: 10, roi: roi(100, 50, 3) },
      { frame: 20, roi: roi(200, 60, -3) },
      { frame: 90, roi: roi(0, 10) },
    ];
    expect(regionAt(track, 10, 30)).toEqual(roi(100, 50, 3));
    const between = regionAt(track, 15, 30);
    expect(between).toMatchObject({ center: { x: 150, y: 300 }, size: 55 });
    expect(Math.cos(between?.rotation ?? 0)).toBeCloseTo(-1, 6);
    for (const frame of [9, 21, 50, 91]) expect(regionAt(track, frame, 30)).toBeUndefined();
    expect(regionAt([], 3, 30)).toBeUndefined();
  });

  test('come back from their file exactly as they were', () => {
    const track = [{ frame: 3, roi: roi(1 / 3, Math.PI, 0.1) }];
    const regions = new Map([['a/b.mp4', { kind: 'track', track, greatestGap: 7 } as const]]);
    expect(parseRegions(serializeRegions(regions), 'x')).toEqual(regions);
    expect(() => parseRegions('{"a":3}', 'x.json')).toThrow(/x\.json is damaged/);
    expect(() => parseRegions('{', 'x.json')).toThrow(/x\.json is damaged/);
  });

  test('of a file of boxes are squares with a margin; one box stands for the whole video', async () => {
    const file = join(folder, 'some.json');
    await writeFile(
      file,
      JSON.stringify({
        a: [[5, 10, 20, 30, 60]],
        b: [
          [9, 0, 0, 8, 8],
          [3, 0, 0, 4, 4],
        ],
      }),
    );
    const regions = await readBoxes(file, 1.5);
    const a = regions.get('a');
    const b = regions.get('b');
    if (a === undefined || b === undefined) return expect.unreachable('a listed video has no regions');
    expect(regionOfFrame(a, 77)).toEqual({ center: { x: 20, y: 40 }, size: 60, rotation: 0 });
    expect(regionOfFrame(b, 6)).toEqual({ center: { x: 3, y: 3 }, size: 9, rotation: 0 });
    expect(regionOfFrame(b, 2)).toBeUndefined();
  });

  test.each([
    ['[1]', /object of videos/],
    ['{}', /lists no videos/],
    ['{"a":[]}', /"a" has no list of boxes/],
    ['{"a":[[0,5,5,4,9]]}', /box 0 of "a" is \[0,5,5,4,9\]/],
    ['{"a":[[0.5,1,1,4,9]]}', /box 0 of "a"/],
    ['nonsense', /wrong.json cannot be read as JSON/],
  ])('a file of boxes that says %s is refused', async (text, message) => {
    const file = join(folder, 'wrong.json');
    await writeFile(file, text);
    await expect(readBoxes(file, 1)).rejects.toThrow(message);
  });
});

describe('settings of videos', () => {
  test('are completed, and anything wrong is refused by its name', () => {
    expect(parseVideoSettings({ share: 0.25, self: { rounds: 3 } })).toEqual({
      ...defaultVideoSettings,
      share: 0.25,
      self: { ...defaultVideoSettings.self, rounds: 3 },
    });
    expect(() => parseVideoSettings({ shares: 1 })).toThrow(/videos has the unknown key "shares"/);
    expect(() => parseVideoSettings({ poolPairs: 1.5 })).toThrow(/videos\.poolPairs .* whole number/);
    expect(() => parseVideoSettings({ self: { every: 0 } })).toThrow(/videos\.self\.every/);
    expect(() => parseConfig({ videos: { pairs: { side: 4 } } })).toThrow(/config\.videos\.pairs\.side/);
  });
});
