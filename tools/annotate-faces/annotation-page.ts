import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright';
import { InputError, SourceError } from '../../src/errors.ts';
import type { PageResult, ViewPose } from './page-api.ts';

/** A headless Chromium with FaceLandmarker in it, cut off from every other host. */
export type AnnotationPage = {
  /** @param picture file name inside the folder. @throws SourceError where the browser cannot decode it */
  annotate(picture: string, poses: readonly ViewPose[]): Promise<PageResult>;
  close(): Promise<void>;
};

const chromiumArguments = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const systemChromiums = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** `CHROME_PATH`, else the system's Chromium, else playwright's own. */
const chromiumPath = (): string | undefined =>
  process.env.CHROME_PATH ?? systemChromiums.find((path) => existsSync(path));

const mimeTypes: Record<string, string> = {
  html: 'text/html',
  js: 'text/javascript',
  wasm: 'application/wasm',
};

type Served = (path: string) => Promise<Uint8Array | string> | undefined;

/** Which file a request gets: a page, a script, MediaPipe's wasm, the model and the pictures, and nothing else. */
const createFiles = async (images: string, model: string): Promise<Served> => {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL('./annotator.ts', import.meta.url))],
    bundle: true,
    format: 'iife',
    write: false,
    logLevel: 'silent',
  });
  const script = bundle.outputFiles[0].text;
  const wasm = join(dirname(createRequire(import.meta.url).resolve('@mediapipe/tasks-vision')), 'wasm');
  return (path) => {
    if (path === '/') return Promise.resolve('<!doctype html><script src="/annotator.js"></script>');
    if (path === '/annotator.js') return Promise.resolve(script);
    if (path === '/face_landmarker.task') return readFile(model);
    const [, folder, ...names] = path.split('/');
    if (names.length !== 1 || (folder !== 'wasm' && folder !== 'images')) return undefined;
    return readFile(join(folder === 'wasm' ? wasm : images, basename(names[0])));
  };
};

/** Serves on the loop-back interface. @returns its address and how to end it */
const serve = async (files: Served): Promise<{ origin: string; close(): void }> => {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const content = files(path) ?? Promise.reject(new InputError(`no ${path} here`));
    content.then(
      (body) => {
        const type = path === '/' ? 'html' : (path.split('.').at(-1) ?? '');
        response.writeHead(200, { 'Content-Type': mimeTypes[type] ?? 'application/octet-stream' }).end(body);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { origin: `http://127.0.0.1:${port}`, close: () => server.close() };
};

/**
 * Starts the browser and loads the model.
 * @param images folder of the pictures
 * @param model path of face_landmarker.task
 * @throws SourceError where Chromium or FaceLandmarker does not start, or wants another host
 */
export const openAnnotationPage = async (images: string, model: string): Promise<AnnotationPage> => {
  const server = await serve(await createFiles(images, model));
  const executablePath = chromiumPath();
  const browser = await chromium
    .launch({ args: chromiumArguments, ...(executablePath === undefined ? {} : { executablePath }) })
    .catch((error: unknown) => {
      server.close();
      throw new SourceError('Chromium could not be started. Install one or name one by CHROME_PATH.', {
        cause: error,
      });
    });
  const close = async (): Promise<void> => {
    await browser.close();
    server.close();
  };
  const foreign = new Set<string>();
  try {
    const page = await browser.newPage();
    await page.route('**/*', (route) => {
      const { origin, protocol } = new URL(route.request().url());
      if (origin === server.origin || protocol === 'blob:' || protocol === 'data:') return route.continue();
      foreign.add(origin);
      return route.abort();
    });
    await page.goto(server.origin);
    // Text and not functions: what a TypeScript loader adds to a function is not there in the page.
    await page.evaluate('startAnnotator().then((api) => { globalThis.annotator = api; })');
    return {
      annotate: async (picture, poses) => {
        const url = JSON.stringify(`/images/${encodeURIComponent(picture)}`);
        try {
          return await page.evaluate<PageResult>(`annotator.annotate(${url}, ${JSON.stringify(poses)})`);
        } catch (error) {
          const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
          throw new SourceError(`the browser failed on it (${reason})`, { cause: error });
        }
      },
      close: async () => {
        await close();
        if (foreign.size > 0) {
          throw new SourceError(
            `The page asked for ${[...foreign].join(', ')} and was refused. Pin a MediaPipe that stays local.`,
          );
        }
      },
    };
  } catch (error) {
    await close();
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new SourceError(`FaceLandmarker did not start (${reason}). Check --model.`, { cause: error });
  }
};
