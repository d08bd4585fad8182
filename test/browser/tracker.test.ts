import { ClosedError, InputError, Tracker, type ObjectFinder } from 'dve-sdk';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { sceneRoi } from '../fixtures/blob-scene.ts';
import { catchWorkers } from './caught.ts';
import { errorOf, height, model, sceneCanvas, sceneFrame, sceneImage, times, width } from './scene.ts';

const options = { model, device: 'wasm' } as const;

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('a Tracker', () => {
  let tracker: Tracker;

  beforeAll(async () => {
    tracker = await Tracker.create(options);
  });
  beforeEach(() => tracker.reset());
  afterAll(() => tracker.close());

  test('steps that overlap run one after the other', async () => {
    const results = await Promise.all(times(10).map((seconds) => tracker.step(sceneFrame(seconds))));
    expect(results.map(({ timestamp }) => timestamp.toFixed(3))).toEqual(times(10).map((t) => t.toFixed(3)));
    const last = results.at(-1);
    if (last === undefined) throw new Error('no result');
    expect(errorOf(last)).toBeLessThan(2);
  });

  test('one failed step does not fail the next', async () => {
    const closed = sceneFrame(0);
    closed.close();
    await expect(tracker.step(closed)).rejects.toThrow(InputError);
    await expect(tracker.step(new OffscreenCanvas(0, 0))).rejects.toThrow(InputError);
    const good = await tracker.step(sceneFrame(0));
    expect(good).toMatchObject({ width, height });
  });

  test('a picture stays the caller’s, a VideoFrame is closed', async () => {
    const bitmap = sceneCanvas(0).transferToImageBitmap();
    const frame = sceneFrame(0);
    await tracker.step(bitmap, 0);
    await tracker.step(bitmap, 1);
    await tracker.step(frame, 2);
    expect(bitmap.width).toBe(width);
    expect(frame.format).toBeNull();
  });

  test('reset makes it search anew', async () => {
    for (const seconds of times(8)) await tracker.step(sceneFrame(seconds));
    expect(tracker.timing.search).toBe(0);
    await tracker.reset();
    await tracker.step(sceneFrame(0.3));
    expect(tracker.timing.search).toBeGreaterThan(0);
  });

  test('smoothing that does not exist is refused, and the tracker goes on', async () => {
    await expect(tracker.setSmoothing({ minCutoff: -1 })).rejects.toThrow(InputError);
    expect(await tracker.step(sceneFrame(0))).toMatchObject({ width });
  });
});

