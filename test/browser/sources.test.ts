import { InputError, ModelError, SourceError, track, trackPicture, Tracker, type TrackResult } from 'dve-sdk';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { catchWorkers } from './caught.ts';
import { collect, errorOf, model, sceneCanvas, sceneImage, times } from './scene.ts';

/** One for all tests: starting one takes longer than most of them. */
let tracker: Tracker;

beforeAll(async () => {
  tracker = await Tracker.create({ model, device: 'wasm' });
});
beforeEach(() => tracker.reset());
afterAll(() => tracker.close());

/** The first results, until one is tracked or there were too many. */
const untilTracked = async (results: AsyncIterable<TrackResult>, most = 60): Promise<TrackResult[]> => {
  const all: TrackResult[] = [];
  for await (const result of results) {
    all.push(result);
    if (result.status === 'tracking' || all.length === most) break;
  }
  return all;
};

const pngOf = (seconds: number): Promise<Blob> => sceneCanvas(seconds).convertToBlob({ type: 'image/png' });

const imgOf = (blob: Blob): HTMLImageElement => {
  const img = document.createElement('img');
  img.src = URL.createObjectURL(blob);
  return img;
};

describe('a picture by itself', () => {
  test('is not found by the first step where more frames may come', async () => {
    expect(await tracker.step(sceneCanvas(0))).toMatchObject({ status: 'searching' });
  });

  test.each([
    ['an img that is loading', async () => imgOf(await pngOf(0))],
    ['a Blob', () => pngOf(0)],
  ])('%s is found by one step, and by track(), which ends then', async (_, make) => {
    expect(await tracker.step(await make())).toMatchObject({ status: 'tracking', width: 320, height: 240 });
    await tracker.reset();
    const results = await collect(track(await make(), { tracker }));
    expect(results).toHaveLength(1);
    expect(errorOf({ ...results[0], timestamp: 0 })).toBeLessThan(2);
  });

  test.each([
    ['an ImageBitmap', () => sceneCanvas(0).transferToImageBitmap()],
    ['an ImageData', () => sceneImage(0)],
  ])('%s is found by track()', async (_, make) => {
    const results = await collect(track(make(), { tracker }));
    expect(results.map(({ status }) => status)).toEqual(['tracking']);
  });

  test('is found by trackPicture in one call, of whatever kind, and the tracker goes on as it was', async () => {
    for (const seconds of times(8)) await tracker.step(sceneCanvas(seconds), seconds);
    const before = await tracker.step(sceneCanvas(0.3), 0.3);
    const found = await tracker.trackPicture(sceneCanvas(1.5));
    expect(errorOf({ ...found, timestamp: 1.5 })).toBeLessThan(2);
    const after = await tracker.step(sceneCanvas(0.33), 0.33);
    expect(before.objects[0].id).toBe(after.objects[0].id);
    expect(tracker.timing.search).toBe(0);
  });

  test('is found without a tracker, too; one that shows nothing is searched in vain', async () => {
    const options = { model, device: 'wasm' } as const;
    expect(await trackPicture(await pngOf(0), options)).toMatchObject({ status: 'tracking' });
    expect(await trackPicture(new ImageData(320, 240), options)).toMatchObject({ status: 'searching' });
  });

  test('a video element is a frame as well', async () => {
    const video = videoOf(await recordVideo());
    await expect(tracker.step(video)).rejects.toThrow(InputError);
    await vi.waitUntil(() => video.readyState >= 2);
    expect(await tracker.trackPicture(video)).toMatchObject({ status: 'tracking' });
    expect(await tracker.step(video)).toMatchObject({ width: 320, timestamp: video.currentTime });
  });

  test.each([
    ['a Blob of something else', () => new Blob(['text'], { type: 'text/plain' }), 'text/plain'],
    ['an img that does not load', () => imgOf(new Blob(['text'])), 'cannot be decoded'],
    ['an img without a source', () => document.createElement('img'), 'cannot be decoded'],
    [
      'pixels that were given away',
      () => {
        const image = sceneImage(0);
        structuredClone(image.data.buffer, { transfer: [image.data.buffer] });
        return image;
      },
      'cannot be read',
    ],
  ])('%s is told', async (_, make, words) => {
    await expect(tracker.step(make())).rejects.toThrow(InputError);
    await expect(tracker.step(make())).rejects.toThrow(words);
  });

  test('a time that cannot be seconds is told', async () => {
    await expect(tracker.step(sceneImage(0), Date.now() * 1e6)).rejects.toThrow('Pass seconds');
    expect(await tracker.step(sceneImage(0), Date.now() / 1000)).toMatchObject({ width: 320 });
  });
});

