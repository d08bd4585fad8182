import { existsSync } from 'node:fs';
import type * as FilesModule from 'node:fs/promises';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { appendToFile, prepareFolder, writeFileAtomic } from '../../src/files-node/atomic-file.ts';
import {
  readModelDirectory,
  writeModelDirectory,
  writeModelFile,
} from '../../src/model/model-directory-node.ts';
import { gradientManifest } from '../fixtures/gradient-faces.ts';

/** What the disk still takes, bytes; a write beyond it ends half way, as it does on a full disk. */
const disk = vi.hoisted(() => ({ room: Infinity }));

vi.mock('node:fs/promises', async (importOriginal) => {
  const files = await importOriginal<typeof FilesModule>();
  const open: typeof files.open = async (...where) => {
    const handle = await files.open(...where);
    const writeAll = handle.writeFile.bind(handle);
    handle.writeFile = async (content: string | Uint8Array) => {
      const bytes = Buffer.from(content);
      await writeAll(bytes.subarray(0, disk.room));
      disk.room -= Math.min(disk.room, bytes.length);
      if (disk.room > 0) return;
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
    return handle;
  };
  return { ...files, open };
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dve-files-'));
});
afterEach(async () => {
  disk.room = Infinity;
  await rm(folder, { recursive: true, force: true });
});

describe('writing a file atomically', () => {
  test('leaves no temporary file behind, also when it fails', async () => {
    const path = join(folder, 'a', 'b.txt');
    await writeFileAtomic(path, 'one');
    await writeFileAtomic(path, 'two');
    expect(await readFile(path, 'utf8')).toBe('two');
    expect(await readdir(join(folder, 'a'))).toEqual(['b.txt']);

    // The folder of the target is a file: the write cannot succeed.
    const blocked = writeFileAtomic(join(path, 'c.txt'), 'three');
    await expect(blocked).rejects.toBeInstanceOf(InputError);
    await expect(blocked).rejects.toThrow(/cannot write/);
    expect(await readFile(path, 'utf8')).toBe('two');
    expect(await readdir(join(folder, 'a'))).toEqual(['b.txt']);
  });

  test('on a full disk keeps the file that was there and says what to do, in one line', async () => {
    const path = join(folder, 'checkpoint.bin');
    await writeFileAtomic(path, 'the good one');
    disk.room = 5;
    const full = writeFileAtomic(path, 'the next one');
    await expect(full).rejects.toBeInstanceOf(InputError);
    await expect(full).rejects.toThrow(
      /^cannot write .*checkpoint\.bin \(ENOSPC\)\. The disk is full: free some space and try again\.$/,
    );
    expect(await readFile(path, 'utf8')).toBe('the good one');
    expect(await readdir(folder)).toEqual(['checkpoint.bin']);
  });

  test('onto a folder of that name says so', async () => {
    await expect(writeFileAtomic(folder, 'x')).rejects.toThrow(/\(EISDIR\)\. A folder of that name/);
  });

  test.skipIf(!existsSync('/dev/full'))('to the end of one says what a full disk needs, too', async () => {
    const full = appendToFile('/dev/full', '{"step":1}\n');
    await expect(full).rejects.toBeInstanceOf(InputError);
    await expect(full).rejects.toThrow(/cannot write \/dev\/full \(ENOSPC\)\. The disk is full/);
  });
});

describe('a model directory on a full disk', () => {
  const contents = { model: new Uint8Array(1000).fill(1), int8: new Uint8Array(500).fill(2) };

  test.each([10, 999, 1200, 1499, 1510])('stays as it was, with room for %d bytes', async (room) => {
    await writeModelDirectory(folder, gradientManifest, { model: Uint8Array.of(9) });
    const before = await readModelDirectory(folder);
    disk.room = room;
    await expect(writeModelDirectory(folder, gradientManifest, contents)).rejects.toThrow(/The disk is full/);
    expect(await readModelDirectory(folder)).toEqual(before);
    expect((await readdir(folder)).sort()).toEqual(['manifest.json', 'model.onnx']);
    disk.room = room;
    await expect(writeModelFile(folder, 'landmarks', new Uint8Array(2000))).rejects.toThrow(/disk is full/);
    expect(await readModelDirectory(folder)).toEqual(before);
  });
});

describe('preparing a folder', () => {
  test('makes it, and removes what killed writers left in it and nothing else', async () => {
    const made = join(folder, 'a', 'b');
    await prepareFolder(made);
    const kept = ['model.onnx', '.hidden', 'notes.tmp', '.notes.tmp', 'a.0123456789ab.tmp'];
    for (const name of [...kept, '.model.onnx.0123456789ab.tmp']) await writeFile(join(made, name), '');
    await prepareFolder(made);
    expect((await readdir(made)).sort()).toEqual([...kept].sort());
  });

  test('where a file is in the way says so', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(prepareFolder(join(folder, 'file'))).rejects.toThrow(/\(EEXIST\)\. A file is in the way/);
  });
});
