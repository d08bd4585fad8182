import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../errors.ts';

/**
 * Refuses a folder in which a new training would write over another one.
 * @param names files that only a training or a model has
 * @throws InputError that names the first of them that is there
 */
export const refuseOccupied = async (folder: string, names: readonly string[]): Promise<void> => {
  for (const name of names) {
    const isThere = await access(join(folder, name)).then(
      () => true,
      () => false,
    );
    if (!isThere) continue;
    throw new InputError(
      `${folder} holds another training or model already (${name}). Go on with it by --resume, or give another --out.`,
    );
  }
};
