import {
  ClosedError,
  InputError,
  ModelError,
  openModel,
  track,
  Tracker,
  type LandmarkSet,
  type ModelFiles,
  type TrackingModel,
  type TrackResult,
} from 'dve-sdk';
import { parseLandmarkSet } from 'dve-sdk/pictures';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { blobCenters, sceneRoi } from '../fixtures/blob-scene.ts';
import { embeddedSquare } from '../fixtures/embedded-square.ts';
import { catchWorkers } from './caught.ts';
import {
  collect,
  height,
  model,
  sceneCanvas,
  sceneFrame,
  sceneImage,
  scenePictures,
  times,
  width,
} from './scene.ts';

const fetched = async (name: string): Promise<Blob> => (await fetch(`${model}${name}`)).blob();
const allLandmarks = async (): Promise<LandmarkSet> =>
  parseLandmarkSet(await (await fetched('landmarks.json')).text());

/** The set's landmarks but the last ones. */
const firstOf = (set: LandmarkSet, count: number): LandmarkSet => ({
  ...set,
  names: set.names.slice(0, count),
  connections: [],
  meanShape: set.meanShape.slice(0, count),
  references: set.references.slice(0, count * set.embeddingSize),
});

const withoutLandmarks = async (): Promise<ModelFiles> => {
  const manifest = JSON.parse(await (await fetched('manifest.json')).text()) as { files: object };
  const files = { ...manifest.files, landmarks: undefined };
  return new Map([
    ['manifest.json', new Blob([JSON.stringify({ ...manifest, files })])],
    ['model.onnx', await fetched('model.onnx')],
  ]);
};

