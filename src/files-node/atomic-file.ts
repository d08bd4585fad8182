import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
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

const temporaryName = (name: string): string => `.${name}.${randomBytes(6).toString('hex')}.tmp`;
const isTemporary = (name: string): boolean => /^\..+\.[0-9a-f]{12}\.tmp$/.test(name);

/**
 * Writes content to disk beside `path` without touching `path`. Missing folders are made.
 * @throws InputError with the remedy when the disk is full or the place cannot be written
 */
export const stageFile = async (path: string, content: string | Uint8Array): Promise<StagedFile> => {
  // Same folder, so that the rename cannot cross a file system; a random part, so that two writers don't meet.
  const temporary = join(dirname(path), temporaryName(basename(path)));
  const discard = () => rm(temporary, { force: true });
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(content);
      // Without it a power cut after the rename may leave an empty file under the good name.
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await discard().catch(() => undefined);
    throw explain(error, path);
  }
  return {
    discard,
    commit: async () => {
      try {
        await rename(temporary, path);
      } catch (error) {
        await discard().catch(() => undefined);
        throw explain(error, path);
      }
    },
  };
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
