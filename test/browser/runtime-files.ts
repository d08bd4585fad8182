import type { WebRuntimeFiles } from '../../src/model/model-web.ts';
import type { PartUrls } from '../../src/worker/part-urls.ts';

const dist = new URL('/node_modules/onnxruntime-web/dist/', location.href).href;

/** ONNX Runtime as the test server has it. */
export const runtimeFiles: WebRuntimeFiles = {
  wasm: { library: `${dist}ort.wasm.bundle.min.mjs`, binary: `${dist}ort-wasm-simd-threaded.wasm` },
  webgpu: { library: `${dist}ort.jspi.bundle.min.mjs`, binary: `${dist}ort-wasm-simd-threaded.jspi.wasm` },
};

const sourceOf = (name: string): string => new URL(`/src/worker/${name}.ts`, location.href).href;

/** Parts of the worker, from their source. */
export const parts: PartUrls = {
  pictures: sourceOf('picture-work'),
  objects: sourceOf('several-objects'),
  motion: sourceOf('motion-work'),
  device: sourceOf('ask-gpu'),
  gpu: sourceOf('gpu-work'),
  frames: sourceOf('frame-work'),
  faults: sourceOf('faults'),
};

/** URL of a file of the model that the test run makes. */
export const blobModel = (name: string): string =>
  new URL(`/.cache/fixtures/blobs/${name}`, location.href).href;
