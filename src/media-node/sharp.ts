import { InputError } from '../errors.ts';

/**
 * Loads the package sharp, which users install where they need it.
 * @param purpose what needs it, as the error begins: `--overlay`, `Decoding pictures`
 * @throws InputError where it is not installed or does not load
 */
export const loadSharp = async (purpose: string) => {
  try {
    return (await import('sharp')).default;
  } catch (error) {
    throw new InputError(
      `${purpose} needs the package "sharp", which is not installed. Run "npm install sharp".`,
      { cause: error },
    );
  }
};
