/** Where the 68 face points are among a result's landmarks. */
import { InputError } from '../errors.ts';
import { ibug68 } from '../landmarks/ibug68.ts';

/**
 * @param names of landmarks, in any order
 * @returns (68) places in `names`, iBUG order
 * @throws InputError that names what is missing
 */
export const placesOfNames = (names: readonly string[]): number[] => {
  const places = ibug68.names.map((name) => names.indexOf(name));
  const missing = ibug68.names.filter((_, i) => places[i] < 0);
  if (missing.length > 0) {
    throw new InputError(
      `The landmarks have no "${missing[0]}"${missing.length > 1 ? ` and ${missing.length - 1} more` : ''} of the 68 face points that a puppet needs. Track with a landmark set that has them, as the package's face model does.`,
    );
  }
  return places;
};
