import { InputError, ModelError } from '../errors.ts';
import { createPuppet, type Puppet, type PuppetOptions } from './puppet.ts';

/** Options of {@link loadPuppet}. */
export type LoadPuppetOptions = PuppetOptions & {
  /** URL of a folder with `face.bin` and `expressions.bin`. Default: the package's own. */ model?:
    string | URL;
};

/** Bundlers look for exactly this form: written out whole, for the built package. */
const ownFiles = (): { face: string; expressions: string } => ({
  face: new URL('../models/face/face.bin', import.meta.url).href,
  expressions: new URL('../models/face/expressions.bin', import.meta.url).href,
});

const filesIn = (folder: string | URL): { face: string; expressions: string } => {
  const url = new URL(folder, globalThis.location.href);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return { face: new URL('face.bin', url).href, expressions: new URL('expressions.bin', url).href };
};

const fetchFile = async (url: string): Promise<ArrayBuffer> => {
  if (url.startsWith('file:')) {
    throw new InputError(
      `loadPuppet() fetches ${url}, which Node does not. Read face.bin and expressions.bin and pass them to createPuppet().`,
    );
  }
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new ModelError(
      `${url} cannot be fetched. Serve the package's models folder beside its dist folder.`,
      {
        cause: error,
      },
    );
  }
  if (!response.ok) {
    throw new ModelError(
      `${url} answered HTTP ${response.status}. Serve the package's models folder beside its dist folder.`,
    );
  }
  return response.arrayBuffer();
};

/**
 * Fetches the puppet's two files (about 415 KB) and makes a puppet of them, in a page.
 * @throws ModelError where a file cannot be fetched or is none; InputError for options that do not exist or fit
 */
export const loadPuppet = async ({ model, ...options }: LoadPuppetOptions = {}): Promise<Puppet> => {
  const urls = model === undefined ? ownFiles() : filesIn(model);
  const [face, expressions] = await Promise.all([fetchFile(urls.face), fetchFile(urls.expressions)]);
  return createPuppet({ face, expressions }, options);
};
