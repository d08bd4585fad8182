import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readModelDirectory } from '../../src/model/model-directory-node.ts';
import { loadNodeRuntime } from '../../src/model/runtime-node.ts';
import { dve, dveWithNode, lastLine } from '../fixtures/run-dve.ts';
import { readMetrics, writeConfig, writePictures } from '../fixtures/small-training.ts';

/** Makes Node behave as if onnxruntime-node were not installed. */
const withoutNative = ((): string[] => {
  const script = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`;
  const hooks = script(`export const resolve = (name, context, next) => {
    if (name === 'onnxruntime-node') throw new Error("Cannot find package 'onnxruntime-node'");
    return next(name, context);
  };`);
  return ['--import', script(`import { register } from 'node:module'; register(${JSON.stringify(hooks)});`)];
})();

const slower = /^Training on onnxruntime-web \(wasm\), about 2\.5 times slower: .+$/m;

let root: string;
let argv: string[];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dve-wasm-'));
  await writePictures(join(root, 'pictures'));
  const config = await writeConfig(join(root, 'config.json'), { steps: 3, checkpointEvery: 100 });
  argv = ['train', '--images', join(root, 'pictures'), '--config', config, '--threads', '1', '--json'];
});
afterAll(() => rm(root, { recursive: true, force: true }));

const losses = async (name: string): Promise<number[]> =>
  (await readMetrics(join(root, name))).map(({ loss }) => loss);

describe('training on wasm', { timeout: 300_000 }, () => {
  test('works, says that it is slower, and has the losses of the native runtime', async () => {
    const { code, stdout, stderr } = await dve(...argv, '--out', join(root, 'wasm'), '--device', 'wasm');
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(slower);
    expect(lastLine(stdout)).toMatchObject({ step: 3 });
    expect((await readModelDirectory(join(root, 'wasm'))).contents.int8).toBeDefined();
    if ((await loadNodeRuntime()).device !== 'cpu') return;
    const native = await dve(...argv, '--out', join(root, 'native'));
    expect(native.stderr).not.toMatch(slower);
    const [expected, found] = [await losses('native'), await losses('wasm')];
    expect(found).toHaveLength(3);
    // Rounding differs, and each step builds on the one before.
    found.forEach((loss, step) => {
      expect(Math.abs(loss - expected[step])).toBeLessThan(1e-3 * expected[step]);
    });
  });

  test('is what happens where onnxruntime-node is not installed; asked for by name it is refused', async () => {
    const fallen = await dveWithNode(withoutNative, ...argv, '--out', join(root, 'fallen'));
    expect(fallen.code, fallen.stderr).toBe(0);
    expect(fallen.stderr).toMatch(slower);
    expect(await losses('fallen')).toHaveLength(3);
    const refused = await dveWithNode(withoutNative, ...argv, '--out', join(root, 'no'), '--device', 'cpu');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /^dve: device "cpu" needs onnxruntime-node, which did not load \(.*\)\. Install it with .* or use "wasm"\.\n$/,
    );
  });
});
