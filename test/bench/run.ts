/**
 * `npm run bench`: this SDK beside MediaPipe's FaceLandmarker (CPU delegate) and beside the bare network, on the same
 * 640×480 frames, in one page of a real Chromium.
 *
 *     npm run bench -- [--json] [--isolated] [--rounds N] [--model DIR] [--clip FILE]
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { serveFiles } from '../fixtures/serve.ts';
import { launchChromium } from '../package/consumer.ts';
import type { BenchReport, BenchSettings } from './page/main.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const workFolder = join(root, '.cache', 'bench');
const data = process.env.DVE_DATA ?? join(root, '..', 'shared', 'data');

const { values: given } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    isolated: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '10' },
    model: { type: 'string', default: join(root, 'models', 'face') },
    clip: { type: 'string', default: join(data, 'eval', 'videos', 'cap12.mp4') },
  },
});

const settings: BenchSettings = {
  rounds: Number(given.rounds),
  framesPerRound: 15,
  frames: 45,
  width: 640,
  height: 480,
};

const mediapipeModels = join(data, 'mediapipe');
const needed = {
  'the built package (npm run build)': join(root, 'dist', 'index.js'),
  'a model (--model)': join(given.model, 'manifest.json'),
  'a clip (DVE_DATA or --clip)': given.clip,
  "MediaPipe's models (DVE_DATA)": join(mediapipeModels, 'face_landmarker.task'),
};

/** The clip's first frames, as raw I420. */
const prepareClip = (): void => {
  const { width, height, frames } = settings;
  const fit = `scale=${width}:${height}:force_original_aspect_ratio=increase,crop=${width}:${height}`;
  const file = join(workFolder, 'frames.i420');
  execFileSync('ffmpeg', [
    ...['-v', 'error', '-y', '-i', given.clip, '-vf', fit, '-frames:v', String(frames)],
    ...['-pix_fmt', 'yuv420p', '-f', 'rawvideo', file],
  ]);
  const wanted = (width * height * 3 * frames) / 2;
  if (statSync(file).size !== wanted) throw new Error(`${given.clip} has fewer than ${frames} frames.`);
};

const preparePage = async (): Promise<void> => {
  const source = (name: string): string => join(root, 'test', 'bench', 'page', name);
  await build({
    entryPoints: [source('main.ts'), source('landmarker.worker.ts'), source('network.worker.ts')],
    outdir: workFolder,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    external: ['dve-sdk', 'dve-sdk/mediapipe'],
    logLevel: 'error',
  });
  const imports = { 'dve-sdk': '/dist/index.js', 'dve-sdk/mediapipe': '/dist/mediapipe.js' };
  writeFileSync(
    join(workFolder, 'index.html'),
    `<!doctype html><meta charset="utf-8"><title>bench</title><link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module" src="/bench/main.js"></script>`,
  );
};

const runInChromium = async (): Promise<BenchReport> => {
  const isolation = {
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
  };
  const server = await serveFiles(
    {
      '/dist/': join(root, 'dist'),
      '/models/': join(root, 'models'),
      '/model/': given.model,
      '/mediapipe/models/': mediapipeModels,
      '/mediapipe/': join(root, 'node_modules', '@mediapipe', 'tasks-vision'),
      '/clip/': workFolder,
      '/bench/': workFolder,
      '/': workFolder,
    },
    { 'Cache-Control': 'max-age=3600', ...(given.isolated ? isolation : {}) },
  );
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    page.on('pageerror', (error) => {
      console.error(error.message);
    });
    await page.goto(server.url);
    await page.waitForFunction('globalThis.bench !== undefined');
    return await page.evaluate<BenchReport>(`bench(${JSON.stringify(settings)})`);
  } finally {
    await browser.close();
    await server.close();
  }
};

const ms = (value: number): string => value.toFixed(1).padStart(8);

const printTable = ({ contenders, search, firstResult, isolated }: BenchReport): void => {
  console.log(
    `640×480 I420 frames, one page, ${isolated ? 'isolated: with threads' : 'not isolated: one thread'}; milliseconds\n`,
  );
  console.log(`${''.padEnd(20)}  median     min  start-up  stages (medians)`);
  for (const { name, median, min, startup, stages } of contenders) {
    const parts = Object.entries(stages).map(([stage, value]) => `${stage} ${value.toFixed(1)}`);
    console.log(`${name.padEnd(20)}${ms(median)}${ms(min)}${ms(startup)}    ${parts.join('  ')}`);
  }
  const line = ({ frames, ms: time }: BenchReport['search']['localizer']): string =>
    `${time.toFixed(0)} ms in ${frames.toFixed(1)} frames`;
  console.log(`\nfrom nothing to the first landmarks: by the network itself ${line(search.localizer)}`);
  console.log(`                                     by MediaPipe's detector ${line(search.mediapipe)}`);
  console.log(`from track() to the first landmarks, files cached: ${firstResult.toFixed(0)} ms\n`);
};

const summarize = ({ contenders, search, firstResult, isolated }: BenchReport) => {
  const by = Object.fromEntries(contenders.map((contender) => [contender.name, contender]));
  const rival = by.FaceLandmarker;
  const ours = { int8: by['this SDK, int8'], fp32: by['this SDK, fp32'] };
  const bare = { int8: by['bare network, int8'], fp32: by['bare network, fp32'] };
  const round = (value: number): number => Number(value.toFixed(3));
  return {
    ratios: {
      int8_median: round(rival.median / ours.int8.median),
      fp32_median: round(rival.median / ours.fp32.median),
      int8_min: round(rival.min / ours.int8.min),
      fp32_min: round(rival.min / ours.fp32.min),
    },
    overhead: round(ours.fp32.median / bare.fp32.median),
    overhead_int8: round(ours.int8.median / bare.int8.median),
    medians: Object.fromEntries(contenders.map(({ name, median }) => [name, round(median)])),
    startup: Object.fromEntries(contenders.map(({ name, startup }) => [name, Math.round(startup)])),
    search,
    first_result_ms: Math.round(firstResult),
    isolated,
  };
};

const missing = Object.entries(needed).find(([, path]) => !existsSync(path));
if (missing !== undefined) {
  console.error(`The bench needs ${missing[0]}: ${missing[1]} is not there.`);
  process.exitCode = 1;
} else {
  mkdirSync(workFolder, { recursive: true });
  prepareClip();
  await preparePage();
  const report = await runInChromium();
  const summary = summarize(report);
  printTable(report);
  const { int8_median, fp32_median, int8_min, fp32_min } = summary.ratios;
  console.log(
    `FaceLandmarker's time over ours: int8 ${int8_median} (min ${int8_min}), fp32 ${fp32_median} (min ${fp32_min})`,
  );
  console.log(`ours over the bare network: int8 ${summary.overhead_int8}, fp32 ${summary.overhead}`);
  if (given.json) console.log(JSON.stringify(summary));
}
