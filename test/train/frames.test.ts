import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { loadPictures } from '../../src/media-node/load-pictures.ts';

const solid = (width: number, height: number, background: string) =>
  sharp({ create: { width, height, channels: 3, background } });

describe('loading a folder of pictures', () => {
  let root = '';
  const folder = (name: string): string => path.join(root, name);

  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'dve-frames-'));
  });
  afterAll(async () => {
    await rm(root, { recursive: true, force: true });
  });

  const makeFolder = async (files: Record<string, Buffer | string>): Promise<string> => {
    const made = await mkdtemp(folder('set-'));
    for (const [name, content] of Object.entries(files)) await writeFile(path.join(made, name), content);
    return made;
  };

  test('corrupt, truncated and tiny pictures are named, skipped and counted', async () => {
    const jpeg = await solid(120, 90, '#c04020').jpeg().toBuffer();
    const noisy = await sharp({
      create: {
        width: 200,
        height: 200,
        channels: 3,
        background: 'grey',
        noise: { type: 'gaussian', mean: 128, sigma: 40 },
      },
    })
      .jpeg()
      .toBuffer();
    const made = await makeFolder({
      'a.jpg': jpeg,
      'b-text.jpg': 'this is no picture',
      'c-cut.jpg': noisy.subarray(0, noisy.length / 2),
      'd-tiny.png': await solid(31, 200, 'red').png().toBuffer(),
      'e-empty.webp': '',
      'f.PNG': await solid(32, 32, 'blue').png().toBuffer(),
      'notes.txt': 'not looked at',
    });
    const told = new Map<string, string>();
    const { set, counts, skipped } = await loadPictures(made, {
      onSkip: (file, message) => told.set(file, message),
    });
    expect(set.pictures.map(({ file }) => file)).toEqual(['a.jpg', 'f.PNG']);
    expect(counts).toEqual([2]);
    expect(skipped).toBe(4);
    expect([...told.keys()]).toEqual(['b-text.jpg', 'c-cut.jpg', 'd-tiny.png', 'e-empty.webp']);
    expect(told.get('d-tiny.png')).toContain('31×200');
    for (const [file, message] of told) {
      expect(message).toContain(file);
      expect(message).not.toContain('\n');
    }
  });

  test('grey, transparent, 16-bit, rotated and animated pictures all become upright RGB', async () => {
    const wide = solid(64, 40, 'rgb(200, 100, 50)');
    const made = await makeFolder({
      'alpha.png': await sharp({
        create: { width: 40, height: 40, channels: 4, background: { r: 255, g: 0, b: 0, alpha: 0 } },
      })
        .png()
        .toBuffer(),
      'grey.png': await solid(40, 40, 'rgb(90, 90, 90)').greyscale().toColourspace('b-w').png().toBuffer(),
      'sixteen.png': await solid(40, 40, 'rgb(200, 100, 50)').toColourspace('rgb16').png().toBuffer(),
      'turned.jpg': await wide.clone().jpeg().withMetadata({ orientation: 6 }).toBuffer(),
      'wide.webp': await wide.clone().webp({ lossless: true }).toBuffer(),
    });
    const { set } = await loadPictures(made);
    const look = Object.fromEntries(
      set.pictures.map(({ file, width, height, levels }) => [
        file,
        { width, height, rgb: [...set.bytes.subarray(levels[0].offset, levels[0].offset + 3)] },
      ]),
    );
    expect(look['alpha.png'].rgb).toEqual([128, 128, 128]);
    expect(look['grey.png'].rgb).toEqual([90, 90, 90]);
    expect(look['sixteen.png'].rgb).toEqual([200, 100, 50]);
    expect(look['turned.jpg']).toMatchObject({ width: 40, height: 64 });
    expect(look['wide.webp']).toEqual({ width: 64, height: 40, rgb: [200, 100, 50] });
  });

  test('large pictures are scaled down to the longer side and kept in shared memory', async () => {
    const made = await makeFolder({ 'large.png': await solid(1000, 500, 'green').png().toBuffer() });
    const { set } = await loadPictures(made);
    expect(set.pictures[0]).toMatchObject({ width: 320, height: 160 });
    expect(set.bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
    const smaller = await loadPictures(made, { maxSide: 100 });
    expect(smaller.set.pictures[0]).toMatchObject({ width: 100, height: 50 });
  });

  test('a strip that is nothing but narrow once scaled down is skipped', async () => {
    const made = await makeFolder({
      'good.png': await solid(64, 64, 'green').png().toBuffer(),
      'strip.png': await solid(3200, 40, 'green').png().toBuffer(),
    });
    const messages: string[] = [];
    const { skipped } = await loadPictures(made, { onSkip: (_, message) => messages.push(message) });
    expect(skipped).toBe(1);
    expect(messages[0]).toContain('320×4');
  });

  test('several folders come one after the other and are counted apart', async () => {
    const first = await makeFolder({
      'z.png': await solid(40, 40, 'red').png().toBuffer(),
      'y.png': await solid(40, 40, 'red').png().toBuffer(),
    });
    const second = await makeFolder({ 'a.png': await solid(40, 40, 'red').png().toBuffer() });
    const { set, counts } = await loadPictures([first, second]);
    expect(counts).toEqual([2, 1]);
    expect(set.pictures.map(({ file }) => file)).toEqual(['y.png', 'z.png', 'a.png']);
  });

  test('each mip level is the area average of the one before, odd sizes included', async () => {
    const rgb = Buffer.alloc(33 * 40 * 3);
    for (let i = 0; i < rgb.length; i++) rgb[i] = (i * 7919) % 251;
    const raw = sharp(rgb, { raw: { width: 33, height: 40, channels: 3 } });
    const made = await makeFolder({ 'odd.png': await raw.png().toBuffer() });
    const { set } = await loadPictures(made);
    const [fine, coarse] = set.pictures[0].levels;
    expect(coarse).toMatchObject({ width: 16, height: 20 });
    const mean = (level: typeof fine): number =>
      set.bytes
        .subarray(level.offset, level.offset + level.width * level.height * 3)
        .reduce((sum, value) => sum + value, 0) /
      (level.width * level.height * 3);
    expect(mean(coarse)).toBeCloseTo(mean(fine), 0);
    // The span of the first output pixel is 2 1/16 pixels wide and 2 high.
    const value = (x: number, y: number): number => rgb[(y * 33 + x) * 3];
    const expected =
      [0, 1].reduce((sum, y) => sum + value(0, y) + value(1, y) + value(2, y) / 16, 0) / (2 * (2 + 1 / 16));
    expect(set.bytes[coarse.offset]).toBe(Math.round(expected));
  });

  test('a missing folder, an empty one and one without a usable picture are refused with the remedy', async () => {
    const empty = await makeFolder({ 'readme.md': 'nothing here' });
    const hopeless = await makeFolder({ 'a.jpg': 'x', 'b.png': await solid(8, 8, 'red').png().toBuffer() });
    const attempts: [string, RegExp][] = [
      [folder('missing'), /cannot be read.*Pass an existing folder/],
      [empty, /holds no pictures.*Pass a folder with pictures/],
      [hopeless, /None of the 2 pictures.*Pass readable pictures/],
    ];
    for (const [where, message] of attempts) {
      const failure = loadPictures(where);
      await expect(failure).rejects.toThrow(InputError);
      await expect(failure).rejects.toThrow(message);
    }
  });
});
