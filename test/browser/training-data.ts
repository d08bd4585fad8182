import { BufferTarget, CanvasSource, Output, Quality, WebMOutputFormat } from 'mediabunny';
import { blobCenters, drawScene, sceneRoi } from '../fixtures/blob-scene.ts';
import { drawFrame, movingSquare, type DrawnClip } from '../fixtures/drawn-clip.ts';

/** mediabunny as the test server has it. */
export const mediabunny = '/node_modules/mediabunny/dist/bundles/mediabunny.min.mjs';

/** A training that takes seconds. */
export const tinyConfig = {
  steps: 40,
  network: { embeddingSize: 8, widths: [8, 8, 12] },
  loss: { auxiliaryGrid: 8, backgroundGrid: 4 },
  optimizer: { learningRate: 0.005, averageDecay: 0.9 },
  batch: { inputSize: 32, queryGrid: 8, pairs: 4, backgrounds: 1 },
  videos: { poolPairs: 12, pairs: { side: 48, frameStep: 1, maxStep: 3, leastMotion: 0.5 } },
};

export const scene = { width: 200, height: 150 };

export const sceneAt = (seconds: number): ImageData =>
  new ImageData(
    drawScene(sceneRoi(seconds, scene.width, scene.height), scene.width, scene.height),
    scene.width,
    scene.height,
  );

/** Where the scene has its discs, pixels. */
export const discsAt = (seconds: number) => blobCenters(sceneRoi(seconds, scene.width, scene.height));

const pngOf = async (image: ImageData, name: string): Promise<File> => {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d')?.putImageData(image, 0, 0);
  return new File([await canvas.convertToBlob()], name, { type: 'image/png' });
};

/** Pictures of the scene at some times. */
export const scenePictures = (count: number): Promise<File[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => pngOf(sceneAt(1.7 * i), `scene ${i}.png`)));

const frameOf = (clip: DrawnClip, index: number): ImageData => {
  const { rgb, width, height } = drawFrame(clip, index);
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) image.data.set([...rgb.subarray(3 * i, 3 * i + 3), 255], 4 * i);
  return image;
};

/** A textured square each, on another ground. */
export const squarePictures = (count: number): Promise<File[]> =>
  Promise.all(
    Array.from({ length: count }, (_, i) => pngOf(frameOf(movingSquare(i, 80, 64), 0), `square ${i}.png`)),
  );

/** A clip in which a textured square moves, or does not, as a WebM file that the browser encodes. */
export const clipFile = async (seed: number, name: string, frames = 12, speed = 1): Promise<File> => {
  const clip = movingSquare(seed, 128, 96, { x: 2.7 * speed, y: 1.5 * speed });
  const canvas = new OffscreenCanvas(clip.width, clip.height);
  const context = canvas.getContext('2d');
  const target = new BufferTarget();
  const output = new Output({ format: new WebMOutputFormat(), target });
  const source = new CanvasSource(canvas, { codec: 'vp8', quality: new Quality('high') });
  output.addVideoTrack(source, { frameRate: 25 });
  await output.start();
  for (let i = 0; i < frames; i++) {
    context?.putImageData(frameOf(clip, i), 0, 0);
    await source.add(i / 25, 1 / 25);
  }
  await output.finalize();
  return new File([target.buffer ?? new ArrayBuffer(0)], name, { type: 'video/webm' });
};
