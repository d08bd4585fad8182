import { mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModelDirectory } from '../../src/model/model-directory-node.ts';
import { decodeModel } from '../../src/onnx/protobuf.ts';
import { dve } from '../fixtures/run-dve.ts';
import { writeConfig, writePictures } from '../fixtures/small-training.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dve-start-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('dve train --init with a model directory that has no checkpoint', () => {
  it('starts from its model.onnx', { timeout: 120_000 }, async () => {
    const images = join(folder, 'pictures');
    await writePictures(images);
    const config = await writeConfig(join(folder, 'config.json'), { category: 'pattern' });
    const still = await writeConfig(join(folder, 'still.json'), {
      optimizer: { learningRate: 0, averageDecay: 0 },
    });
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    expect(await dve('train', '--images', images, '--config', config, '--out', first)).toMatchObject({
      code: 0,
    });
    await unlink(join(first, 'checkpoint.bin'));
    const again = ['train', '--images', images, '--config', still, '--out', second, '--steps', '1'];
    expect(await dve(...again, '--init', first)).toMatchObject({ code: 0 });
    const [before, after] = await Promise.all([first, second].map((model) => readModelDirectory(model)));
    expect(after.manifest.category).toBe('pattern');
    // The last convolution is not normalised: its weights come through as they are.
    const [weightsBefore, weightsAfter] = [before, after].map(
      ({ contents }) =>
        decodeModel(contents.model).initializers.find(({ value }) => value.name === 'embedding.weight')
          ?.bytes,
    );
    expect(weightsAfter).toEqual(weightsBefore);
  });
});
