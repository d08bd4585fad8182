/** HDF5 files, by the optional peer h5wasm. */
import { InputError } from '../../errors.ts';

/** @throws InputError where h5wasm is not installed */
export const loadHdf5 = async () => {
  try {
    const { default: library } = await import('h5wasm/node');
    await library.ready;
    return library;
  } catch (error) {
    throw new InputError(
      'HDF5 files need the package "h5wasm", which is not installed. Run "npm install h5wasm".',
      { cause: error },
    );
  }
};

/** Strings of a dataset or attribute, whichever way they are stored. */
export const textsOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).map((text) => String(text).replace(/\0+$/, ''));
