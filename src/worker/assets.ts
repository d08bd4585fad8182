/**
 * URLs of everything that is fetched when running. Each is written out whole: bundlers look for exactly this form, copy
 * the file and put its new name here, so that nobody has to set a path. They hold for the built package, where this
 * file becomes a part of dist/index.js.
 */
import { DeviceError, firstLine, InputError } from '../errors.ts';
import type { WebRuntimeFiles } from '../model/model-web.ts';
import type { OpenMessage } from './messages.ts';
import type { PartUrls } from './part-urls.ts';

export type Assets = {
  createWorker: () => Worker;
  /** URL of its script; undefined where nobody said where it is. */
  script?: string;
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

/**
 * @param at where a file is: bundlers say where they put it, a base says where all are
 * @param folder of the face model; empty where its files were put somewhere by bundlers
 */
const assetsAt = (
  at: (name: string, bundled: URL) => string,
  folder: string,
): Omit<Assets, 'createWorker'> => ({
  runtime: {
    wasm: {
      library: at('ort.wasm.bundle.min.mjs', new URL('./ort.wasm.bundle.min.mjs', import.meta.url)),
      binary: at('ort-wasm-simd-threaded.wasm', new URL('./ort-wasm-simd-threaded.wasm', import.meta.url)),
    },
    webgpu: {
      library: at('ort.jspi.bundle.min.mjs', new URL('./ort.jspi.bundle.min.mjs', import.meta.url)),
      binary: at(
        'ort-wasm-simd-threaded.jspi.wasm',
        new URL('./ort-wasm-simd-threaded.jspi.wasm', import.meta.url),
      ),
    },
  },
  parts: {
    pictures: at('picture-work.js', new URL('./picture-work.js', import.meta.url)),
    objects: at('several-objects.js', new URL('./several-objects.js', import.meta.url)),
    motion: at('motion-work.js', new URL('./motion-work.js', import.meta.url)),
    device: at('ask-gpu.js', new URL('./ask-gpu.js', import.meta.url)),
    gpu: at('gpu-work.js', new URL('./gpu-work.js', import.meta.url)),
    frames: at('frame-work.js', new URL('./frame-work.js', import.meta.url)),
    faults: at('faults.js', new URL('./faults.js', import.meta.url)),
  },
  faceModel: {
    urls:
      folder === ''
        ? {
            'manifest.json': new URL('../models/face/manifest.json', import.meta.url).href,
            'model.onnx': new URL('../models/face/model.onnx', import.meta.url).href,
            'model.int8.onnx': new URL('../models/face/model.int8.onnx', import.meta.url).href,
            'landmarks.json': new URL('../models/face/landmarks.json', import.meta.url).href,
          }
        : {},
    folder,
  },
});

/** @param base URL of a copy of the package's dist folder; without it, where this very file lies */
export const locateAssets = (base: string | URL | undefined): Assets => {
  if (base === undefined) {
    return {
      createWorker: () =>
        begun(
          () =>
            new Worker(new URL('./tracker.worker.js', import.meta.url), { type: 'module', name: 'dve-sdk' }),
        ),
      ...assetsAt((_, { href }) => href, ''),
    };
  }
  const folder = folderUrl(base, 'assetBase');
  const at = (name: string): string => new URL(name, folder).href;
  const worker = at('tracker.worker.js');
  return {
    createWorker: () => startWorker(new URL(worker)),
    script: worker,
    ...assetsAt(at, at('../models/face/')),
  };
};