describe('Tracker.create() and close()', () => {
  test('with motion landmarks are carried from frame to frame, and raw stays the match', async () => {
    await using tracker = await Tracker.create(options);
    await using moving = await Tracker.create({ ...options, motion: true });
    let compared = 0;
    for (const seconds of times(20)) {
      const [smoothed, carried] = [
        await tracker.step(sceneFrame(seconds)),
        await moving.step(sceneFrame(seconds)),
      ];
      expect(carried.status).toBe(smoothed.status);
      if (carried.status !== 'tracking' || smoothed.status !== 'tracking') continue;
      expect(errorOf(carried)).toBeLessThan(2);
      carried.landmarks.forEach(({ x, y, raw }, index) => {
        const other = smoothed.landmarks[index];
        expect(Math.hypot(raw.x - other.raw.x, raw.y - other.raw.y)).toBeLessThan(1e-3);
        if (Math.hypot(x - other.x, y - other.y) > 0.01) compared++;
      });
    }
    // Nothing but the first frame of a find is told as it was matched.
    expect(compared).toBeGreaterThan(20);
    await moving.setSmoothing(false);
    const plain = await moving.step(sceneFrame(0.7));
    if (plain.status !== 'tracking') throw new Error(`the object is ${plain.status}`);
    for (const { x, y, raw } of plain.landmarks) expect({ x, y }).toEqual(raw);
  });

  test('a finder of the page is asked with a copy of the frame, and its ROI is used', async () => {
    const asked: VideoFrame[] = [];
    let resets = 0;
    const finder: ObjectFinder<VideoFrame> = {
      step: (frame, size) => {
        asked.push(frame);
        return Promise.resolve(asked.length < 3 ? undefined : sceneRoi(0.1, size.width, size.height));
      },
      reset: () => {
        resets += 1;
      },
    };
    await using tracker = await Tracker.create({ ...options, finder });
    const statuses: string[] = [];
    for (const seconds of times(5)) statuses.push((await tracker.step(sceneFrame(seconds))).status);
    expect(statuses).toEqual(['searching', 'searching', 'tracking', 'tracking', 'tracking']);
    expect(asked.map((frame) => frame.format)).toEqual([null, null, null]);
    await tracker.reset();
    await vi.waitFor(() => {
      expect(resets).toBe(1);
    });
  });

  test.each([
    [{ center: { x: NaN, y: 1 }, size: 9, rotation: 0 }],
    [{ center: { x: 1, y: 1 }, size: 0, rotation: 0 }],
  ])('a finder that gives a square which is none is told so', async (roi) => {
    const finder: ObjectFinder<VideoFrame> = { step: () => Promise.resolve(roi), reset: () => undefined };
    await using tracker = await Tracker.create({ ...options, finder });
    await expect(tracker.step(sceneFrame(0))).rejects.toThrow(InputError);
    await expect(tracker.step(sceneFrame(0))).rejects.toThrow('the finder');
  });

  test('after close every call is refused, and a frame handed over is closed all the same', async () => {
    const tracker = await Tracker.create(options);
    await tracker.close();
    await tracker.close();
    const frame = sceneFrame(0);
    await expect(tracker.step(frame)).rejects.toThrow(ClosedError);
    await expect(tracker.reset()).rejects.toThrow(ClosedError);
    expect(frame.format).toBeNull();
  });

  test('close rejects the steps that are pending and closes their frames', async () => {
    const tracker = await Tracker.create(options);
    const frames = times(5).map(sceneFrame);
    const steps = frames.map((frame) => tracker.step(frame));
    const outcomes = Promise.allSettled(steps);
    await tracker.close();
    expect((await outcomes).map(({ status }) => status)).toEqual(frames.map(() => 'rejected'));
    await expect(steps[0]).rejects.toThrow(ClosedError);
    expect(frames.filter((frame) => frame.format !== null)).toEqual([]);
  });

  test('a worker that is killed rejects what is pending and everything after it', async () => {
    const workers = catchWorkers();
    const tracker = await Tracker.create(options);
    const frames = times(3).map(sceneFrame);
    const steps = frames.map((frame) => tracker.step(frame));
    workers[0].terminate();
    const outcomes = await Promise.allSettled(steps);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await expect(steps[0]).rejects.toThrow('worker died');
    await expect(tracker.step(sceneImage(0))).rejects.toThrow(ClosedError);
    expect(frames.filter((frame) => frame.format !== null)).toEqual([]);
    await tracker.close();
  });

  test('a worker whose script is not there says so', async () => {
    const created = Tracker.create({ ...options, assetBase: '/nowhere/dist/' });
    await expect(created).rejects.toThrow(ClosedError);
    await expect(created).rejects.toThrow('/nowhere/dist/tracker.worker.js: check that assetBase');
  });

  test('a message that cannot be read rejects what is pending', async () => {
    const workers = catchWorkers();
    const tracker = await Tracker.create(options);
    const step = tracker.step(sceneFrame(0));
    workers[0].dispatchEvent(new MessageEvent('messageerror'));
    await expect(step).rejects.toThrow('could not be read');
  });

  test('creating can be given up', async () => {
    const controller = new AbortController();
    const creating = Tracker.create({ ...options, signal: controller.signal });
    controller.abort(new Error('changed my mind'));
    await expect(creating).rejects.toThrow('changed my mind');
  });

  test('aborting the signal later closes the tracker', async () => {
    const controller = new AbortController();
    const tracker = await Tracker.create({ ...options, signal: controller.signal });
    controller.abort();
    await expect(tracker.step(sceneImage(0))).rejects.toThrow(ClosedError);
  });
});