/** Streams that are opened while it is on. */
const catchStreams = (): MediaStream[] => {
  const streams: MediaStream[] = [];
  const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  vi.spyOn(navigator.mediaDevices, 'getUserMedia').mockImplementation(async (constraints) => {
    const stream = await original(constraints);
    streams.push(stream);
    return stream;
  });
  return streams;
};

const refuseCamera = (name: string): void => {
  vi.spyOn(navigator.mediaDevices, 'getUserMedia').mockRejectedValue(new DOMException('refused', name));
};

/** A short recording of the scene. */
const recordVideo = async (): Promise<Blob> => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [320, 240];
  const context = canvas.getContext('2d');
  const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: 'video/webm;codecs=vp8' });
  const parts: Blob[] = [];
  recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
  const stopped = new Promise((resolve) => {
    recorder.addEventListener('stop', resolve);
  });
  recorder.start();
  const start = performance.now();
  while (performance.now() - start < 1000) {
    context?.drawImage(sceneCanvas((performance.now() - start) / 1000), 0, 0);
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  recorder.stop();
  await stopped;
  return new Blob(parts, { type: 'video/webm' });
};

const videoOf = (blob: Blob): HTMLVideoElement => {
  const video = document.createElement('video');
  video.muted = true;
  video.preload = 'auto';
  video.src = URL.createObjectURL(blob);
  return video;
};

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('a camera', () => {
  test('is opened, tracked and switched off again', async () => {
    const streams = catchStreams();
    const tracking = track('camera', { tracker });
    const results = await untilTracked(tracking);
    expect(await tracking.stream).toBe(streams[0]);
    expect(results.at(-1)).toMatchObject({ status: 'tracking', width: 320, height: 240 });
    expect(streams).toHaveLength(1);
    expect(streams[0].getTracks().map(({ readyState }) => readyState)).toEqual(['ended']);
  });

  test('is tracked the same without MediaStreamTrackProcessor', async () => {
    vi.stubGlobal('MediaStreamTrackProcessor', undefined);
    const results = await untilTracked(track({ video: { width: 320 } }, { tracker }));
    expect(results.at(-1)).toMatchObject({ status: 'tracking', width: 320, height: 240 });
  });

  test('gives the newest frame to a slow consumer: others are dropped and counted, none is kept', async () => {
    const tracking = track({ width: 320 }, { tracker });
    await tracking.ready;
    const times: number[] = [];
    for await (const { timestamp } of tracking) {
      times.push(timestamp);
      if (times.length === 6) break;
      // A fifth of a second of a camera that keeps up; a busy machine's gives fewer frames in it.
      const { framesSeen } = tracking.stats;
      await vi.waitUntil(() => tracking.stats.framesSeen >= framesSeen + 6, {
        timeout: 10_000,
        interval: 10,
      });
    }
    const { framesSeen, framesProcessed, framesDropped } = tracking.stats;
    expect(framesProcessed).toBe(6);
    expect(framesDropped).toBeGreaterThan(10);
    expect(framesSeen - framesProcessed - framesDropped).toBeLessThanOrEqual(1);
    expect(times[5] - times[1]).toBeGreaterThan(0.6);
  });

  test('that is unplugged in mid-stream ends the iteration with an error that says so', async () => {
    const streams = catchStreams();
    const results = (async () => {
      let count = 0;
      for await (const { width } of track('camera', { tracker })) {
        expect(width).toBe(320);
        count += 1;
        if (count === 3) streams[0].getVideoTracks()[0].dispatchEvent(new Event('ended'));
      }
    })();
    await expect(results).rejects.toThrow(SourceError);
    await expect(results).rejects.toThrow('plugged in');
  });

  test.each([
    ['NotAllowedError', 'refused'],
    ['NotFoundError', 'no camera'],
    ['NotReadableError', 'in use'],
    ['OverconstrainedError', 'no camera can do'],
  ])('that fails with %s is explained', async (name, words) => {
    refuseCamera(name);
    const results = collect(track('camera', { tracker }));
    await expect(results).rejects.toThrow(SourceError);
    await expect(results).rejects.toThrow(words);
  });

  test('closing does not wait for the answer to the permission prompt', async () => {
    vi.spyOn(navigator.mediaDevices, 'getUserMedia').mockReturnValue(new Promise(() => undefined));
    const tracking = track('camera', { tracker });
    const results = collect(tracking);
    await tracking.ready;
    await tracking.close();
    expect(await results).toEqual([]);
  });

  test('a MediaStream stays the caller’s, and its end is a clean end', async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ video: true });
    const results = await untilTracked(track(stream, { tracker }));
    expect(results.at(-1)?.status).toBe('tracking');
    const [camera] = stream.getVideoTracks();
    expect(camera.readyState).toBe('live');
    const second = track(stream, { tracker });
    await second.ready;
    setTimeout(() => {
      camera.dispatchEvent(new Event('ended'));
    }, 100);
    expect((await collect(second)).length).toBeGreaterThan(0);
    camera.stop();
    await expect(collect(track(stream, { tracker }))).rejects.toThrow('has ended');
    await expect(collect(track(new MediaStream(), { tracker }))).rejects.toThrow('no video track');
  });
});

