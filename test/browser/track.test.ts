import { DeviceError, InputError, ModelError, track, Tracker, type TrackResult } from 'dve-sdk';
import { parseLandmarkSet } from 'dve-sdk/pictures';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { blobCenters, sceneRoi } from '../fixtures/blob-scene.ts';
import { turned } from './crop-cases.ts';
import {
  collect,
  errorOf,
  height,
  model,
  sceneCanvas,
  sceneFrame,
  sceneImage,
  scenePictures,
  times,
  toReadable,
  width,
} from './scene.ts';

const options = { model, device: 'wasm' } as const;

/** One for all tests that do not end it: starting one takes longer than most tests. */
let tracker: Tracker;

beforeAll(async () => {
  tracker = await Tracker.create(options);
});
beforeEach(() => tracker.reset());
afterAll(() => tracker.close());

const isClosed = (frame: VideoFrame): boolean => frame.format === null;

/** Frames that are remembered, to see afterwards whether they were closed. */
const rememberedFrames = (
  count: number,
): { frames: VideoFrame[]; stream: () => AsyncGenerator<VideoFrame> } => {
  const frames: VideoFrame[] = [];
  async function* stream(): AsyncGenerator<VideoFrame> {
    for (const seconds of times(count)) {
      const frame = sceneFrame(seconds);
      frames.push(frame);
      yield await Promise.resolve(frame);
    }
  }
  return { frames, stream };
};

const expectTracked = (results: readonly TrackResult[], tolerance = 2): void => {
  const tracked = results.filter(({ status }) => status === 'tracking');
  expect(tracked.length).toBeGreaterThanOrEqual(results.length - 8);
  expect(Math.max(...tracked.map(errorOf))).toBeLessThan(tolerance);
};

