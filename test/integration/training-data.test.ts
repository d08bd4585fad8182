import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serializeRegions } from '../../src/train/pairs/regions.ts';
import type { Model } from '../../src/model/model.ts';
import { manifestFields } from '../../src/train/model-files.ts';
import { parseConfig } from '../../src/train/settings/config.ts';
import { openTrainingData, type DataOptions } from '../../src/train-node/training-data.ts';
import { smallSettings, writePictures } from '../fixtures/small-training.ts';
import { drawFrame, movingSquare } from '../fixtures/drawn-clip.ts';

const folder = mkdtempSync(join(tmpdir(), 'dve-training-data-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const videos = join(folder, 'videos');
const images = join(folder, 'images');

beforeAll(async () => {
  await mkdir(join(videos, 'clip'), { recursive: true });
  for (let frame = 0; frame < 8; frame++) {
    const { rgb, width, height } = drawFrame(movingSquare(1, 80, 64), frame);
    await sharp(rgb, { raw: { width, height, channels: 3 } })
      .png({ compressionLevel: 0 })
      .toFile(join(videos, 'clip', `${frame}.png`));
  }
  await writePictures(images);
});

const config = parseConfig({
  ...smallSettings,
  steps: 6,
  videos: {
    poolPairs: 4,
    self: { start: 3, every: 2, frameStep: 3, budget: 12 },
    pairs: { side: 48, frameStep: 1, maxStep: 3, leastMotion: 0.5 },
  },
});

const open = (options: Partial<DataOptions>) =>
  openTrainingData({ config, out: join(folder, 'out'), isTrained: false, startStep: 0, ...options });

/** A network that recognises nothing, and keeps what it is shown. */
const createWitness = (): { seen: Buffer[]; network: () => Promise<Model> } => {
  const seen: Buffer[] = [];
  const { inputSize } = config.batch;
  const { embeddingSize } = config.network;
  return {
    seen,
    network: () =>
      Promise.resolve({
        manifest: manifestFields(config),
        ...{ device: 'cpu', precision: 'fp32' },
        embed: (image) => {
          seen.push(Buffer.from(Uint8Array.from(image, (value) => Math.round(255 * value))));
          return Promise.resolve(new Float32Array(embeddingSize * (inputSize / 2) ** 2).fill(1));
        },
        match: (_image, references) =>
          Promise.resolve(new Float32Array((3 * references.length) / embeddingSize)),
        matchAndEmbed: () => Promise.reject(new Error('a search only matches')),
        close: () => Promise.resolve(),
      }),
  };
};

describe('the data of a training', { timeout: 120_000 }, () => {
  test('resumed at the first step of a search, what moved in the round before stands in for the object', async () => {
    const input = { videos: { folder: videos, mode: { kind: 'self' } } } as const;
    await mkdir(join(folder, 'out'));
    const roi = { center: { x: 30, y: 30 }, size: 30, rotation: 0 };
    await writeFile(
      join(folder, 'out', 'regions-1.json'),
      serializeRegions(new Map([['clip', { kind: 'fixed', roi }]])),
    );
    // Rounds begin at steps 0, 3 and 5; this one goes on inside of the second one and through.
    const through = createWitness();
    const never = () => Promise.reject(new Error('searched where regions are known'));
    const running = await open({ ...input, startStep: 4 });
    expect(running.rounds.map(({ from }) => from)).toEqual([0, 3, 5]);
    await running.prepare(1, never);
    await running.prepare(2, through.network);
    const resumed = createWitness();
    await (await open({ ...input, startStep: 5 })).prepare(2, resumed.network);
    const first = createWitness();
    await (await open({ ...input, startStep: 3 })).prepare(1, first.network);
    expect(through.seen.length).toBeGreaterThan(0);
    expect(resumed.seen).toEqual(through.seen);
    // The first search looks at whole frames, which show something else.
    expect(first.seen).not.toEqual(through.seen);
  });

  test('is other data with other meshes, and with none', async () => {
    const [one, other] = [join(folder, 'one.json'), join(folder, 'other.json')];
    await writeFile(one, '{"items":[1]}');
    await writeFile(other, '{"items":[2]}');
    const digests = await Promise.all(
      [undefined, one, other, one].map(async (meshes) => {
        const data = await open({ images, ...(meshes !== undefined && { meshes }) });
        return data.digest;
      }),
    );
    expect(new Set(digests).size).toBe(3);
    expect(digests[3]).toBe(digests[1]);
  });

  test('has meshes of pictures only', async () => {
    const input = { folder: videos, mode: { kind: 'full' } } as const;
    await expect(open({ videos: input, meshes: 'meshes.json' })).rejects.toThrow(/Give --images, too/);
  });
});
