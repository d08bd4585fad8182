import { InputError, shownValue } from './errors.ts';
import type { Roi } from './geometry/roi.ts';

/**
 * Refuses an options object that has a key which nobody reads: a misspelt option must not pass in silence.
 * @param where how the error calls the taker of the options, for example `track()`
 * @throws InputError that names the key and the known ones; for what is no object
 */
export const rejectUnknownKeys = (options: object, known: readonly string[], where: string): void => {
  // From callers without types.
  if (typeof options !== 'object' || (options as object | null) === null) {
    throw new InputError(`${where} got ${shownValue(options)} as options. Pass an object, or leave it out.`);
  }
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new InputError(
    `${where} has no option "${unknown}". Known options: ${known.join(', ')}. Correct it or leave it out.`,
  );
};

/** @throws InputError for a square that is none */
export const checkRoi = ({ center, size, rotation }: Roi, where: string): void => {
  if (size > 0 && [center.x, center.y, size, rotation].every(Number.isFinite)) return;
  throw new InputError(
    `${where}: the roi has centre (${center.x}, ${center.y}), size ${size}, rotation ${rotation}. Pass finite numbers and a size above 0, in image pixels.`,
  );
};
