import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import webpack from 'webpack';
import { serveFiles } from '../fixtures/serve.ts';
import { createConsumer, launchChromium, root, runPage, type PageReport } from './consumer.ts';
import { snippetsOf } from './snippets.ts';
import { blobs, expectTracked, page, script } from './tracked-scene.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

/** Opens what was built. @returns what came of it, and the server's URL */
const open = async (folder: string): Promise<PageReport & { url: string }> => {
  const server = await serveFiles({ '/blobs/': blobs, '/': folder });
  try {
    return { ...(await runPage(browser, server.url)), url: server.url };
  } finally {
    await server.close();
  }
};

/** Files of a project by itself: bundlers look upwards for those that are missing, and would find this checkout's. */
const project = { 'package.json': '{ "private": true }', 'tsconfig.json': '{}' };

/** What those need whose bundler leaves the package's files where they are. */
const copyAssets = (folder: string, target: string): void => {
  for (const name of ['dist', 'models']) {
    cpSync(join(folder, 'node_modules', 'dve-sdk', name), join(target, 'dve-sdk', name), { recursive: true });
  }
};
const withAssetBase = "{ model: '/blobs/', assetBase: '/dve-sdk/dist/' }";

const runWebpack = (settings: webpack.Configuration): Promise<webpack.Stats> =>
  new Promise((resolve, reject) => {
    webpack(settings, (error, stats) => {
      if (error !== null || stats === undefined) reject(error ?? new Error('no result'));
      else resolve(stats);
    });
  });

describe('the published package, built by', () => {
  test('webpack 5 with its default settings, tracks', async () => {
    const folder = createConsumer('webpack', { 'main.js': script('dve-sdk'), ...project });
    const stats = await runWebpack({
      ...{ context: folder, entry: './main.js', mode: 'production' },
      output: { path: join(folder, 'out'), filename: 'main.bundle.js' },
      performance: { hints: false },
    });
    expect(stats.toJson({ errors: true, warnings: true })).toMatchObject({ errors: [], warnings: [] });
    writeFileSync(join(folder, 'out', 'index.html'), page('./main.bundle.js'));
    const report = await open(join(folder, 'out'));
    expectTracked(report, report.url);
  });

  const buildWithEsbuild = async (name: string, options?: string): Promise<string> => {
    const folder = createConsumer(name, { 'main.js': script('dve-sdk', options), ...project });
    const out = join(folder, 'out');
    const common = { bundle: true, format: 'esm', target: 'es2022', logLevel: 'error' } as const;
    await esbuild({ ...common, absWorkingDir: folder, entryPoints: ['main.js'], outdir: out });
    writeFileSync(join(out, 'index.html'), page('./main.js'));
    return folder;
  };

  test('esbuild, with dist and models copied and assetBase, tracks', async () => {
    const folder = await buildWithEsbuild('esbuild', withAssetBase);
    copyAssets(folder, join(folder, 'out'));
    const report = await open(join(folder, 'out'));
    expectTracked(report, report.url);
  });

  test('esbuild, without them, says what to do', async () => {
    const folder = await buildWithEsbuild('esbuild-bare');
    const { value } = await open(join(folder, 'out'));
    expect(value).toMatchObject({
      error: expect.stringMatching(
        /does not do it \(esbuild, Parcel\), copy .* dist and models .*assetBase/,
      ) as string,
    });
  });

  test('nobody, with an import map, tracks', async () => {
    const map = { imports: { 'dve-sdk': './node_modules/dve-sdk/dist/index.js' } };
    const folder = createConsumer('import-map', {
      'main.js': script('dve-sdk'),
      'index.html': page('./main.js').replace(
        '<script type="module"',
        `<script type="importmap">${JSON.stringify(map)}</script>$&`,
      ),
    });
    const report = await open(folder);
    expectTracked(report, report.url);
  });
});

/** Two that are too large for everybody's node_modules: `DVE_BUNDLERS=1` installs them into .cache, once. */
const wantsLarge = process.env.DVE_BUNDLERS === '1';
const installLarge = (name: string, packages: readonly string[]): string => {
  const folder = join(root, '.cache', 'bundlers', name);
  if (existsSync(join(folder, 'node_modules', name))) return folder;
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(project)) writeFileSync(join(folder, file), text);
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packages], {
    cwd: folder,
  });
  return folder;
};

/** Puts a consumer's files where a bundler is installed, so that it finds both. */
const consumerIn = (folder: string, name: string, files: Readonly<Record<string, string>>): void => {
  const made = createConsumer(name, files);
  for (const entry of readdirSync(made)) {
    cpSync(join(made, entry), join(folder, entry), { recursive: true, force: true });
  }
};

describe.skipIf(!wantsLarge)('the published package, built by a large bundler (DVE_BUNDLERS=1),', () => {
  test('Parcel, with dist and models copied, assetBase and its setting, tracks and has all parts', async () => {
    const folder = installLarge('parcel', ['parcel@^2']);
    const setting = snippetsOf('docs/self-hosting.md').find(({ language }) => language === 'json');
    consumerIn(folder, 'parcel', {
      'index.html': page('./main.js'),
      'main.js': `import { toVrm } from 'dve-sdk/puppet';\nglobalThis.part = toVrm;\n${script('dve-sdk', withAssetBase)}`,
      'package.json': setting?.code ?? '',
    });
    execFileSync(
      process.execPath,
      [
        'node_modules/parcel/lib/bin.js',
        'build',
        'index.html',
        '--dist-dir',
        'out',
        '--cache-dir',
        '.parcel-cache',
      ],
      { cwd: folder },
    );
    copyAssets(folder, join(folder, 'out'));
    const report = await open(join(folder, 'out'));
    expectTracked(report, report.url);
  }, 600_000);

  test('Next with its default settings, tracks', async () => {
    const folder = installLarge('next', ['next@^15', 'react@^19', 'react-dom@^19']);
    consumerIn(folder, 'next', {
      'next.config.mjs': "export default { output: 'export', outputFileTracingRoot: import.meta.dirname };\n",
      'app/layout.js':
        'export default ({ children }) => (<html lang="en"><head><link rel="icon" href="data:," /></head><body>{children}</body></html>);\n',
      'app/page.js':
        "'use client';\nimport { useEffect } from 'react';\nexport default function Page() {\n  useEffect(() => { import('./track.js'); }, []);\n  return <p>tracking</p>;\n}\n",
      'app/track.js': script('dve-sdk'),
    });
    execFileSync(process.execPath, ['node_modules/next/dist/bin/next', 'build'], {
      cwd: folder,
      env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
    });
    const report = await open(join(folder, 'out'));
    expectTracked(report, report.url);
  }, 600_000);
});

test.skipIf(wantsLarge)('Parcel and Next are built with DVE_BUNDLERS=1 only', ({ skip }) => {
  skip('they are large: DVE_BUNDLERS=1 installs them into .cache and runs their tests');
});
