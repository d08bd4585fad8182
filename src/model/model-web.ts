import type * as Ort from 'onnxruntime-web';
import { DeviceError, ModelError } from '../errors.ts';
import type * as Faults from './faults.ts';
import { fetchBytes } from './fetch-bytes.ts';
import { distRemedy, importFile } from './import-file.ts';
import type { Manifest, ManifestFile } from './manifest.ts';
import { checkFile, parseManifest } from './manifest.ts';
import { sha256Hex } from './sha256.ts';
import type { Runtime } from './model.ts';

/** URLs of one build of onnxruntime-web. */
export type RuntimeFiles = { /** The .mjs bundle. */ library: string; /** The .wasm file. */ binary: string };

/** URLs of the two builds: `wasm` runs everywhere, `webgpu` where the browser has WebGPU and JSPI (and runs wasm too). */
export type WebRuntimeFiles = { wasm: RuntimeFiles; webgpu: RuntimeFiles };

/** A loaded build of onnxruntime-web. One per worker: its threads and memory stay until the worker ends. */
export type WebRuntime = Pick<typeof Ort, 'InferenceSession' | 'Tensor' | 'env'>;

/** URL of a model file by its name, as `manifest.json` or its list of files spells it. */
export type ModelUrls = (name: string) => string;

const isRuntime = (module: unknown): module is WebRuntime =>
  typeof module === 'object' && module !== null && 'InferenceSession' in module && 'Tensor' in module;

const isSameOrigin = (url: string): boolean => new URL(url, location.href).origin === location.origin;

/** What is used of Trusted Types, which TypeScript's types leave out. */
type TrustedTypes = {
  defaultPolicy: unknown;
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): unknown;
};

/**
 * Threads are workers of ONNX Runtime's own file. This is a worker of ours, where nobody else could allow them: policies of
 * a page hold in the page alone.
 */
const mayStartThreads = (): boolean => {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  try {
    if (trustedTypes?.defaultPolicy === null) {
      trustedTypes.createPolicy('default', { createScriptURL: (url) => url });
    }
    return true;
  } catch {
    // The policy has no place for one of this name: one thread will do.
    return false;
  }
};

/** More than four threads wait for each other longer than they compute, on networks of this size. */
const threadCount = (library: string): number =>
  globalThis.crossOriginIsolated && isSameOrigin(library) && mayStartThreads()
    ? Math.min(4, navigator.hardwareConcurrency)
    : 1;

/** Seconds that ONNX Runtime's WebAssembly gets to be fetched and compiled: much, because networks are slow. */
const startLimit = 180;

/**
 * Loads onnxruntime-web, only when and as it is needed.
 * @throws DeviceError when its files cannot be fetched
 */
export const loadWebRuntime = async ({ library, binary }: RuntimeFiles): Promise<WebRuntime> => {
  const module = await importFile(library, startLimit);
  if (!isRuntime(module)) throw new DeviceError(`${library} is not ONNX Runtime. ${distRemedy}`);
  module.env.wasm.wasmPaths = { wasm: binary };
  module.env.wasm.numThreads = threadCount(library);
  module.env.wasm.initTimeout = 1000 * startLimit;
  module.env.logLevel = 'error';
  return module;
};

const modelRemedy = 'Check the model option; it should be the URL of a folder that holds manifest.json.';

/**
 * @param read makes a manifest of what the file holds
 * @throws ModelError when it cannot be fetched or is no manifest
 */
export const fetchManifest = async (
  urls: ModelUrls,
  read: (value: unknown, url: string) => Manifest | Promise<Manifest> = parseManifest,
): Promise<Manifest> => {
  const url = urls('manifest.json');
  const text = new TextDecoder().decode(await fetchBytes(url, 'manifest.json', modelRemedy));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // Servers that answer every path with their start page are the usual cause.
    throw new ModelError(`${url} is not JSON. ${modelRemedy}`, { cause: error });
  }
  return read(value, url);
};

/** @param check as `checkFile` @throws ModelError when it cannot be fetched, or is not the file that the manifest lists */
export const fetchModelFile = async (
  urls: ModelUrls,
  entry: ManifestFile,
  check: (...given: Parameters<typeof checkFile>) => void | Promise<void> = checkFile,
): Promise<ArrayBuffer> => {
  const url = urls(entry.name);
  const bytes = await fetchBytes(url, entry.name, modelRemedy);
  // In pages without https the size has to do.
  await check(url, entry, bytes.byteLength, await sha256Hex(bytes));
  return bytes;
};

/**
 * A build of onnxruntime-web on a device.
 * @param gpu given: WebGPU (of the `webgpu` build only), else wasm
 * @param loadFaults loads what tells why files cannot be used
 */
export const runtimeOn = (
  { InferenceSession, Tensor, env }: WebRuntime,
  gpu?: GPUDevice,
  loadFaults?: () => Promise<Pick<typeof Faults, 'checkNetwork' | 'checkValues' | 'faultOfWasm'>>,
): Runtime => ({
  device: gpu === undefined ? 'wasm' : 'webgpu',
  InferenceSession,
  Tensor,
  ...(loadFaults && {
    faultOfFiles: async () => {
      const { wasmPaths } = env.wasm;
      // Set by loadWebRuntime.
      if (typeof wasmPaths !== 'object') return undefined;
      return (await loadFaults()).faultOfWasm(String(wasmPaths.wasm));
    },
    loadChecks: loadFaults,
  }),
  sessionOptions: {
    executionProviders: gpu === undefined ? ['wasm'] : [{ name: 'webgpu', device: gpu }],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  },
});
