import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPointsFile } from '../../src/cli/read-points.ts';
import { InputError } from '../../src/errors.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dve-read-json-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test('a file of points that begins with a byte order mark is read like another', async () => {
  const landmarks = Array.from({ length: 68 }, (_, i) => [i, i + 1]);
  const content = JSON.stringify({ items: [{ image: 'a.png', landmarks }] });
  const marked = join(root, 'marked.json');
  await writeFile(marked, `\uFEFF${content}`);
  const { pictures } = await readPointsFile(marked);
  expect(pictures.map(({ picture }) => picture)).toEqual(['a.png']);
  expect(pictures[0].points({ width: 100, height: 100 })[3]).toEqual({ x: 3, y: 4 });
});

test('a file that is no JSON, or none at all, is refused in one line that names file, reason and remedy', async () => {
  const broken = join(root, 'broken.json');
  await writeFile(broken, '{ "items": [ }');
  for (const [path, reason] of [
    [broken, 'token'],
    [join(root, 'nowhere.json'), 'ENOENT'],
  ] as const) {
    const error: unknown = await readPointsFile(path).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    const { message } = error as InputError;
    expect(message).not.toContain('\n');
    for (const part of [path, reason, 'Give a file with annotated points.']) expect(message).toContain(part);
  }
});
