import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixtureFolder } from '../fixtures/setup.ts';
import { serveFiles } from '../fixtures/serve.ts';
import { createConsumer, launchChromium, root } from './consumer.ts';

const page = `<!doctype html><meta charset="utf-8"><title>blame</title><link rel="icon" href="data:,">
<script type="module" src="./main.js"></script>`;

/** Tries to open the model, and tells the error. */
const script = (options: string): string => `
import { Tracker } from './node_modules/dve-sdk/dist/index.js';
globalThis.report = Tracker.create(${options}).then(
  () => ({ name: 'none', message: '' }),
  ({ name, message }) => ({ name, message }),
);
`;

const wasmFile = 'ort-wasm-simd-threaded.wasm';
const wasmUrl = `/node_modules/dve-sdk/dist/${wasmFile}`;

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

type Report = { name: string; message: string };

type Setting = {
  options?: string;
  /** URL → what is there instead; undefined for nothing. */ instead?: Record<
    string,
    string | Buffer | undefined
  >;
  headers?: Record<string, string>;
};

const failureOf = async (name: string, { options, instead = {}, headers = {} }: Setting): Promise<Report> => {
  const folder = createConsumer(`blame-${name}`, {
    'index.html': page,
    'main.js': script(options ?? "{ model: '/blobs/', device: 'wasm' }"),
  });
  const folders: Record<string, string> = {};
  for (const [index, [url, content]] of Object.entries(instead).entries()) {
    const place = join(folder, `instead-${index}`);
    mkdirSync(place);
    // What is served at exactly the folder's URL.
    if (content !== undefined) writeFileSync(join(place, 'index.html'), content);
    folders[url] = place;
  }
  const server = await serveFiles(
    { ...folders, '/blobs/': join(fixtureFolder, 'blobs'), '/': folder },
    headers,
  );
  const opened = await browser.newPage();
  try {
    await opened.goto(server.url);
    await opened.waitForFunction('globalThis.report !== undefined');
    return await opened.evaluate<Report>('globalThis.report');
  } finally {
    await opened.close();
    await server.close();
  }
};

describe('an error blames what is at fault', () => {
  const wholeWasm = readFileSync(join(root, 'dist', wasmFile));

  test.each<[string, Setting, string, string[]]>([
    ['missing', { instead: { [wasmUrl]: undefined } }, 'DeviceError', [wasmFile, 'HTTP 404']],
    [
      'html',
      { instead: { [wasmUrl]: '<!doctype html><title>start</title>' } },
      'DeviceError',
      [wasmFile, 'no WebAssembly'],
    ],
    [
      'truncated',
      { instead: { [wasmUrl]: wholeWasm.subarray(0, 100_000) } },
      'DeviceError',
      [wasmFile, 'damaged'],
    ],
    [
      'csp',
      { headers: { 'Content-Security-Policy': "script-src 'self' blob:" } },
      'DeviceError',
      ['Content-Security-Policy', 'wasm-unsafe-eval'],
    ],
    [
      'trusted-types',
      { headers: { 'Content-Security-Policy': "require-trusted-types-for 'script'" } },
      'DeviceError',
      ['Trusted Types', 'createScriptURL'],
    ],
    [
      'asset-base',
      { options: "{ model: '/blobs/', device: 'wasm', assetBase: '/elsewhere/' }" },
      'ClosedError',
      ['/elsewhere/tracker.worker.js', 'assetBase'],
    ],
  ])('%s', async (name, setting, error, words) => {
    const report = await failureOf(name, setting);
    expect(report.name).toBe(error);
    for (const word of words) expect(report.message).toContain(word);
    expect(report.message).not.toContain('dve train');
    expect(report.message).not.toContain('Vite');
  });

  test('a network of something else under matching hashes, whose set says what it was made with', async () => {
    const own = readFileSync(join(fixtureFolder, 'blobs', 'landmarks.json'), 'utf8');
    const text = JSON.stringify({ ...(JSON.parse(own) as object), network: '0'.repeat(64) });
    const report = await failureOf('other-network', {
      options: "{ model: '/blobs/', device: 'wasm', landmarks: '/other.json' }",
      instead: { '/other.json': text },
    });
    expect(report.name).toBe('ModelError');
    expect(report.message).toContain('made with another network');
    expect(report.message).toContain('dve landmarks');
  });

  /** Served in place of the model's own. */
  const changed = (file: string, change: (content: Record<string, unknown>) => object): string => {
    const text = readFileSync(join(fixtureFolder, 'blobs', file), 'utf8');
    return JSON.stringify(change(JSON.parse(text) as Record<string, unknown>));
  };

  // Their words are in faults.js, which the worker loads for them.
  test.each<[string, Setting, string, string[]]>([
    [
      'manifest',
      { instead: { '/blobs/manifest.json': changed('manifest.json', (own) => ({ ...own, stride: 0 })) } },
      'ModelError',
      ['manifest.json', 'stride should be a positive whole number but is 0', 'dve train'],
    ],
    [
      'other-landmarks',
      { instead: { '/blobs/landmarks.json': '{}' } },
      'ModelError',
      ['landmarks.json has 2 bytes', 'manifest.json says', 'whole model directory'],
    ],
    [
      'landmarks',
      {
        options: "{ model: '/blobs/', device: 'wasm', landmarks: '/own.json' }",
        instead: { '/own.json': changed('landmarks.json', (own) => ({ ...own, evidence: 1 })) },
      },
      'ModelError',
      ['/own.json has no evidence', 'dve landmarks'],
    ],
    [
      'smoothing',
      { options: "{ model: '/blobs/', device: 'wasm', smoothing: { beta: -1 } }" },
      'InputError',
      ["smoother's beta is -1", 'above 0'],
    ],
  ])('and says all of it: %s', async (name, setting, error, words) => {
    const report = await failureOf(name, setting);
    expect(report.name).toBe(error);
    for (const word of words) expect(report.message).toContain(word);
  });

  test('Node is told that there are no workers, and the way there', () => {
    const folder = createConsumer('blame-node', {
      'main.mjs': `
import { track } from 'dve-sdk';
async function* frames() {}
try {
  for await (const result of track(frames())) console.log(result);
} catch ({ name, message }) {
  console.log(JSON.stringify({ name, message }));
}
`,
    });
    const output = execFileSync(process.execPath, ['main.mjs'], { cwd: folder, encoding: 'utf8' });
    const report = JSON.parse(output) as Report;
    expect(report.name).toBe('DeviceError');
    expect(report.message).toContain('npx dve track');
  });
});
