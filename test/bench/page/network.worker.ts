import type * as Ort from 'onnxruntime-web';
import type { Manifest } from '../../../src/model/manifest.ts';

type Start = { folder: string; runtime: string; precision: 'fp32' | 'int8' };

/** One frame to run on; it is closed here. */
type Frame = { frame: VideoFrame };

/** @returns milliseconds of the run alone */
let run: ((frame: VideoFrame) => Promise<number>) | undefined;

/** The square in the middle of a frame as (3, S, S) planar RGB, 0–1. */
const cropMiddle = (frame: VideoFrame, context: OffscreenCanvasRenderingContext2D): Float32Array => {
  const { width: size } = context.canvas;
  const { displayWidth, displayHeight } = frame;
  const side = Math.min(displayWidth, displayHeight);
  const [left, top] = [(displayWidth - side) / 2, (displayHeight - side) / 2];
  context.drawImage(frame, left, top, side, side, 0, 0, size, size);
  frame.close();
  const { data } = context.getImageData(0, 0, size, size);
  const area = size * size;
  return Float32Array.from({ length: 3 * area }, (_, i) => data[4 * (i % area) + Math.floor(i / area)] / 255);
};

const start = async ({ folder, runtime, precision }: Start): Promise<void> => {
  const ort = (await import(`${runtime}ort.wasm.bundle.min.mjs`)) as typeof Ort;
  ort.env.wasm.wasmPaths = { wasm: `${runtime}ort-wasm-simd-threaded.wasm` };
  ort.env.wasm.numThreads = crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
  const manifest = (await (await fetch(`${folder}manifest.json`)).json()) as Manifest;
  const file = precision === 'int8' ? manifest.files.int8?.name : manifest.files.model.name;
  if (file === undefined) throw new Error('the model has no int8 network');
  const session = await ort.InferenceSession.create(`${folder}${file}`, { executionProviders: ['wasm'] });
  const { inputSize, embeddingSize } = manifest;
  const context = new OffscreenCanvas(inputSize, inputSize).getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('no canvas');
  const values = new Float32Array(68 * embeddingSize).fill(1 / Math.sqrt(embeddingSize));
  const references = new ort.Tensor('float32', values, [68, embeddingSize]);
  // Real crops: the 8-bit network takes a seventh less time on an even pattern than on pictures.
  run = async (frame) => {
    const image = cropMiddle(frame, context);
    const before = performance.now();
    const feeds = {
      image: new ort.Tensor('float32', image, [1, 3, inputSize, inputSize]),
      references,
    };
    await session.run(feeds, ['matches']);
    return performance.now() - before;
  };
};

self.addEventListener('message', ({ data }: MessageEvent<Start | Frame>) => {
  const answer = async (): Promise<unknown> => {
    if ('folder' in data) {
      await start(data);
      return {};
    }
    return { ms: await run?.(data.frame) };
  };
  answer().then(
    (reply) => {
      postMessage(reply);
    },
    (error: unknown) => {
      postMessage({ error: String(error) });
    },
  );
});
