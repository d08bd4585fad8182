import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright';
import { build, createServer } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixtureFolder } from '../fixtures/setup.ts';
import { createConsumer, launchChromium, root, runPage } from './consumer.ts';
import { blobs, expectTracked, page, script } from './tracked-scene.ts';
import { serveFiles } from '../fixtures/serve.ts';

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

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
      // What the page itself is not loaded for comes when it is asked for, and not before.
      expect(report.scripts).toEqual([
        // Chromium has WebGPU, but no adapter here.
        ...['ask-gpu.js', 'common.js', 'frame-stream.js', 'frame-work.js', 'index.js', 'main.js'],
        ...['ort.wasm.bundle.min.mjs', 'shared.js', 'tracker.worker.js'],
      ]);
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
      'main.js': script('./node_modules/dve-sdk/dist/index.js', '{}'),
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
