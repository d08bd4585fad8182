import type { TimedPicture, TrackResult } from 'dve-sdk';
import type { Roi } from '../../src/geometry/roi.ts';
import { blobCenters, drawScene, sceneRoi } from '../fixtures/blob-scene.ts';

export const width = 320;
export const height = 240;
/** Folder of the model that the test run makes. */
export const model = '/.cache/fixtures/blobs/';

/** The scene at a time, as ImageData. @param seconds since the scene began */
export const sceneImage = (seconds: number): ImageData =>
  new ImageData(drawScene(sceneRoi(seconds, width, height), width, height), width, height);

export const sceneFrame = (seconds: number): VideoFrame =>
  new VideoFrame(sceneImage(seconds).data, {
    format: 'RGBA',
    codedWidth: width,
    codedHeight: height,
    timestamp: Math.round(seconds * 1e6),
  });

export const sceneCanvas = (seconds: number): OffscreenCanvas => {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')?.putImageData(sceneImage(seconds), 0, 0);
  return canvas;
};

/** Times of `count` frames at 30 a second. */
export const times = (count: number): number[] => Array.from({ length: count }, (_, i) => i / 30);

/** The scene as a stream of pictures. */
export async function* scenePictures(
  count: number,
  draw: (seconds: number) => TimedPicture['image'] = sceneImage,
): AsyncGenerator<TimedPicture> {
  for (const timestamp of times(count)) yield await Promise.resolve({ image: draw(timestamp), timestamp });
}

/** Greatest distance of a result's raw landmarks from where the scene has them, pixels. */
export const errorOf = (result: TrackResult): number => {
  if (result.status !== 'tracking') return Infinity;
  const roi: Roi = sceneRoi(result.timestamp, width, height);
  return Math.max(
    ...blobCenters(roi).map(({ x, y }, index) => {
      const { raw } = result.landmarks[index];
      return Math.hypot(raw.x - x, raw.y - y);
    }),
  );
};

/** What an async generator gives, as a stream. */
export const toReadable = <Item>(items: AsyncGenerator<Item>): ReadableStream<Item> =>
  new ReadableStream({
    async pull(controller) {
      const step = await items.next();
      if (step.done === true) controller.close();
      else controller.enqueue(step.value);
    },
    async cancel() {
      await items.return(undefined);
    },
  });

/** Everything an async iterable gives. */
export const collect = async <Item>(items: AsyncIterable<Item>): Promise<Item[]> => {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
};
