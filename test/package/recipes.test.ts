import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileScript, parse } from 'vue/compiler-sfc';
import { cameraFile } from '../fixtures/setup.ts';
import { serveFiles, type StaticServer } from '../fixtures/serve.ts';
import { createConsumer, launchChromium, root, watchContext } from './consumer.ts';
import { snippetFile, snippetHeaders, snippetsOf } from './snippets.ts';
import { blobs, page as pageOf, script } from './tracked-scene.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium([
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    `--use-file-for-fake-video-capture=${cameraFile}`,
  ]);
});
afterAll(() => browser.close());

/** The package served with the tests' own model, which knows what the fake camera shows, in the place of the face model. */
const serve = (folder: string, headers: Readonly<Record<string, string>> = {}): Promise<StaticServer> =>
  serveFiles(
    {
      '/dve-sdk/models/face/': blobs,
      '/node_modules/dve-sdk/models/face/': blobs,
      '/blobs/': blobs,
      '/': folder,
    },
    headers,
  );

/** Counts cameras that the page opens, and keeps their tracks. */
const countCameras = `
globalThis.cameras = [];
const { mediaDevices } = navigator;
const open = mediaDevices.getUserMedia.bind(mediaDevices);
mediaDevices.getUserMedia = async (constraints) => {
  const stream = await open(constraints);
  globalThis.cameras.push(...stream.getTracks());
  return stream;
};
`;