const stepThrough = async (tracker: Tracker): Promise<TrackResult[]> =>
  Promise.all(times(8).map((seconds) => tracker.step(sceneFrame(seconds))));

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('an open model', () => {
  let open: TrackingModel;
  let full: LandmarkSet;
  beforeAll(async () => {
    open = await openModel({ model, device: 'wasm' });
    full = await allLandmarks();
  });
  afterAll(() => open.close());

  test('says what it is', () => {
    expect(open.info).toMatchObject({
      ...{ category: 'blobs', inputSize: 96, stride: 4, embeddingSize: 4 },
      ...{ device: 'wasm', precision: 'fp32', hasLandmarks: true, deviceNote: undefined },
    });
    expect(open.info.startupMs).toBeGreaterThan(0);
  });

  test('gives two trackers at once what it gives each alone, and starts no worker for them', async () => {
    const workers = catchWorkers();
    const sets = [full, firstOf(full, 4)];
    const alone: TrackResult[][] = [];
    for (const landmarks of sets) {
      await using tracker = await Tracker.create({ model: open, landmarks });
      alone.push(await stepThrough(tracker));
    }
    expect(alone.map((results) => results.at(-1)?.objects[0]?.landmarks.length)).toEqual([6, 4]);
    await using first = await Tracker.create({ model: open, landmarks: sets[0] });
    await using second = await Tracker.create({ model: open, landmarks: sets[1] });
    expect(await Promise.all([stepThrough(first), stepThrough(second)])).toEqual(alone);
    expect(workers).toEqual([]);
  });

  test('outlives a tracker that is closed, and so does the other tracker', async () => {
    const first = await Tracker.create({ model: open });
    await using second = await Tracker.create({ model: open });
    const frames = times(4).map(sceneFrame);
    const outcomes = Promise.allSettled(frames.map((frame) => first.step(frame)));
    const steps = stepThrough(second);
    await first.close();
    await first.close();
    expect((await outcomes).map(({ status }) => status)).toEqual(frames.map(() => 'rejected'));
    expect(frames.filter((frame) => frame.format !== null)).toEqual([]);
    await expect(first.step(sceneFrame(0))).rejects.toThrow(ClosedError);
    await expect(first.reset()).rejects.toThrow('the tracker is closed');
    expect((await steps).at(-1)?.status).toBe('tracking');
  });

  test('closing a tracker does not wait for a finder that never answers', async () => {
    const finder = { step: () => new Promise<undefined>(() => undefined), reset: () => undefined };
    const tracker = await Tracker.create({ model: open, finder });
    const step = tracker.step(sceneFrame(0));
    const outcome = expect(step).rejects.toThrow(ClosedError);
    await tracker.close();
    await outcome;
  });

  test('new landmarks while tracking lose no object', async () => {
    await using tracker = await Tracker.create({ model: open });
    const before = (await stepThrough(tracker)).at(-1);
    if (before?.status !== 'tracking') throw new Error(before?.status);
    const few = firstOf(full, 4);
    const changing = tracker.setLandmarks(few);
    const after = await tracker.step(sceneFrame(9 / 30));
    await changing;
    if (after.status !== 'tracking') throw new Error(after.status);
    const next = await tracker.step(sceneFrame(10 / 30));
    if (next.status !== 'tracking') throw new Error(next.status);
    expect(next.id).toBe(before.id);
    expect(next.landmarks.map(({ name }) => name)).toEqual(few.names);
    expect(tracker.info.landmarks).toEqual({
      ...{ names: few.names, connections: [], mirrorPairs: [], calibrated: false },
    });
    expect(tracker.timing.search).toBe(0);
    await expect(tracker.setLandmarks({ ...few, category: 'face' })).rejects.toThrow(ModelError);
    await expect(tracker.setLandmarks('/nowhere.json')).rejects.toThrow(ModelError);
    expect(tracker.info.landmarks.names).toEqual(few.names);
    await tracker.setLandmarks(`${model}landmarks.json`);
    const last = await tracker.step(sceneFrame(11 / 30));
    expect(last.objects[0]).toMatchObject({ id: before.id, status: 'tracking' });
    expect(last.objects[0].landmarks).toHaveLength(6);
  });

  test('embeds as Node does, from every kind of picture', async () => {
    const { time, roi } = embeddedSquare;
    const inNode = inject('blobEmbedding');
    const frame = sceneFrame(time);
    const maps = await Promise.all([
      open.embed(frame, { roi }),
      open.embed(sceneImage(time), { roi }),
      open.embed(sceneCanvas(time), { roi }),
    ]);
    expect(frame.format).toBeNull();
    for (const map of maps) {
      expect(map).toHaveLength(inNode.length);
      expect(Math.max(...map.map((value, i) => Math.abs(value - inNode[i])))).toBeLessThan(1e-4);
    }
  });

  test('finds embeddings in a square, in pixels of the picture', async () => {
    const roi = sceneRoi(0.5, width, height);
    const matches = await open.match(sceneFrame(0.5), { roi, references: full.references });
    blobCenters(roi).forEach((center, index) => {
      const { x, y, confidence } = matches[index];
      expect(Math.hypot(x - center.x, y - center.y)).toBeLessThan(2);
      expect(confidence).toBeGreaterThan(0.5);
    });
    await expect(open.match(sceneFrame(0), { roi, references: new Float32Array(7) })).rejects.toThrow(
      'references of 7 values',
    );
  });

  test('refuses what makes no sense, and closes the frame', async () => {
    const roi = { center: { x: 1, y: 1 }, size: 0, rotation: 0 };
    const frame = sceneFrame(0);
    await expect(open.embed(frame, { roi })).rejects.toThrow('size 0');
    expect(frame.format).toBeNull();
    await expect(open.embed(sceneImage(0), { roi, square: 1 } as never)).rejects.toThrow('"square"');
    await expect(openModel({ landmarks: full } as never)).rejects.toThrow('no option "landmarks"');
    const both = { model: open, device: 'wasm', assetBase: '/dist/' } as const;
    await expect(Tracker.create(both)).rejects.toThrow('an open model and device, assetBase');
    expect(() => track('camera', both)).toThrow(InputError);
  });

  test('is what track() uses, and stays open', async () => {
    const results = await collect(track(scenePictures(6), { model: open }));
    expect(results.at(-1)?.status).toBe('tracking');
    expect(await open.embed(sceneImage(0), { roi: sceneRoi(0, width, height) })).toHaveLength(4 * 24 * 24);
  });
});

test('a model without landmarks embeds, and tracks with landmarks that are given', async () => {
  const open = await openModel({ model: await withoutLandmarks(), device: 'wasm' });
  expect(open.info.hasLandmarks).toBe(false);
  const { time, roi } = embeddedSquare;
  expect(await open.embed(sceneImage(time), { roi })).toHaveLength(inject('blobEmbedding').length);
  await expect(Tracker.create({ model: open })).rejects.toThrow(ModelError);
  const tracker = await Tracker.create({ model: open, landmarks: `${model}landmarks.json` });
  expect((await stepThrough(tracker)).at(-1)?.status).toBe('tracking');
  const step = tracker.step(sceneFrame(1));
  const outcome = expect(step).rejects.toThrow(ClosedError);
  await open.close();
  await outcome;
  await expect(tracker.step(sceneFrame(1))).rejects.toThrow(ClosedError);
  await expect(open.embed(sceneImage(time), { roi })).rejects.toThrow('the model is closed');
  await tracker.close();
});
