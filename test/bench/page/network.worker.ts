import type * as Ort from 'onnxruntime-web';
import type { Manifest } from '../../../src/model/manifest.ts';

type Start = { folder: string; runtime: string; precision: 'fp32' | 'int8' };

let run: (() => Promise<void>) | undefined;

const start = async ({ folder, runtime, precision }: Start): Promise<void> => {
  const ort = (await import(`${runtime}ort.wasm.bundle.min.mjs`)) as typeof Ort;
  ort.env.wasm.wasmPaths = { wasm: `${runtime}ort-wasm-simd-threaded.wasm` };
  ort.env.wasm.numThreads = crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
  const manifest = (await (await fetch(`${folder}manifest.json`)).json()) as Manifest;
  const file = precision === 'int8' ? manifest.files.int8?.name : manifest.files.model.name;
  if (file === undefined) throw new Error('the model has no int8 network');
  const session = await ort.InferenceSession.create(`${folder}${file}`, { executionProviders: ['wasm'] });
  const { inputSize, embeddingSize } = manifest;
  const image = Float32Array.from({ length: 3 * inputSize * inputSize }, (_, i) => (i % 251) / 251);
  const references = new Float32Array(68 * embeddingSize).fill(1 / Math.sqrt(embeddingSize));
  const feeds = {
    image: new ort.Tensor('float32', image, [1, 3, inputSize, inputSize]),
    references: new ort.Tensor('float32', references, [68, embeddingSize]),
  };
  run = async () => {
    await session.run(feeds, ['matches']);
  };
};

self.addEventListener('message', ({ data }: MessageEvent<Start | Record<string, never>>) => {
  const answer = async (): Promise<unknown> => {
    if ('folder' in data) {
      await start(data as Start);
      return {};
    }
    const before = performance.now();
    await run?.();
    return { ms: performance.now() - before };
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