/** Opens a page, uses it, and expects no error, no failed request and none to another host. */
const withPage = async (
  folder: string,
  use: (page: Page) => Promise<void>,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> => {
  const server = await serve(folder, headers);
  const context = await browser.newContext();
  try {
    const { errors, failed, hosts } = watchContext(context);
    const page = await context.newPage();
    await page.addInitScript(countCameras);
    await page.goto(server.url);
    await use(page);
    expect({ errors, failed }).toEqual({ errors: [], failed: [] });
    expect([...hosts]).toEqual([new URL(server.url).host]);
  } finally {
    await context.close();
    await server.close();
  }
};

/** Whether the page's canvas shows the camera's picture, which has a blue disc, with points of a green that no disc has. */
const isDrawn = `(() => {
  const canvas = document.querySelector('canvas');
  if (canvas === null || canvas.width !== 320) return false;
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  let [disc, points] = [0, 0];
  for (let i = 0; i < data.length; i += 4) {
    const [red, green, blue] = data.subarray(i, i + 3);
    if (red < 80 && green < 80 && blue > 190) disc++;
    if (green > 200 && red < 150 && blue < 110) points++;
  }
  return disc > 20 && points > 20;
})()`;

const waitUntilDrawn = async (page: Page): Promise<void> => {
  await expect.poll(() => page.evaluate(isDrawn), { timeout: 60_000 }).toBe(true);
};

const html = (body: string, head = ''): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>recipe</title><link rel="icon" href="data:,">${head}</head><body>${body}</body></html>`;

/** Bundles an entry by esbuild; the package's files lie at /node_modules/dve-sdk, where its code is told to look. */
const bundle = async (folder: string, entries: readonly string[]): Promise<void> => {
  await build({
    ...{ absWorkingDir: folder, entryPoints: [...entries], outdir: join(folder, 'built'), outbase: folder },
    ...{ bundle: true, format: 'esm', target: 'es2022', jsx: 'automatic', logLevel: 'error' },
    // The package itself stays as it is, and with it the places of its files.
    external: ['/node_modules/*'],
    alias: { 'dve-sdk': '/node_modules/dve-sdk/dist/index.js' },
    define: {
      'process.env.NODE_ENV': '"development"',
      __VUE_OPTIONS_API__: 'false',
      __VUE_PROD_DEVTOOLS__: 'false',
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    },
    nodePaths: [join(root, 'node_modules')],
  });
};

const write = (folder: string, files: Readonly<Record<string, string>>): void => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
};

/** Ends what is mounted, and looks whether the camera that was opened is off; only one ever was. */
const expectCameraOffAfter = async (page: Page, unmount: string): Promise<void> => {
  expect(await page.evaluate('cameras.map(({ readyState }) => readyState)')).toEqual(['live']);
  await page.evaluate(unmount);
  await expect
    .poll(() => page.evaluate('cameras.map(({ readyState }) => readyState)'), { timeout: 20_000 })
    .toEqual(['ended']);
  expect(await page.evaluate('document.querySelector("canvas")')).toBe(null);
};

describe('recipes of the guides, run as they are written:', () => {
  test('a worker of one’s own draws on an OffscreenCanvas', async () => {
    const guide = 'docs/own-worker.md';
    const folder = createConsumer('recipe-worker', {
      'index.html': html('<canvas></canvas><script type="module" src="./page.js"></script>'),
      'page.js': snippetFile(guide, 'page.js'),
      // Workers have no import map.
      'drawing.js': snippetFile(guide, 'drawing.js').replace(
        "'dve-sdk'",
        "'/node_modules/dve-sdk/dist/index.js'",
      ),
    });
    await withPage(folder, waitUntilDrawn);
  });

  test('React mounts twice in StrictMode, and opens one camera', async () => {
    const guide = 'docs/react.md';
    const folder = createConsumer('recipe-react', {
      'index.html': html('<div id="root"></div><script type="module" src="./built/main.js"></script>'),
      'use-landmarks.tsx': snippetFile(guide, 'use-landmarks.tsx'),
      'app.tsx': snippetFile(guide, 'app.tsx'),
      'main.tsx': `
        import { StrictMode, useEffect } from 'react';
        import { createRoot } from 'react-dom/client';
        import { Camera } from './app';
        globalThis.mounts = 0;
        const Counter = () => { useEffect(() => { globalThis.mounts++; }, []); return null; };
        const root = createRoot(document.getElementById('root'));
        root.render(<StrictMode><Counter /><Camera /></StrictMode>);
        globalThis.unmount = () => root.unmount();
      `,
    });
    await bundle(folder, ['main.tsx']);
    await withPage(folder, async (page) => {
      await waitUntilDrawn(page);
      // It would be no test of StrictMode if it mounted once.
      expect(await page.evaluate('mounts')).toBe(2);
      expect(await page.locator('figcaption').textContent()).toBe('tracking');
      await expectCameraOffAfter(page, 'unmount()');
    });
  });

  test('Vue draws, and unmounting switches the camera off', async () => {
    const guide = 'docs/vue.md';
    const { descriptor } = parse(snippetFile(guide, 'app.vue'));
    const component = compileScript(descriptor, { id: 'recipe', inlineTemplate: true }).content;
    const folder = createConsumer('recipe-vue', {
      'index.html': html('<div id="root"></div><script type="module" src="./built/main.js"></script>'),
      'use-landmarks.ts': snippetFile(guide, 'use-landmarks.ts'),
      'app.ts': component,
      'main.ts': `
        import { createApp } from 'vue';
        import Camera from './app';
        const app = createApp(Camera);
        app.mount('#root');
        globalThis.unmount = () => app.unmount();
      `,
    });
    await bundle(folder, ['main.ts']);
    await withPage(folder, async (page) => {
      await waitUntilDrawn(page);
      expect(await page.locator('figcaption').textContent()).toBe('tracking');
      await expectCameraOffAfter(page, 'unmount()');
    });
  });

  test('a plain page with an import map', async () => {
    const [{ code }] = snippetsOf('docs/plain-page.md').filter(({ language }) => language === 'html');
    const folder = createConsumer('recipe-plain', { 'index.html': code, 'favicon.ico': '' });
    await withPage(folder, async (page) => {
      await waitUntilDrawn(page);
      expect(await page.locator('[role=status]').textContent()).toBe('tracking');
    });
  });

  test('esbuild, by the guide’s build script', async () => {
    const guide = 'docs/self-hosting.md';
    const snippet = snippetsOf(guide).find(({ code }) => code.includes("assetBase: '/dve-sdk/dist/'"));
    const folder = createConsumer('recipe-esbuild', {
      'main.js': String(
        snippet?.code.replace('console.log(result.status)', 'globalThis.seen = result.status'),
      ),
      'build.mjs': snippetFile(guide, 'build.mjs'),
      'package.json': '{ "private": true }',
    });
    execFileSync(process.execPath, ['build.mjs'], { cwd: folder });
    write(join(folder, 'public'), {
      'index.html': html('<script type="module" src="./main.js"></script>'),
    });
    await withPage(join(folder, 'public'), async (page) => {
      await expect.poll(() => page.evaluate('globalThis.seen'), { timeout: 60_000 }).toBe('tracking');
    });
  });
});

describe('headers of the guides', () => {
  const [policy, trustedTypes] = snippetHeaders('docs/security.md');
  const [isolation] = snippetHeaders('docs/threads.md');

  /** Tracks in a page that everything is served to with these headers, without a word on its console. */
  const trackWith = async (
    name: string,
    headers: Readonly<Record<string, string>>,
    before = '',
  ): Promise<unknown> => {
    const folder = createConsumer(`recipe-${name}`, {
      // An icon within the page's text is none of the policy's concern.
      'index.html': pageOf('./main.js').replace('href="data:,"', 'href="/favicon.ico"'),
      'favicon.ico': '',
      'before.js': before,
      'main.js': `import './before.js';\n${script('./node_modules/dve-sdk/dist/index.js')}`,
    });
    let value: unknown;
    const look = async (page: Page): Promise<void> => {
      await page.waitForFunction('globalThis.report !== undefined');
      value = await page.evaluate('globalThis.report');
    };
    await withPage(folder, look, headers);
    return value;
  };

  const several = { status: 'tracking', isolated: true, threads: expect.not.toBeOneOf([1]) as number };

  test('the policy suffices on one thread', async () => {
    expect(await trackWith('policy', policy)).toMatchObject({ status: 'tracking', threads: 1 });
  });

  test('the policy suffices on several threads, with those of isolation', async () => {
    expect(await trackWith('policy-threads', { ...policy, ...isolation })).toMatchObject(several);
  });

  const allow = snippetFile('docs/security.md', 'trusted-types.js');

  test('the policy of Trusted Types suffices on one thread', async () => {
    expect(await trackWith('trusted', trustedTypes, allow)).toMatchObject({
      ...{ status: 'tracking', threads: 1 },
    });
  });

  test('the policy of Trusted Types suffices on several threads', async () => {
    expect(await trackWith('trusted-threads', { ...trustedTypes, ...isolation }, allow)).toMatchObject(
      several,
    );
  });
});
