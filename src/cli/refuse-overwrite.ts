import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InputError } from '../errors.ts';

/** Whether two paths lead to the same file, by whatever links and spelling. */
const isSameFile = async (one: string, other: string): Promise<boolean> => {
  if (resolve(one) === resolve(other)) return true;
  const [first, second] = await Promise.all(
    [one, other].map((path) => stat(path, { bigint: true }).catch(() => undefined)),
  );
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
};

/**
 * Refuses to write over what a command reads, or two files into one.
 * @param outputs paths by the option that names them; undefined for those that are not given
 * @param inputs paths of everything that is read
 * @throws InputError that names both
 */
export const refuseOverwrite = async (
  outputs: Readonly<Record<string, string | undefined>>,
  inputs: readonly string[],
): Promise<void> => {
  const taken = [...inputs];
  for (const [option, output] of Object.entries(outputs)) {
    if (output === undefined) continue;
    for (const path of taken) {
      if (!(await isSameFile(output, path))) continue;
      throw new InputError(
        `--${option} ${output} would overwrite ${path}, which this command reads or writes itself. Give another name.`,
      );
    }
    taken.push(output);
  }
};