describe('track()', () => {
  test('finds the object and says where its landmarks are, in every frame, in pixels and normalised', async () => {
    const tracking = track(scenePictures(30), options);
    const { landmarks, category, device } = await tracking.ready;
    expect({ category, device, names: landmarks.names.length }).toEqual({
      category: 'blobs',
      device: 'wasm',
      names: 6,
    });
    const results = await collect(tracking);
    expect(results.map(({ timestamp }) => timestamp)).toEqual(times(30));
    expectTracked(results);
    const last = results.at(-1);
    if (last?.status !== 'tracking') throw new Error('the last frame is not tracked');
    for (const { x, y, normalized, confidence, visible } of last.landmarks) {
      expect(normalized).toEqual({ x: x / last.width, y: y / last.height });
      expect(confidence).toBeGreaterThan(0.5);
      expect(visible).toBe(true);
    }
  });

  test.each([
    ['ImageData', sceneImage],
    ['an OffscreenCanvas', sceneCanvas],
    ['an ImageBitmap', (seconds: number) => sceneCanvas(seconds).transferToImageBitmap()],
    ['a VideoFrame', sceneFrame],
    [
      'a canvas of the page',
      (seconds: number) => {
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [320, 240];
        canvas.getContext('2d')?.putImageData(sceneImage(seconds), 0, 0);
        return canvas;
      },
    ],
  ])('takes pictures as %s', async (_, draw) => {
    const results = await collect(track(scenePictures(12, draw), { tracker }));
    expect(results).toHaveLength(12);
    expectTracked(results);
  });

  test('takes a ReadableStream of VideoFrames and closes every one of them', async () => {
    const { frames, stream } = rememberedFrames(12);
    const results = await collect(track(toReadable(stream()), { tracker }));
    expectTracked(results);
    expect(frames.filter((frame) => !isClosed(frame))).toEqual([]);
  });

  test('every VideoFrame handed over is closed when the loop is left early', async () => {
    const { frames, stream } = rememberedFrames(30);
    const tracking = track(stream(), { tracker });
    for await (const { timestamp } of tracking) if (timestamp > 0.1) break;
    expect(frames.length).toBeLessThan(10);
    expect(frames.filter((frame) => !isClosed(frame))).toEqual([]);
  });

  test('every VideoFrame handed over is closed when it is closed from outside in mid-frame', async () => {
    const { frames, stream } = rememberedFrames(200);
    const tracking = track(stream(), options);
    let count = 0;
    for await (const { status } of tracking) {
      expect(status).toMatch(/searching|tracking/);
      count += 1;
      // Not awaited: the next frame is on its way when it takes effect.
      if (count === 3) setTimeout(() => void tracking.close(), 1);
    }
    expect(count).toBeLessThan(200);
    await tracking.close();
    expect(frames.filter((frame) => !isClosed(frame))).toEqual([]);
  });

  test('an aborted signal ends the iteration with its reason', async () => {
    const controller = new AbortController();
    const { frames, stream } = rememberedFrames(200);
    const reason = new Error('enough');
    const results = collect(track(stream(), { tracker, signal: controller.signal }));
    setTimeout(() => {
      controller.abort(reason);
    }, 50);
    await expect(results).rejects.toBe(reason);
    expect(frames.filter((frame) => !isClosed(frame))).toEqual([]);
  });

  test('an error of the stream comes out of the iteration, and the frames before it are closed', async () => {
    const { frames, stream } = rememberedFrames(3);
    const failing = async function* (): AsyncGenerator<VideoFrame> {
      yield* stream();
      throw new Error('the decoder broke');
    };
    await expect(collect(track(failing(), { tracker }))).rejects.toThrow('the decoder broke');
    expect(frames).toHaveLength(3);
    expect(frames.filter((frame) => !isClosed(frame))).toEqual([]);
  });

  test('a stream of something else is refused with the remedy', async () => {
    const numbers = async function* (): AsyncGenerator<number> {
      yield await Promise.resolve(1);
    };
    // A caller without types.
    const results = collect(track(numbers() as AsyncIterable<never>, { tracker }));
    await expect(results).rejects.toThrow(InputError);
    await expect(results).rejects.toThrow('VideoFrames');
  });

  test('frames that change size in mid-stream are found again in the new size', async () => {
    const changing = async function* (): AsyncGenerator<VideoFrame> {
      for (const seconds of times(12)) yield await Promise.resolve(sceneFrame(seconds));
      for (const seconds of times(12)) {
        const canvas = new OffscreenCanvas(160, 120);
        canvas.getContext('2d')?.drawImage(sceneCanvas(seconds), 0, 0, 160, 120);
        yield new VideoFrame(canvas, { timestamp: Math.round((1 + seconds) * 1e6) });
      }
    };
    const results = await collect(track(changing(), { tracker }));
    expect(results.at(11)).toMatchObject({ status: 'tracking', width: 320 });
    expect(results.at(-1)).toMatchObject({ status: 'tracking', width: 160 });
  });

  test('frames that are stored turned from mid-stream on are tracked as they are shown', async () => {
    const turning = async function* (): AsyncGenerator<VideoFrame> {
      for (const [index, seconds] of times(36).entries()) {
        const quarters = Math.floor(index / 12);
        const stored = turned(sceneImage(seconds).data, { width, height }, (4 - quarters) % 4);
        const isLying = quarters % 2 === 1;
        const init = {
          format: 'RGBA' as const,
          codedWidth: isLying ? height : width,
          codedHeight: isLying ? width : height,
          timestamp: Math.round(seconds * 1e6),
          rotation: 90 * quarters,
        };
        yield await Promise.resolve(new VideoFrame(Uint8Array.from(stored), init));
      }
    };
    const results = await collect(track(turning(), { tracker }));
    expectTracked(results);
    // Shown alike, so that nothing has to be found again.
    for (const result of results.slice(12))
      expect(result).toMatchObject({ status: 'tracking', width, height });
  });

  test('timestamps that repeat, go backwards or are missing break nothing', async () => {
    const odd = [0, 0.1, 0.1, 0.05, Number.NaN, 0.2];
    const stream = async function* () {
      for (const timestamp of odd) yield await Promise.resolve({ image: sceneImage(0.1), timestamp });
      yield sceneImage(0.1);
    };
    const results = await collect(track(stream(), { tracker }));
    expect(results).toHaveLength(7);
    const last = results.at(-1);
    if (last?.status !== 'tracking') throw new Error('the last frame is not tracked');
    for (const { x, y } of last.landmarks) expect(Number.isFinite(x + y)).toBe(true);
  });

  test('a model can be used as it is by two trackings one after the other, each in its own worker', async () => {
    for (let i = 0; i < 2; i++) expectTracked(await collect(track(scenePictures(10), options)));
  });

  test('with withFrame each result carries the frame that it was measured on, open for whoever draws it', async () => {
    const frames: VideoFrame[] = [];
    let open = 0;
    for await (const result of track(scenePictures(6), { tracker, withFrame: true })) {
      frames.push(result.frame);
      open = frames.filter((frame) => !isClosed(frame)).length;
      // Nobody closes any: only the newest stays open.
      expect(open).toBe(1);
      expect(result.frame.timestamp / 1e6).toBeCloseTo(result.timestamp, 5);
      const canvas = new OffscreenCanvas(result.width, result.height).getContext('2d');
      canvas?.drawImage(result.frame, 0, 0);
      const { x, y } = blobCenters(sceneRoi(result.timestamp, width, height))[2];
      expect(canvas?.getImageData(Math.floor(x), Math.floor(y), 1, 1).data[2]).toBeGreaterThan(200);
    }
    expect(frames).toHaveLength(6);
    expect(frames.filter((frame) => !isClosed(frame))).toEqual([]);
  });

  test('without it results carry none, and what is no stream has none', async () => {
    const tracking = track(scenePictures(1), { tracker });
    expect(await tracking.stream).toBeUndefined();
    expect(tracking.video).toBeUndefined();
    for await (const result of tracking) expect(result).not.toHaveProperty('frame');
  });

  test('results bring the lines of their landmarks', async () => {
    const [first] = await collect(track(scenePictures(1), { tracker }));
    expect(first.connections).toEqual(tracker.info.landmarks.connections);
  });

  test('stats count the frames and tell the device and where the time went', async () => {
    const tracking = track(scenePictures(10), options);
    expect(tracking.stats).toMatchObject({ framesSeen: 0, device: undefined, firstResult: undefined });
    await collect(tracking);
    const { timing, ...stats } = tracking.stats;
    expect(stats).toMatchObject({ framesSeen: 10, framesProcessed: 10, framesDropped: 0, device: 'wasm' });
    expect(stats.firstResult).toBeGreaterThan(0);
    expect(timing.total).toBeGreaterThan(0);
    expect(timing.total).toBeLessThanOrEqual(stats.roundTrip);
  });

  test('smoothing can be changed while it runs', async () => {
    const tracking = track(scenePictures(20), { ...options, smoothing: { minCutoff: 0.05, beta: 0 } });
    const lags: number[] = [];
    for await (const result of tracking) {
      if (result.status !== 'tracking') continue;
      lags.push(Math.max(...result.landmarks.map(({ x, y, raw }) => Math.hypot(x - raw.x, y - raw.y))));
      if (result.timestamp > 0.45 && result.timestamp < 0.49) await tracking.setSmoothing(false);
    }
    expect(Math.max(...lags.slice(0, 10))).toBeGreaterThan(0.5);
    expect(lags.at(-1)).toBe(0);
  });
});

