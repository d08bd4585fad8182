import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright';
import { build, createServer } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixtureFolder } from '../fixtures/setup.ts';
import { createConsumer, launchChromium, root, runPage, type PageReport } from './consumer.ts';
import { serveFiles } from '../fixtures/serve.ts';

/** Draws six discs, tracks them, and tells how it went. What a user of the package would write. */
const script = (packageName: string): string => `
import { track } from '${packageName}';

const canvas = document.createElement('canvas');
canvas.width = 320;
canvas.height = 240;
const context = canvas.getContext('2d');
const discs = [
  [0.25, 0.3, '#e61e1e'], [0.72, 0.27, '#1ec81e'], [0.5, 0.52, '#1e1ee6'],
  [0.3, 0.74, '#dcdc14'], [0.68, 0.76, '#dc14dc'], [0.8, 0.52, '#14d2d2'],
];
context.fillStyle = '#808080';
context.fillRect(0, 0, 320, 240);
for (const [x, y, color] of discs) {
  context.fillStyle = color;
  context.beginPath();
  context.arc(85 + 150 * x, 45 + 150 * y, 11, 0, 7);
  context.fill();
}
async function* frames() {
  for (let i = 0; i < 10; i++) yield { image: canvas, timestamp: i / 30 };
}
globalThis.report = (async () => {
  const tracking = track(frames(), { model: '/blobs/' });
  const { device, threads } = await tracking.ready;
  let last;
  for await (const result of tracking) last = result;
  const blue = last.landmarks?.[2];
  return { device, threads, status: last.status, x: blue?.x, y: blue?.y, isolated: crossOriginIsolated };
})().catch((error) => ({ error: String(error) }));
`;

const page = (scriptUrl: string): string =>
  `<!doctype html><html><head><meta charset="utf-8"><title>consumer</title><link rel="icon" href="data:,"></head><body><script type="module" src="${scriptUrl}"></script></body></html>`;

const blobs = join(fixtureFolder, 'blobs');

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

const expectTracked = ({ value, errors, hosts, failed }: PageReport, url: string): void => {
  expect(value).toMatchObject({ status: 'tracking', device: 'wasm' });
  const { x, y } = value as { x: number; y: number };
  expect(Math.hypot(x - 160, y - 123)).toBeLessThan(2);
  expect(errors).toEqual([]);
  expect(failed).toEqual([]);
  // Not one request to anybody else.
  expect(hosts).toEqual([new URL(url).host]);
};

describe('the published package works', () => {
  test('as plain files from a static server, without any headers or settings', async () => {
    const folder = createConsumer('static', {
      'index.html': page('./main.js'),
      'main.js': script('./node_modules/dve-sdk/dist/index.js'),
    });
    const server = await serveFiles({ '/blobs/': blobs, '/': folder });
    try {
      const report = await runPage(browser, server.url);
      expectTracked(report, server.url);
      expect(report.value).toMatchObject({ isolated: false, threads: 1 });
    } finally {
      await server.close();
    }
  });

  test('as plain files in an isolated page, with threads', async () => {
    const folder = createConsumer('isolated', {
      'index.html': page('./main.js'),
      'main.js': script('./node_modules/dve-sdk/dist/index.js'),
    });
    const headers = {
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    };
    const server = await serveFiles({ '/blobs/': blobs, '/': folder }, headers);
    try {
      const report = await runPage(browser, server.url);
      expectTracked(report, server.url);
      const { isolated, threads } = report.value as { isolated: boolean; threads: number };
      expect(isolated).toBe(true);
      expect(threads).toBeGreaterThan(1);
    } finally {
      await server.close();
    }
  });

  test('built by Vite with its default settings', async () => {
    const folder = createConsumer('vite', { 'index.html': page('/main.js'), 'main.js': script('dve-sdk') });
    await build({
      root: folder,
      configFile: false,
      logLevel: 'error',
      build: { reportCompressedSize: false },
    });
    const assets = readdirSync(join(folder, 'dist', 'assets'));
    expect(assets.filter((name) => name.endsWith('.wasm'))).toHaveLength(2);
    const server = await serveFiles({ '/blobs/': blobs, '/': join(folder, 'dist') });
    try {
      expectTracked(await runPage(browser, server.url), server.url);
    } finally {
      await server.close();
    }
  });

  test('from the development server of Vite', async () => {
    const folder = createConsumer('vite-dev', {
      'index.html': page('/main.js'),
      'main.js': script('dve-sdk'),
      'package.json': '{ "type": "module", "dependencies": { "dve-sdk": "*" } }',
    });
    const server = await createServer({
      root: folder,
      configFile: false,
      logLevel: 'error',
      cacheDir: join(folder, '.vite'),
      publicDir: join(fixtureFolder),
      server: { host: '127.0.0.1', port: 0, hmr: false },
      // The one setting: Vite 7 moves dependencies without the files beside them.
      optimizeDeps: { exclude: ['dve-sdk'] },
    });
    await server.listen();
    const [url] = server.resolvedUrls?.local ?? [];
    try {
      expectTracked(await runPage(browser, url), url);
    } finally {
      await server.close();
    }
  });

  const hasFaceModel = existsSync(join(root, 'models', 'face', 'manifest.json'));

  test.skipIf(!hasFaceModel)('with its own face model, and no setting at all', async () => {
    const folder = createConsumer('face', {
      'index.html': page('./main.js'),
      'main.js': script('./node_modules/dve-sdk/dist/index.js').replace(", { model: '/blobs/' }", ''),
    });
    const server = await serveFiles({ '/': folder });
    try {
      const { value, errors, failed } = await runPage(browser, server.url);
      expect(value).toMatchObject({ status: 'searching', device: 'wasm' });
      expect({ errors, failed }).toEqual({ errors: [], failed: [] });
    } finally {
      await server.close();
    }
  });
});
