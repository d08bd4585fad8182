/** Options of the smoother as users give them. */
import { InputError, shownValue } from '../errors.ts';
import type { OneEuroOptions } from './one-euro-filter.ts';
import { defaultSmoothing, type SmootherOptions } from './smoother-options.ts';

/** @throws InputError for an option that does not exist or a number that is not usable */
export const checkSmootherOptions = (options: SmootherOptions): OneEuroOptions => {
  // From callers without types.
  if (typeof options !== 'object' || (options as object | null) === null) {
    throw new InputError(
      `smoothing is ${shownValue(options)}. Pass settings such as { beta: 50 }, or false.`,
    );
  }
  for (const [key, value] of Object.entries(options)) {
    if (!(key in defaultSmoothing)) {
      throw new InputError(
        `The smoother has no option "${key}". Its options are ${Object.keys(defaultSmoothing).join(', ')}.`,
      );
    }
    if (!Number.isFinite(value) || value < 0 || (value === 0 && key.endsWith('Cutoff'))) {
      throw new InputError(`The smoother's ${key} is ${value}. Pass a number above 0.`);
    }
  }
  return { ...defaultSmoothing, ...options };
};
