/**
 * Stands in for `pipeline/look-at-parts.ts` in the tracker's worker (`takeParts` in rollup.config.ts): few sets have parts, and
 * theirs is fetched with what carries such landmarks by motion.
 */
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import type * as LookAtParts from '../pipeline/look-at-parts.ts';
import type { PartUrls } from './part-urls.ts';
import { loadPart } from './parts.ts';

let loaded: Pick<typeof LookAtParts, 'lookFromParts' | 'partAgreement'>;

/** Fetches what looks at the set, where it has parts. @throws DeviceError when it cannot be fetched */
export const bringParts = async ({ parts }: LandmarkSet, urls: PartUrls): Promise<void> => {
  if (parts !== undefined) loaded = await loadPart(urls, 'motion');
};

/** @public The build puts it in place of the other one. */
export const lookFromParts: typeof LookAtParts.lookFromParts = (...given) => loaded.lookFromParts(...given);
/** @public The build puts it in place of the other one. */
export const partAgreement: typeof LookAtParts.partAgreement = (residual) => loaded.partAgreement(residual);
