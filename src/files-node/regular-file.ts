import { stat } from 'node:fs/promises';
import { InputError } from '../errors.ts';

/**
 * Makes sure that a path is a file that ends: reading a pipe or a device can wait for ever.
 * @param path of what exists or not; what is not there is left to whoever opens it
 * @throws InputError that names it
 */
export const requireRegularFile = async (path: string): Promise<void> => {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.isFile()) return;
  throw new InputError(`${path} is no regular file (a pipe, device or folder). Give a file.`);
};