describe('whatever fails, the camera is switched off', () => {
  const isOff = (streams: MediaStream[]): boolean =>
    streams.length === 1 && streams[0].getTracks().every(({ readyState }) => readyState === 'ended');

  test('when the model cannot be loaded and nobody iterates', async () => {
    const streams = catchStreams();
    const tracking = track('camera', { model: '/nowhere/', device: 'wasm' });
    await expect(tracking.ready).rejects.toThrow(ModelError);
    await vi.waitUntil(() => isOff(streams), { timeout: 10_000 });
    await expect(collect(tracking)).rejects.toThrow(ModelError);
  });

  test('when the worker dies before anybody iterates', async () => {
    const streams = catchStreams();
    const workers = catchWorkers();
    const tracking = track('camera', { model, device: 'wasm' });
    await Promise.all([tracking.ready, tracking.stream]);
    workers[0].terminate();
    await vi.waitUntil(() => isOff(streams), { timeout: 10_000 });
    await expect(collect(tracking)).rejects.toThrow('worker died');
  });

  test('and a camera that fails ends the worker', async () => {
    refuseCamera('NotAllowedError');
    const workers = catchWorkers();
    const tracking = track('camera', { model, device: 'wasm' });
    await expect(tracking.stream).rejects.toThrow(SourceError);
    await expect(tracking.ready).rejects.toThrow(SourceError);
    const ended = vi.spyOn(workers[0], 'terminate');
    await tracking.close();
    expect(ended).not.toHaveBeenCalled();
    await expect(collect(tracking)).rejects.toThrow(SourceError);
  });

  test('a stream whose return() throws does not keep the tracking from ending', async () => {
    const workers = catchWorkers();
    const broken = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: sceneCanvas(0) }),
        return: () => {
          throw new Error('cannot be left');
        },
      }),
    };
    const tracking = track(broken, { model, device: 'wasm' });
    let ended = 0;
    for await (const { status } of tracking) {
      expect(status).toBe('searching');
      const terminate = workers[0].terminate.bind(workers[0]);
      workers[0].terminate = () => {
        ended += 1;
        terminate();
      };
      break;
    }
    expect(ended).toBe(1);
  });

  test.each([[false], [undefined], [null]])('{ video: %s } is no camera and opens none', async (video) => {
    const streams = catchStreams();
    // A caller without types.
    expect(() => track({ video } as MediaStreamConstraints, { tracker })).toThrow(InputError);
    await Promise.resolve();
    expect(streams).toEqual([]);
  });
});

