import { DeviceError, firstLine } from '../errors.ts';

export const distRemedy =
  "Serve the files of dve-sdk's dist folder together, or say where they are by assetBase.";

/**
 * Loads a script of the package's dist folder when it is needed. A second call for the same URL loads nothing.
 * @param limit seconds after which it is given up
 * @throws DeviceError when it cannot be fetched
 */
export const importFile = async (url: string, limit: number): Promise<unknown> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`it did not come in ${limit} s`));
    }, 1000 * limit);
  });
  try {
    // The URL is known only when running: bundlers treat the file as an asset.
    return await Promise.race<unknown>([import(/* @vite-ignore */ /* webpackIgnore: true */ url), tooLate]);
  } catch (error) {
    throw new DeviceError(`${url} could not be loaded (${firstLine(error)}). ${distRemedy}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
};
