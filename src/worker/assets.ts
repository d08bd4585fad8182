/**
 * URLs of everything that is fetched when running. Each is written out whole: bundlers look for exactly this form, copy
 * the file and put its new name here, so that nobody has to set a path. They hold for the built package, where this
 * file becomes a part of dist/index.js.
 */
import { DeviceError, firstLine, InputError } from '../errors.ts';
import type { WebRuntimeFiles } from '../model/model-web.ts';
import type { OpenMessage } from './messages.ts';
import type { PartUrls } from './parts.ts';

export type Assets = {
  createWorker: () => Worker;
  /** What to do when its script cannot be loaded; undefined where nobody said where it is. */
  remedy?: string;
  runtime: WebRuntimeFiles;
  /** URLs of what the worker loads when it needs it. */ parts: PartUrls;
  faceModel: OpenMessage['model'];
};

const workerOptions: WorkerOptions = { type: 'module', name: 'dve-sdk' };

/** @throws DeviceError that names what forbids it */
export const begun = (create: () => Worker): Worker => {
  try {
    return create();
  } catch (error) {
    throw new DeviceError(
      `the page may not start a worker (${firstLine(error)}). Where its Content-Security-Policy requires Trusted Types, create a policy named default whose createScriptURL lets the files of dve-sdk pass.`,
      { cause: error },
    );
  }
};

const bundledAssets = (): Assets => ({
  createWorker: () =>
    begun(
      () => new Worker(new URL('./tracker.worker.js', import.meta.url), { type: 'module', name: 'dve-sdk' }),
    ),
  runtime: {
    wasm: {
      library: new URL('./ort.wasm.bundle.min.mjs', import.meta.url).href,
      binary: new URL('./ort-wasm-simd-threaded.wasm', import.meta.url).href,
    },
    webgpu: {
      library: new URL('./ort.jspi.bundle.min.mjs', import.meta.url).href,
      binary: new URL('./ort-wasm-simd-threaded.jspi.wasm', import.meta.url).href,
    },
  },
  parts: {
    pictures: new URL('./picture-work.js', import.meta.url).href,
    objects: new URL('./several-objects.js', import.meta.url).href,
    gpu: new URL('./gpu-work.js', import.meta.url).href,
    frames: new URL('./frame-work.js', import.meta.url).href,
  },
  faceModel: {
    urls: {
      'manifest.json': new URL('../models/face/manifest.json', import.meta.url).href,
      'model.onnx': new URL('../models/face/model.onnx', import.meta.url).href,
      'model.int8.onnx': new URL('../models/face/model.int8.onnx', import.meta.url).href,
      'landmarks.json': new URL('../models/face/landmarks.json', import.meta.url).href,
    },
    folder: '',
  },
});

/** Workers must come from the page's own origin; from another one only their content may. */
export const startWorker = (url: URL): Worker => {
  if (url.origin === location.origin) return begun(() => new Worker(url, workerOptions));
  const text = `import ${JSON.stringify(url.href)};`;
  const script = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  const revoke = (): void => {
    URL.revokeObjectURL(script);
  };
  try {
    const worker = begun(() => new Worker(script, workerOptions));
    // Its first word, or its end: it is read by then.
    for (const event of ['message', 'error']) worker.addEventListener(event, revoke, { once: true });
    return worker;
  } catch (error) {
    revoke();
    throw error;
  }
};

const assetsAt = (base: URL): Assets => {
  const at = (name: string): string => new URL(name, base).href;
  return {
    createWorker: () => startWorker(new URL('tracker.worker.js', base)),
    remedy: `It should be at ${at('tracker.worker.js')}: check that assetBase is the URL of a copy of dve-sdk's dist folder. A Content-Security-Policy has to allow it in worker-src.`,
    runtime: {
      wasm: { library: at('ort.wasm.bundle.min.mjs'), binary: at('ort-wasm-simd-threaded.wasm') },
      webgpu: { library: at('ort.jspi.bundle.min.mjs'), binary: at('ort-wasm-simd-threaded.jspi.wasm') },
    },
    parts: {
      pictures: at('picture-work.js'),
      objects: at('several-objects.js'),
      gpu: at('gpu-work.js'),
      frames: at('frame-work.js'),
    },
    faceModel: { urls: {}, folder: at('../models/face/') },
  };
};

/** @param what how the error calls it @throws InputError for what is no URL */
export const absoluteUrl = (url: string | URL, what: string): URL => {
  try {
    return new URL(url, location.href);
  } catch (error) {
    throw new InputError(`${what} is "${String(url)}", which is no URL. Correct it.`, { cause: error });
  }
};

/** A folder's URL, absolute, with the slash at its end that URLs of files in it need. */
export const folderUrl = (folder: string | URL, what: string): URL => {
  const url = absoluteUrl(folder, what);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
};

/** @param base URL of a copy of the package's dist folder; without it, where this very file lies */
export const locateAssets = (base: string | URL | undefined): Assets =>
  base === undefined ? bundledAssets() : assetsAt(folderUrl(base, 'assetBase'));
