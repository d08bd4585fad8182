import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright';
import sharp from 'sharp';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readModelDirectory } from '../../src/model/model-directory-node.ts';
import { loadNodeRuntime } from '../../src/model/runtime-node.ts';
import { openNodeModel } from '../../src/model/model-node.ts';
import { readCheckpoint } from '../../src/train-node/checkpoint.ts';
import { parseConfig } from '../../src/train/settings/config.ts';
import { runTraining } from '../../src/train-node/run.ts';
import { serveFiles } from '../fixtures/serve.ts';
import { drawFrame, movingSquare } from '../fixtures/drawn-clip.ts';
import { createConsumer, launchChromium, runPage } from './consumer.ts';

const folder = mkdtempSync(join(tmpdir(), 'dve-training-page-'));
const images = join(folder, 'images');
const names = Array.from({ length: 6 }, (_, i) => `${i}.png`);

/** In full, so that browser and command line have nothing to add. */
const config = {
  steps: 6,
  network: { kind: 'light', embeddingSize: 8, widths: [8, 8, 12] },
  loss: { auxiliaryGrid: 8, backgroundGrid: 4 },
  batch: {
    inputSize: 32,
    queryGrid: 8,
    pairs: 4,
    backgrounds: 1,
    base: { centerX: 0.5, centerY: 0.5, side: 0.9 },
  },
  videos: { poolPairs: 12 },
} as const;

/** Trains on the served pictures and hands over losses and files. What a user of the package would write. */
const script = (packageName: string): string => `
import { createTraining } from '${packageName}';

const names = ${JSON.stringify(names)};
globalThis.report = (async () => {
  const pictures = await Promise.all(names.map(async (name) => {
    const response = await fetch('/images/' + name);
    return new File([await response.blob()], name, { type: 'image/png' });
  }));
  const training = createTraining({ pictures, config: ${JSON.stringify(config)} });
  const losses = [];
  for await (const progress of training) if (progress.phase === 'training') losses.push(...progress.losses);
  const { device, threads } = await training.ready;
  const files = Object.fromEntries([...await training.result()].map(([name, bytes]) => [name, [...bytes]]));
  return { losses, device, threads, files };
})().catch((error) => ({ error: String(error) }));
`;

const page = (scriptUrl: string): string =>
  `<!doctype html><html><head><meta charset="utf-8"><title>training</title><link rel="icon" href="data:,"></head><body><script type="module" src="${scriptUrl}"></script></body></html>`;

type Report = { losses: number[]; device: string; threads: number; files: Record<string, number[]> };

let browser: Browser;
let nodeLosses: number[];

beforeAll(async () => {
  mkdirSync(images);
  for (const [i, name] of names.entries()) {
    const { rgb, width, height } = drawFrame(movingSquare(i, 80, 64), 0);
    await sharp(rgb, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(images, name));
  }
  const losses: number[] = [];
  await runTraining({
    config: parseConfig(config),
    images,
    out: join(folder, 'node'),
    resume: false,
    runtime: await loadNodeRuntime({ device: 'wasm', threads: 1 }),
    onStep: ({ loss }) => {
      losses.push(loss);
    },
  });
  nodeLosses = losses;
  browser = await launchChromium();
}, 120_000);
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

const expectSameTraining = ({ losses }: Report): void => {
  expect(nodeLosses).toHaveLength(config.steps);
  expect(losses).toHaveLength(config.steps);
  losses.forEach((loss, i) => {
    expect(Math.abs(loss - nodeLosses[i])).toBeLessThan(1e-6 * nodeLosses[i]);
  });
};

describe('training in a page that uses the published package', () => {
  test('as plain files without any headers: the losses of the command line, and a model and checkpoint that it reads', async () => {
    const consumer = createConsumer('training-static', {
      'index.html': page('./main.js'),
      'main.js': script('./node_modules/dve-sdk/dist/train.js'),
    });
    const server = await serveFiles({ '/images/': images, '/': consumer });
    try {
      const { value, errors, hosts, failed } = await runPage(browser, server.url);
      expect(value).toMatchObject({ device: 'wasm', threads: 1 });
      const report = value as Report;
      expectSameTraining(report);
      expect({ errors, failed }).toEqual({ errors: [], failed: [] });
      // Not one request to anybody else.
      expect(hosts).toEqual([new URL(server.url).host]);

      const out = join(folder, 'page');
      mkdirSync(out);
      for (const [name, bytes] of Object.entries(report.files))
        writeFileSync(join(out, name), Uint8Array.from(bytes));
      const { manifest } = await readModelDirectory(out);
      expect(manifest).toMatchObject({ inputSize: 32, embeddingSize: 8, category: 'object' });
      const session = await openNodeModel(out, { threads: 1 });
      expect(await session.embed(new Float32Array(3 * 32 * 32).fill(0.5))).toHaveLength(8 * 16 * 16);
      await session.close();
      const ours = await readCheckpoint(join(out, 'checkpoint.bin'));
      const theirs = await readCheckpoint(join(folder, 'node', 'checkpoint.bin'));
      expect(ours).toMatchObject({ step: config.steps, data: theirs.data, config: theirs.config });
      const { step } = await runTraining({
        config: parseConfig({ ...config, steps: config.steps + 1 }),
        ...{ images, out, resume: true, runtime: await loadNodeRuntime({ device: 'wasm' }) },
      });
      expect(step).toBe(config.steps + 1);
      const model = readFileSync(join(folder, 'node', 'model.onnx'));
      expect(manifest.files.model.bytes).toBe(model.length);
    } finally {
      await server.close();
    }
  });

  test('built by Vite with its default settings', async () => {
    const consumer = createConsumer('training-vite', {
      'index.html': page('/main.js'),
      'main.js': script('dve-sdk/train'),
    });
    await build({
      root: consumer,
      configFile: false,
      logLevel: 'error',
      build: { reportCompressedSize: false },
    });
    const server = await serveFiles({ '/images/': images, '/': join(consumer, 'dist') });
    try {
      const { value, errors, failed } = await runPage(browser, server.url);
      expectSameTraining(value as Report);
      expect({ errors, failed }).toEqual({ errors: [], failed: [] });
    } finally {
      await server.close();
    }
  });
});
