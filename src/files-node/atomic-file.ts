import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { appendFile, mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../errors.ts';

/** A file that is complete on disk under a temporary name, and becomes `path` by {@link StagedFile.commit}. */
export type StagedFile = {
  /** Puts the content in place of whatever is at `path`, at once. */ commit(): Promise<void>;
  /** Throws the content away; `path` stays as it is. */ discard(): Promise<void>;
};

const remedies: Record<string, string> = {
  ENOSPC: 'The disk is full: free some space and try again',
  EFBIG: 'The file would be larger than this system lets files be: raise the limit (ulimit -f) and try again',
  EDQUOT: 'The disk quota is used up: free some space and try again',
  EACCES: 'Permission denied: choose a folder that you may write to',
  EPERM: 'Permission denied: choose a folder that you may write to',
  EROFS: 'The disk is read-only: choose a folder that you may write to',
  EISDIR: 'A folder of that name is in the way: choose another name',
  ENOTDIR: 'A file is in the way of its folder: choose another name',
  EEXIST: 'A file is in the way of its folder: choose another name',
};

/** The failure in one line with its remedy; errors that are not the file system's come back unchanged. */
const explain = (error: unknown, path: string): unknown => {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  const remedy = remedies[error.code] ?? error.message;
  return new InputError(`cannot write ${path} (${error.code}). ${remedy}.`, { cause: error });
};

// The process says whose it is: what a dead one left can go.
const temporaryName = (name: string): string =>
  `.${name}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
const isTemporary = (name: string): boolean => /^\..+\.[0-9a-f]{12}\.tmp$/.test(name);

/** Whether a process of this machine is still there. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
};

/** Temporary files of this process that are not in place yet. */
const unfinished = new Set<string>();

/** Removes what this process was writing, at once: for a process that is about to end. */
export const removeUnfinished = (): void => {
  for (const path of unfinished) rmSync(path, { force: true });
  unfinished.clear();
};

/** Removes what writers of `path` that were killed have left beside it. */
const removeLeftovers = async (path: string): Promise<void> => {
  const start = `.${basename(path)}.`;
  for (const name of (await readdir(dirname(path))).filter(isTemporary)) {
    const [pid, ...rest] = name.startsWith(start) ? name.slice(start.length).split('.') : [];
    if (rest.length !== 2 || !/^\d+$/.test(pid) || isAlive(Number(pid))) continue;
    await rm(join(dirname(path), name), { force: true });
  }
};

/** A file that is being written under a temporary name. */
export type OutputFile = StagedFile & {
  /** Its path until it is committed, for others that write it. */ temporary: string;
  /** Adds to its end. @throws InputError with the remedy when the disk is full */
  write(content: string | Uint8Array): Promise<void>;
  /** Makes sure that what was written is on the disk. @throws as `write` does */
  sync(): Promise<void>;
};

/**
 * Opens a file that is written piece by piece: `path` stays as it is until all is there. Missing folders are made.
 * @throws InputError with the remedy when the place cannot be written
 */
export const openOutput = async (path: string): Promise<OutputFile> => {
  // Same folder, so that the rename cannot cross a file system; a random part, so that two writers don't meet.
  const temporary = join(dirname(path), temporaryName(basename(path)));
  let file: FileHandle | undefined;
  const discard = async (): Promise<void> => {
    await file?.close().catch(() => undefined);
    file = undefined;
    await rm(temporary, { force: true });
    unfinished.delete(temporary);
  };
  /** Whatever fails takes the temporary file with it. */
  const orDiscard = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      await discard().catch(() => undefined);
      throw explain(error, path);
    }
  };
  await orDiscard(async () => {
    await mkdir(dirname(path), { recursive: true });
    await removeLeftovers(path);
    // Told before anything is worked out, not when it is to be put there.
    if ((await stat(path).catch(() => undefined))?.isDirectory() === true) {
      throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
    }
    unfinished.add(temporary);
    file = await open(temporary, 'wx');
  });
  return {
    temporary,
    discard,
    write: (content) => orDiscard(async () => file?.writeFile(content)),
    sync: () => orDiscard(async () => file?.sync()),
    commit: () =>
      orDiscard(async () => {
        // Without it a power cut after the rename may leave an empty file under the good name.
        await file?.sync();
        await file?.close();
        file = undefined;
        await rename(temporary, path);
        unfinished.delete(temporary);
      }),
  };
};

/**
 * Writes content to disk beside `path` without touching `path`. Missing folders are made.
 * @throws InputError with the remedy when the disk is full or the place cannot be written
 */
export const stageFile = async (path: string, content: string | Uint8Array): Promise<StagedFile> => {
  const output = await openOutput(path);
  await output.write(content);
  await output.sync();
  return output;
};

/**
 * Writes a file so that `path` holds either the old content or all of the new one, whatever happens.
 * @throws InputError with the remedy when the disk is full or the place cannot be written
 */
export const writeFileAtomic = async (path: string, content: string | Uint8Array): Promise<void> => {
  const staged = await stageFile(path, content);
  await staged.commit();
};

/**
 * Adds to the end of a file; it is made when missing. Killed meanwhile, the last line may be cut off.
 * @throws InputError with the remedy when the disk is full or the place cannot be written
 */
export const appendToFile = async (path: string, content: string): Promise<void> => {
  try {
    await appendFile(path, content);
  } catch (error) {
    throw explain(error, path);
  }
};

/**
 * Makes a folder, and removes what writers that were killed left in it: their content never became a file.
 * Nobody else may be writing into the folder.
 * @throws InputError with the remedy when the folder cannot be made
 */
export const prepareFolder = async (folder: string): Promise<void> => {
  try {
    await mkdir(folder, { recursive: true });
    const left = (await readdir(folder)).filter(isTemporary);
    await Promise.all(left.map((name) => rm(join(folder, name), { force: true })));
  } catch (error) {
    throw explain(error, folder);
  }
};
