import type { WebRuntimeFiles } from '../../src/model/model-web.ts';

const dist = new URL('/node_modules/onnxruntime-web/dist/', location.href).href;

/** ONNX Runtime as the test server has it. */
export const runtimeFiles: WebRuntimeFiles = {
  wasm: { library: `${dist}ort.wasm.bundle.min.mjs`, binary: `${dist}ort-wasm-simd-threaded.wasm` },
  webgpu: { library: `${dist}ort.jspi.bundle.min.mjs`, binary: `${dist}ort-wasm-simd-threaded.jspi.wasm` },
};

/** URL of a file of the model that the test run makes. */
export const blobModel = (name: string): string =>
  new URL(`/.cache/fixtures/blobs/${name}`, location.href).href;
