import { mkdir, open, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { isAlive } from './atomic-file.ts';

/** Name of the file that says who works in a folder. */
export const lockName = '.dve.lock';

type Owner = { pid: number; host: string };

const readOwner = async (path: string): Promise<Owner | undefined> => {
  try {
    const { pid, host } = JSON.parse(await readFile(path, 'utf8')) as Partial<Owner>;
    return typeof pid === 'number' && typeof host === 'string' ? { pid, host } : undefined;
  } catch {
    return undefined;
  }
};

/** Other machines may share the folder; whether their processes live cannot be seen from here. */
const isGone = (owner: Owner | undefined): boolean =>
  owner?.host === hostname() && owner.pid !== process.pid && !isAlive(owner.pid);

const tryLock = async (path: string): Promise<boolean> => {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(JSON.stringify({ pid: process.pid, host: hostname() })).finally(() => file.close());
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
};

/** Moves a dead owner's lock out of the way. By renaming: of two that try at once one finds it gone. */
const removeStale = async (path: string): Promise<void> => {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  await rm(aside, { force: true });
};

/**
 * Makes a folder, and claims it for this process until it is released. A lock of a process that died is taken over.
 * @returns releases it; a folder that was made here and is still empty goes with it
 * @throws InputError where another process works in it
 */
export const lockFolder = async (folder: string): Promise<() => Promise<void>> => {
  const path = join(folder, lockName);
  let made: string | undefined;
  let isLocked: boolean;
  try {
    made = await mkdir(folder, { recursive: true });
    isLocked = await tryLock(path);
    if (!isLocked && isGone(await readOwner(path))) {
      await removeStale(path);
      isLocked = await tryLock(path);
    }
  } catch (error) {
    throw new InputError(
      `${folder} cannot be written (${error instanceof Error ? error.message : String(error)}). Choose a folder that you may write to.`,
      { cause: error },
    );
  }
  if (!isLocked) {
    const owner = await readOwner(path);
    const who = owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`;
    throw new InputError(
      `${who} is working in ${folder}. Wait for it, or choose another folder; if it is gone, remove ${path}.`,
    );
  }
  return async () => {
    await rm(path, { force: true });
    if (made !== undefined) await rmdir(folder).catch(() => undefined);
  };
};