describe('a video element', () => {
  test('is tracked while it plays, to its end', async () => {
    const video = videoOf(await recordVideo());
    const tracking = track(video, { tracker });
    expect(tracking.video).toBe(video);
    await tracking.ready;
    await video.play();
    const results = await collect(tracking);
    expect(video.ended).toBe(true);
    expect(results.length).toBeGreaterThan(2);
    expect(results.some(({ status }) => status === 'tracking')).toBe(true);
    const stamps = results.map(({ timestamp }) => timestamp);
    expect(stamps).toEqual([...stamps].sort((a, b) => a - b));
  });

  test('is held at its first frame until the model is there, and then played to its end', async () => {
    const video = videoOf(await recordVideo());
    await video.play();
    video.currentTime = 0;
    const tracking = track(video, { model, device: 'wasm' });
    // Asked for again meanwhile: it plays, without going on.
    await video.play();
    expect(video.paused).toBe(false);
    await tracking.ready;
    expect(video.currentTime).toBeLessThan(0.3);
    const results = await collect(tracking);
    expect(results[0].timestamp).toBeLessThan(0.3);
    expect(video.ended).toBe(true);
    expect(video.playbackRate).toBe(1);
  });

  test('is not held where that is not wanted', async () => {
    const video = videoOf(await recordVideo());
    const rates: number[] = [];
    video.addEventListener('ratechange', () => rates.push(video.playbackRate));
    const tracking = track(video, { tracker, hold: false });
    expect(video.playbackRate).toBe(1);
    await tracking.close();
    expect(rates).toEqual([]);
  });

  test('is let go when the tracking is closed or fails before it began', async () => {
    const video = videoOf(await recordVideo());
    await track(video, { tracker }).close();
    await vi.waitUntil(() => video.playbackRate === 1);
    await expect(track(video, { model: '/nowhere/', device: 'wasm' }).ready).rejects.toThrow(ModelError);
    await vi.waitUntil(() => video.playbackRate === 1);
  });

  test('is tracked at another rate, in the time of the video', async () => {
    const video = videoOf(await recordVideo());
    const tracking = track(video, { tracker });
    // Held meanwhile: what counts is what is asked for.
    video.playbackRate = 0.5;
    void video.play();
    const results = await collect(tracking);
    expect(video.playbackRate).toBe(0.5);
    const stamps = results.map(({ timestamp }) => timestamp);
    expect(stamps).toEqual([...new Set(stamps)].sort((a, b) => a - b));
    expect(stamps.at(-1)).toBeGreaterThan(0.7);
    expect(stamps.at(-1)).toBeLessThanOrEqual(video.duration);
  });

  test('that has ended gives its last frame, and the loop ends', async () => {
    const video = videoOf(await recordVideo());
    await video.play();
    await new Promise((resolve) => {
      video.addEventListener('ended', resolve, { once: true });
    });
    expect(await collect(track(video, { tracker }))).toHaveLength(1);
  });

  test('gives its own time, also where frames that are made of it tell none, as in Firefox', async () => {
    const video = videoOf(await recordVideo());
    const shown: number[] = [];
    const note = (): void => {
      video.requestVideoFrameCallback((_, { mediaTime }) => {
        shown.push(mediaTime);
        note();
      });
    };
    note();
    vi.stubGlobal(
      'VideoFrame',
      class extends VideoFrame {
        constructor(image: CanvasImageSource, init: VideoFrameInit = { timestamp: 0 }) {
          super(image, init);
        }
      },
    );
    const tracking = track(video, { tracker });
    void video.play();
    const stamps = (await collect(tracking)).map(({ timestamp }) => timestamp);
    expect(stamps.length).toBeGreaterThan(2);
    expect(stamps.slice(1).filter((stamp) => !shown.includes(stamp))).toEqual([]);
  });

  test('that is paused gives the frame that it shows', async () => {
    const video = videoOf(await recordVideo());
    await new Promise((resolve) => {
      video.addEventListener('loadeddata', resolve, { once: true });
    });
    for await (const result of track(video, { tracker })) {
      expect(result).toMatchObject({ width: 320, height: 240 });
      break;
    }
  });

  test('that cannot be decoded says so', async () => {
    const video = videoOf(new Blob([new Uint8Array(5000).fill(7)], { type: 'video/mp4' }));
    const results = collect(track(video, { tracker }));
    video.load();
    await expect(results).rejects.toThrow(SourceError);
    await expect(results).rejects.toThrow('cannot be played');
  });
});
