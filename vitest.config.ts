import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { cameraFile } from './test/fixtures/setup.ts';
import { wgslText } from './wgsl-text.ts';

/** Flags that keep Chromium quiet and let it run as root in a container. */
const quiet = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** A camera that plays a file which the tests draw themselves. */
const camera = [
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  `--use-file-for-fake-video-capture=${cameraFile}`,
];
/** A software adapter; with any of the four missing, importing a VideoFrame kills the GPU process. */
const softwareGpu = [
  '--enable-unsafe-webgpu',
  '--use-angle=swiftshader',
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
];

const executablePath = process.env.CHROME_PATH;

const browser = (args: readonly string[]) => ({
  enabled: true,
  headless: true,
  screenshotFailures: false,
  provider: playwright({
    launchOptions: { ...(executablePath === undefined ? {} : { executablePath }), args: [...quiet, ...args] },
  }),
  instances: [{ browser: 'chromium' as const }],
});

const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Browser tests use the built package; its types come from the source (tsconfig.json, `paths`). */
const builtPackage = {
  'dve-sdk/pictures': fileURLToPath(new URL('./dist/pictures.js', import.meta.url)),
  'dve-sdk/train': fileURLToPath(new URL('./dist/train.js', import.meta.url)),
  'dve-sdk/three': fileURLToPath(new URL('./dist/three.js', import.meta.url)),
  'dve-sdk/puppet': fileURLToPath(new URL('./dist/puppet.js', import.meta.url)),
  'dve-sdk/mediapipe': fileURLToPath(new URL('./dist/mediapipe.js', import.meta.url)),
  'dve-sdk': fileURLToPath(new URL('./dist/index.js', import.meta.url)),
};

/** Tests in Node: `unit` answers while one types; `integration` starts processes, trains networks or decodes videos. */
const suites = {
  unit: ['test/unit/**/*.test.ts', 'test/train/**/*.test.ts'],
  integration: ['test/integration/**/*.test.ts'],
};

/** Tests of what runs on several devices: in both browsers, so that each device is tested where it is there. */
const onEachDevice = 'test/browser/devices/*.test.ts';

const inNode = (name: string, include: string[]) => ({
  plugins: [wgslText()],
  test: {
    name,
    environment: 'node' as const,
    include,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    sequence: { groupOrder: name === 'unit' ? 0 : 1 },
    // By default one core is left alone, which is half of two.
    maxWorkers: '100%',
    // Loading the same modules for each of 70 files took half of the time: unit tests share them, so they replace no module.
    ...(name === 'unit' ? { pool: 'threads' as const, isolate: false } : {}),
  },
});

/** `--project node` is a name for both suites; as a third project it would run every test twice. */
const asksForNode = process.argv.some(
  (argument, index, all) =>
    argument === '--project=node' || (argument === 'node' && all[index - 1] === '--project'),
);
const nodeProjects = asksForNode
  ? [inNode('node', Object.values(suites).flat())]
  : Object.entries(suites).map(([name, include]) => inNode(name, include));

export default defineConfig({
  test: {
    // `npm run coverage`: the tests in Node, in this process and its threads; commands they start are not counted.
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary', 'html'] },
    projects: [
      ...nodeProjects,
      {
        // Chromium with a fake camera and no GPU: what most of the tests and every timing use.
        plugins: [wgslText()],
        server: { headers: isolation },
        resolve: { alias: builtPackage },
        test: {
          name: 'browser',
          include: ['test/browser/*.test.ts', onEachDevice],
          globalSetup: ['test/fixtures/setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
          browser: browser(camera),
        },
      },
      {
        // Chromium with a software WebGPU adapter: numbers only, never a timing.
        plugins: [wgslText()],
        server: { headers: isolation },
        resolve: { alias: builtPackage },
        test: {
          name: 'browser-gpu',
          include: [onEachDevice],
          globalSetup: ['test/fixtures/setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 3 },
          browser: browser([...camera, ...softwareGpu]),
        },
      },
      {
        // The built package as its users meet it: packed, served, bundled; Node drives the browser.
        test: {
          name: 'package',
          environment: 'node',
          // They wait for browsers most of the time.
          maxWorkers: '100%',
          include: ['test/package/**/*.test.ts'],
          globalSetup: ['test/fixtures/setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
