/** What `dve track --puppet` measures with. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, firstLine } from '../errors.ts';
import type { PuppetResults } from '../pipeline/puppet-rows.ts';
import { createPuppet, type Puppet, type PuppetInput, type PuppetOptions } from '../puppet/puppet.ts';

/** The puppets of a video. */
export type Puppets = {
  /** Expressions that are always 0. */ unsupported: Puppet['unsupported'];
  update: (input: PuppetInput) => PuppetResults;
};

/**
 * The puppets of a model directory: one for each object, or one for the only one, whatever id it has.
 * @param objects at once, at most
 * @throws InputError where the directory has no puppet
 */
export const readPuppets = async (
  model: string,
  objects: number,
  options: PuppetOptions,
): Promise<Puppets> => {
  const read = async (name: string): Promise<Uint8Array> => {
    try {
      return await readFile(join(model, name));
    } catch (error) {
      throw new InputError(
        `${join(model, name)} cannot be read (${firstLine(error)}), and --puppet needs it. Use the package's face model, or put its face.bin and expressions.bin there.`,
      );
    }
  };
  const files = { face: await read('face.bin'), expressions: await read('expressions.bin') };
  const first = createPuppet(files, options);
  const puppets = new Map<number, Puppet>();
  const puppetOf = (id: number): Puppet => {
    const known =
      puppets.get(id) ?? (objects === 1 || puppets.size === 0 ? first : createPuppet(files, options));
    puppets.set(id, known);
    return known;
  };
  return {
    unsupported: first.unsupported,
    update: (input) => {
      const seen = input.objects.map(({ id }) => {
        const puppet = puppetOf(id);
        return [id, objects === 1 ? puppet.update(input) : puppet.update(input, id)] as const;
      });
      return new Map(seen);
    },
  };
};
