import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { fixtureFolder } from '../fixtures/setup.ts';
import { serveFiles } from '../fixtures/serve.ts';
import { createConsumer, launchChromium, root, runPage } from './consumer.ts';

const data = process.env.DVE_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));
const clip = join(data, 'eval', 'videos', 'cap12.mp4');
const faceModel = join(root, 'models', 'face', 'landmarks.json');
const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
const isPossible = existsSync(clip) && existsSync(faceModel) && hasFfmpeg;

/** Two seconds of the clip, as the fake camera plays them. */
const writeCamera = (): string => {
  const file = join(fixtureFolder, 'face-camera.mjpeg');
  execFileSync('ffmpeg', [
    ...['-v', 'error', '-y', '-i', clip, '-t', '2', '-r', '30'],
    ...['-vf', 'scale=640:480:force_original_aspect_ratio=increase,crop=640:480', '-q:v', '3', file],
  ]);
  return file;
};

const script = `
import { track } from './node_modules/dve-sdk/dist/index.js';
globalThis.report = (async () => {
  const tracking = track('camera');
  const results = [];
  for await (const result of tracking) {
    results.push(result);
    if (results.length === 60) break;
  }
  const tracked = results.filter(({ status }) => status === 'tracking');
  const mean = tracked.flatMap(({ landmarks }) => landmarks.map(({ confidence }) => confidence));
  return {
    first: results.findIndex(({ status }) => status === 'tracking'),
    tracked: tracked.length,
    landmarks: tracked.at(-1)?.landmarks.length,
    confidence: mean.reduce((sum, value) => sum + value, 0) / mean.length,
    stats: tracking.stats,
  };
})().catch((error) => ({ error: String(error) }));
`;

test.skipIf(!isPossible)(
  'a real face before the camera is found within 15 frames and not lost (needs DVE_DATA, ffmpeg, models/face)',
  async () => {
    const folder = createConsumer('camera', {
      'index.html': `<!doctype html><meta charset="utf-8"><title>camera</title><link rel="icon" href="data:,">
<script type="module" src="./main.js"></script>`,
      'main.js': script,
    });
    const server = await serveFiles({ '/': folder });
    const browser = await launchChromium([
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-video-capture=${writeCamera()}`,
    ]);
    try {
      const { value, errors, hosts } = await runPage(browser, server.url);
      const report = value as { first: number; tracked: number; landmarks: number; confidence: number };
      expect(report.first).toBeGreaterThanOrEqual(0);
      expect(report.first).toBeLessThan(15);
      expect(report.tracked).toBe(60 - report.first);
      expect(report.landmarks).toBe(68);
      expect(report.confidence).toBeGreaterThan(0.5);
      expect(errors).toEqual([]);
      expect(hosts).toEqual([new URL(server.url).host]);
    } finally {
      await browser.close();
      await server.close();
    }
  },
);
