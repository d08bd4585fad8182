import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import sharp from 'sharp';
import { readLabels } from '../../src/cli/read-labels.ts';
import { readAnnotatedPictures } from '../../src/cli/read-pictures.ts';
import { readPointsFile } from '../../src/cli/read-points.ts';
import { readLandmarkSet } from '../../src/cli/track-input.ts';
import { InputError } from '../../src/errors.ts';
import { fileInFolder, indexOfName } from '../../src/files-node/file-in-folder.ts';
import { serializeLandmarkSet } from '../../src/landmarks/landmark-set.ts';
import { loadPictures } from '../../src/media-node/load-pictures.ts';
import { readModelDirectory } from '../../src/model/model-directory-node.ts';
import { blobLandmarks, writeBlobModel } from '../fixtures/blob-model.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dve-annotated-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const refusal = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InputError);
  return (error as InputError).message;
};

describe('names of landmarks', () => {
  test.each([
    ['given twice', ['nose', 'tail', 'nose'], '"nose" twice'],
    ['empty', ['nose', ''], 'an empty name'],
  ])('that are %s are refused when the file is read', async (_, names, reason) => {
    const path = join(root, 'names.json');
    const points = names.map(() => [0.5, 0.5]);
    await writeFile(path, JSON.stringify({ names, annotations: [{ picture: 'a.png', frame: 0, points }] }));
    const message = `${path}: "names" has ${reason}. Give each landmark a name of its own.`;
    expect(await refusal(readPointsFile(path))).toBe(message);
    expect(await refusal(readLabels(path, { size: { width: 10, height: 10 } }))).toBe(message);
  });
});

test('a byte order mark does no harm to a landmark set or a manifest', async () => {
  const set = join(root, 'set.json');
  await writeFile(set, `\uFEFF${serializeLandmarkSet(blobLandmarks)}`);
  expect((await readLandmarkSet(set, '')).names).toEqual(blobLandmarks.names);
  const model = join(root, 'model');
  await writeBlobModel(model);
  const manifest = join(model, 'manifest.json');
  await writeFile(manifest, `\uFEFF${await readFile(manifest, 'utf8')}`);
  expect((await readModelDirectory(model)).manifest.category).toBe('blobs');
});

describe('names of files', () => {
  const [composed, decomposed] = ['caf\u00e9.png', 'cafe\u0301.png'];

  test.each([
    [composed, decomposed],
    [decomposed, composed],
  ])('meet, whichever way their accents are spelt', async (written, asked) => {
    const folder = await mkdtemp(join(root, 'names-'));
    await sharp({ create: { width: 40, height: 40, channels: 3, background: 'red' } })
      .png()
      .toFile(join(folder, written));
    expect(await fileInFolder(folder, asked)).toBe(join(folder, written));
    const pictures = [{ picture: asked, points: () => [{ x: 1, y: 2 }] }];
    const read = await readAnnotatedPictures(folder, pictures, { onSkip: () => undefined });
    expect(read.map(({ name, points }) => [name, points])).toEqual([[asked, [{ x: 1, y: 2 }]]]);
  });

  test('that are there as they are asked for win over others', () => {
    expect(indexOfName([decomposed, composed], composed)).toBe(1);
    expect(indexOfName([decomposed], composed)).toBe(0);
    expect(indexOfName([decomposed], 'tea.png')).toBe(-1);
  });
});

test('pictures whose format cannot be read are told in one line, with how many and what to do', async () => {
  const folder = join(root, 'mixed');
  await mkdir(folder);
  for (const name of ['a.bmp', 'b.BMP', 'c.heic', 'notes.txt']) await writeFile(join(folder, name), 'x');
  const picture = sharp({ create: { width: 40, height: 40, channels: 3, background: 'red' } });
  await picture.clone().png().toFile(join(folder, 'd.png'));
  await writeFile(join(folder, 'e.jfif'), await picture.clone().jpeg().toBuffer());
  const told: [string, number | undefined][] = [];
  const { set, skipped } = await loadPictures(folder, {
    onSkip: (_, message, count) => told.push([message, count]),
  });
  expect(set.pictures.map(({ file }) => file)).toEqual(['d.png', 'e.jfif']);
  expect(skipped).toBe(3);
  expect(told).toEqual([
    [`3 files in ${folder} (2 .bmp, 1 .heic) cannot be read: convert to .png or .jpg; skipped.`, 3],
  ]);
});
