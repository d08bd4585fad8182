import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { publint } from 'publint';
import { describe, expect, test } from 'vitest';
import { createConsumer, packedFiles, root } from './consumer.ts';

const gzipBytes = (file: string): number =>
  gzipSync(readFileSync(join(root, 'dist', file)), { level: 9 }).length;

describe('the package', () => {
  /**
   * Everything of its own that a page fetches which calls track('camera'); consumers.test.ts looks whether it does. For
   * a video element it is video-element.js instead of camera.js, for a stream frame-stream.js.
   */
  const always = ['index.js', 'shared.js', 'common.js', 'tracker.worker.js', 'camera.js'];
  test.each([
    ['where wasm is used', [...always, 'frame-work.js'], 30_000],
    [
      'where wasm is used and a camera has to be shown',
      [...always, 'frame-work.js', 'video-element.js'],
      31_000,
    ],
    ['where there is WebGPU but no adapter', [...always, 'ask-gpu.js', 'frame-work.js'], 31_000],
    ['where WebGPU is used', [...always, 'ask-gpu.js', 'gpu-work.js'], 31_000],
    ['where WebGPU was tried in vain', [...always, 'ask-gpu.js', 'gpu-work.js', 'frame-work.js'], 34_000],
  ])('a page %s fetches at most its share, gzipped', (_, files, limit) => {
    expect(files.reduce((sum, file) => sum + gzipBytes(file), 0)).toBeLessThanOrEqual(limit);
  });

  test.each([
    ['train.worker.js', 60_000],
    ['train-data.worker.js', 28_000],
  ])('the training worker %s is at most %i bytes gzipped', (file, limit) => {
    expect(gzipBytes(file)).toBeLessThanOrEqual(limit);
  });

  test('has nothing that publint objects to', async () => {
    const { messages } = await publint({ pkgDir: root, strict: true, pack: false });
    expect(messages).toEqual([]);
  });

  test('holds what is used and nothing of the workshop', () => {
    const files = packedFiles();
    expect(files).toContain('dist/index.js');
    expect(files).toContain('dist/pictures.js');
    expect(files).toContain('dist/tracker.worker.js');
    expect(files).toContain('dist/picture-work.js');
    expect(files).toContain('dist/several-objects.js');
    expect(files).toContain('dist/motion-work.js');
    expect(files).toContain('dist/gpu-work.js');
    expect(files).toContain('dist/frame-work.js');
    expect(files).toContain('dist/faults.js');
    expect(files).toContain('dist/common.js');
    expect(files).toContain('dist/camera.js');
    expect(files).toContain('dist/train.worker.js');
    expect(files).toContain('dist/train-data.worker.js');
    expect(files).toContain('dist/ort-wasm-simd-threaded.wasm');
    expect(files.filter((file) => /^(src|test|examples|\.)/.test(file))).toEqual([]);
  });

  test('can be imported in Node, and importing does nothing: no output, no globals, no handles', () => {
    const folder = createConsumer('node', {
      'main.mjs': `
const names = () => Object.getOwnPropertyNames(globalThis);
const before = names();
const module = await import('dve-sdk');
// What reading the file itself takes is over by then.
await new Promise((resolve) => setTimeout(resolve, 50));
const added = names().filter((name) => !before.includes(name));
console.log(JSON.stringify({ added, names: Object.keys(module), handles: process.getActiveResourcesInfo() }));
`,
    });
    const output = execFileSync(process.execPath, ['main.mjs'], { cwd: folder, encoding: 'utf8' });
    const report = JSON.parse(output) as { added: string[]; names: string[]; handles: string[] };
    expect(report.added).toEqual([]);
    expect(report.names).toContain('track');
    expect(report.handles.filter((handle) => !/Pipe|TTY/.test(handle))).toEqual([]);
  });

  test('brings its types, for bundlers and for Node', () => {
    const folder = createConsumer('types', {
      'main.ts': `
import { track, type TrackResult } from 'dve-sdk';
import { createTraining, type TrainedFiles } from 'dve-sdk/train';
export const model = (videos: Blob[]): Promise<TrainedFiles> =>
  createTraining({ videos, config: { steps: 500, network: { widths: [8, 16] } } }).result();
export const points = async (video: HTMLVideoElement): Promise<number> => {
  let count = 0;
  for await (const result of track(video, { device: 'wasm' })) {
    const known: TrackResult = result;
    if (known.status === 'tracking') count += known.landmarks.length;
  }
  return count;
};
// @ts-expect-error there is no such option
track('camera', { smoothness: 1 });
// @ts-expect-error there is no such setting
createTraining({ config: { step: 500 } });
`,
      'package.json': '{ "type": "module" }',
    });
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    for (const [module, moduleResolution] of [
      ['esnext', 'bundler'],
      ['nodenext', 'nodenext'],
    ]) {
      const compilerOptions = {
        noEmit: true,
        strict: true,
        target: 'es2022',
        lib: ['es2022', 'dom', 'dom.iterable', 'esnext.disposable'],
        types: [],
        module,
        moduleResolution,
      };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['main.ts'] }));
      const { status, stdout } = spawnSync(process.execPath, [tsc], { cwd: folder, encoding: 'utf8' });
      expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    }
  });
});
