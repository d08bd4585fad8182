import {
  createTrackWriter,
  DeviceError,
  InputError,
  SourceError,
  track,
  Tracker,
  videoFrames,
} from 'dve-sdk';
import { BufferTarget, CanvasSource, Output, Quality, WebMOutputFormat } from 'mediabunny';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect, errorOf, height, model, sceneCanvas, times, width } from './scene.ts';
import { mediabunny } from './training-data.ts';

const frameCount = 20;

/** The scene as a file: every frame of it has its time. */
const sceneFile = async (): Promise<Blob> => {
  const target = new BufferTarget();
  const output = new Output({ format: new WebMOutputFormat(), target });
  const canvas = new OffscreenCanvas(width, height);
  const source = new CanvasSource(canvas, { codec: 'vp8', quality: new Quality(4) });
  output.addVideoTrack(source);
  await output.start();
  for (const seconds of times(frameCount)) {
    canvas.getContext('2d')?.drawImage(sceneCanvas(seconds), 0, 0);
    await source.add(seconds, 1 / 30);
  }
  await output.finalize();
  return new Blob([target.buffer ?? new ArrayBuffer(0)], { type: 'video/webm' });
};

let file: Blob;
let tracker: Tracker;
beforeAll(async () => {
  file = await sceneFile();
  tracker = await Tracker.create({ model, device: 'wasm' });
});
afterAll(() => tracker.close());

describe('videoFrames()', () => {
  test.each([
    ['the URL of mediabunny', mediabunny],
    ['what gives it', () => import('mediabunny')],
  ])('gives every frame of a file in order, by %s', async (_, library) => {
    const results = await collect(track(videoFrames(file, { mediabunny: library }), { tracker }));
    // WebM counts milliseconds.
    expect(results.map(({ timestamp }) => timestamp.toFixed(2))).toEqual(
      times(frameCount).map((seconds) => seconds.toFixed(2)),
    );
    const last = results.at(-1);
    expect(last === undefined ? Infinity : errorOf(last)).toBeLessThan(3);
  });

  test('closes nothing that is not its own, and can be left early', async () => {
    for await (const { image } of videoFrames(file, { mediabunny })) {
      expect([image.displayWidth, image.displayHeight]).toEqual([width, height]);
      image.close();
      break;
    }
  });

  test.each([
    ['a file that is no video', () => new Blob(['text']), { mediabunny }, SourceError, 'another'],
    ['something else', () => 5, { mediabunny }, InputError, 'Blob'],
    ['an option that does not exist', () => file, { mediabunny, bunny: 1 }, InputError, 'bunny'],
    ['a library that is not there', () => file, { mediabunny: '/nowhere.mjs' }, DeviceError, 'npm install'],
    ['another library', () => file, { mediabunny: () => Promise.resolve({}) }, DeviceError, 'npm install'],
  ])('tells of %s', async (_, make, options, kind, words) => {
    // A caller without types.
    const frames = collect(videoFrames(make() as Blob, options));
    await expect(frames).rejects.toThrow(kind);
    await expect(frames).rejects.toThrow(words);
  });
});

describe('createTrackWriter()', () => {
  test('writes JSON with a row a frame, whatever was added already', async () => {
    const writer = await createTrackWriter('json', tracker.names);
    expect(JSON.parse(await writer.file().text())).toMatchObject({ landmarks: tracker.names, frames: [] });
    for await (const result of track(videoFrames(file, { mediabunny }), { tracker })) writer.add(result);
    const written = JSON.parse(await writer.file().text()) as { fps: number; frames: { status: string }[] };
    expect(written).toMatchObject({ width, height, landmarks: tracker.names });
    expect(written.fps).toBeCloseTo(30, 0);
    expect(written.frames).toHaveLength(frameCount);
    expect(written.frames.at(-1)).toMatchObject({ status: 'tracking' });
  });

  test('writes CSV of any length', async () => {
    const writer = await createTrackWriter('csv', tracker.names);
    const result = await tracker.trackPicture(sceneCanvas(0));
    for (let index = 0; index < 2500; index++) writer.add({ ...result, timestamp: index / 30 });
    expect(writer.file().type).toBe('text/csv');
    const lines = (await writer.file().text()).trimEnd().split('\n');
    expect(lines).toHaveLength(3 + 2500);
    expect(lines[1]).toBe(`bodyparts,${tracker.names.map((name) => `${name},${name},${name}`).join(',')}`);
    expect(lines.slice(3).map((line) => Number(line.split(',')[0]))).toEqual([...Array(2500).keys()]);
  });

  test('refuses a format that does not exist', async () => {
    // A caller without types.
    await expect(createTrackWriter('xml' as 'json', ['a'])).rejects.toThrow(InputError);
  });
});