describe('track() pauses', () => {
  test('and takes no frame until it is resumed; a stream that waits loses none', async () => {
    const tracking = track(scenePictures(6), { tracker });
    const stamps: number[] = [];
    let paused = 0;
    for await (const { timestamp } of tracking) {
      stamps.push(timestamp);
      if (stamps.length !== 3) continue;
      tracking.pause();
      tracking.pause();
      setTimeout(() => {
        paused = stamps.length;
        tracking.resume();
        tracking.resume();
      }, 150);
    }
    expect(paused).toBe(3);
    expect(stamps).toEqual(times(6));
  });

  test('and can be closed meanwhile', async () => {
    const { frames, stream } = rememberedFrames(9);
    const tracking = track(stream(), { tracker });
    tracking.pause();
    setTimeout(() => {
      void tracking.close();
    }, 50);
    expect(await collect(tracking)).toEqual([]);
    expect(frames.filter((frame) => !isClosed(frame))).toEqual([]);
  });
});

describe('track() refuses', () => {
  test('a tracker that another tracking uses, until that one has ended', async () => {
    const first = track(scenePictures(2), { tracker });
    expect(() => track(scenePictures(2), { tracker })).toThrow(InputError);
    expect(() => track(scenePictures(2), { tracker })).toThrow('another track()');
    await first.close();
    expect(await collect(track(scenePictures(2), { tracker }))).toHaveLength(2);
  });

  test('a stream that gives undefined, which is no end', async () => {
    const stream = {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: false, value: undefined }) }),
    };
    // A caller without types.
    const results = collect(track(stream as AsyncIterable<never>, { tracker }));
    await expect(results).rejects.toThrow(InputError);
    await expect(results).rejects.toThrow('no frame');
  });

  test('a ReadableStream that somebody reads already', async () => {
    const stream = toReadable(rememberedFrames(1).stream());
    stream.getReader();
    await expect(collect(track(stream, { tracker }))).rejects.toThrow(InputError);
  });

  test.each([
    ['options that are no object', 5, 'options'],
    ['a signal that is none', { signal: 5 }, 'signal'],
    ['no landmarks', { landmarks: null }, 'landmarks'],
    ['landmarks that are a number', { landmarks: 5 }, 'landmarks'],
  ])('%s, at once', (_, wrong, word) => {
    // A caller without types.
    const call = (): unknown => track(scenePictures(1), wrong as object);
    expect(call).toThrow(InputError);
    expect(call).toThrow(word);
  });

  test.each([
    ['a model that is a number', { model: 5 }, 'model'],
    ['a model that is an empty object', { model: {} }, 'model'],
    ['a model whose URL is none', { model: 'http://[' }, 'model'],
    ['landmarks whose URL is none', { model, landmarks: 'http://[' }, 'landmarks'],
    ['an assetBase that is no URL', { model, assetBase: 'http://[' }, 'assetBase'],
    ['smoothing that is a number', { model, smoothing: 5 }, 'smoothing'],
  ])('%s', async (_, wrong, word) => {
    const results = collect(track(scenePictures(1), { device: 'wasm', ...wrong } as object));
    await expect(results).rejects.toThrow(InputError);
    await expect(results).rejects.toThrow(word);
  });

  test.each([
    ['nothing', {}, 'names'],
    ['no references', { references: undefined }, 'references'],
    ['too few references', { references: new Float32Array(6) }, 'references'],
    ['no shape', { meanShape: [] }, 'meanShape'],
    ['no evidence', { evidence: undefined }, 'evidence'],
    ['lines to nowhere', { connections: [[0, 6]] }, 'connections'],
  ])('a landmark set with %s', async (_, wrong, word) => {
    const response = await fetch(`${model}landmarks.json`);
    const whole = parseLandmarkSet(await response.text());
    const landmarks = Object.keys(wrong).length === 0 ? {} : { ...whole, ...wrong };
    const results = collect(track(scenePictures(1), { ...options, landmarks } as object));
    await expect(results).rejects.toThrow(ModelError);
    await expect(results).rejects.toThrow(word);
  });

  test('an option that does not exist, at once and by name', () => {
    // A caller without types.
    const misspelt = { ...options, smoothness: 1 } as object;
    expect(() => track('camera', misspelt)).toThrow(InputError);
    expect(() => track('camera', misspelt)).toThrow('"smoothness"');
  });

  test.each([
    ['device', { device: 'gpu' }],
    ['precision', { precision: 'fp16' }],
    ['searchBudget', { searchBudget: 0 }],
    ['minConfidence', { minConfidence: 2 }],
  ])('a value of %s that cannot be meant', (key, wrong) => {
    expect(() => track('camera', { ...options, ...wrong } as object)).toThrow(key);
  });

  test.each([[42], ['kamera'], [null], [document.createElement('div')]])('%s as a source', (source) => {
    expect(() => track(source as 'camera', options)).toThrow("Pass 'camera'");
  });

  test('a model that is not there', async () => {
    const results = collect(track(scenePictures(1), { ...options, model: '/nowhere/' }));
    await expect(results).rejects.toThrow(ModelError);
    await expect(results).rejects.toThrow('/nowhere/manifest.json');
  });

  test('landmarks of another model', async () => {
    const landmarks = {
      category: 'blobs',
      embeddingSize: 7,
      names: ['one'],
      connections: [],
      mirrorPairs: [],
      meanShape: [{ x: 0, y: 0 }],
      references: new Float32Array(7),
      evidence: { object: 1, background: 0 },
    };
    const results = collect(track(scenePictures(1), { ...options, landmarks }));
    await expect(results).rejects.toThrow(ModelError);
    await expect(results).rejects.toThrow('7-D');
  });

  test('WebGPU where there is none', async () => {
    const results = collect(track(scenePictures(1), { ...options, device: 'webgpu' }));
    await expect(results).rejects.toThrow(DeviceError);
    await expect(results).rejects.toThrow("device: 'wasm'");
  });

  test('a signal that is aborted already', () => {
    expect(() => track('camera', { ...options, signal: AbortSignal.abort(new Error('no')) })).toThrow('no');
  });

  test('a second iteration', async () => {
    const tracking = track(scenePictures(2), { tracker });
    await collect(tracking);
    await expect(collect(tracking)).rejects.toThrow('once');
  });

  test('options of a tracker beside a tracker', () => {
    expect(() => track(scenePictures(2), { tracker, device: 'wasm' })).toThrow('Tracker.create()');
  });
});
