/** Files and options that the worker reads: where one is refused, `faults.ts` is fetched and says why. */
import { DveError, firstLine, ModelError } from '../errors.ts';
import { checkLandmarkSet, parseTrackedSet } from '../landmarks/landmark-set.ts';
import { checkSmootherOptions } from '../landmarks/smoother-check.ts';
import { checkFile, parseManifest, type ManifestFile } from '../model/manifest.ts';
import { fetchModelFile, type ModelUrls } from '../model/model-web.ts';
import type { PartUrls } from './part-urls.ts';
import { loadPart } from './parts.ts';

const readers = { checkFile, checkLandmarkSet, checkSmootherOptions, parseTrackedSet, parseManifest };

/**
 * Reads a file of a model, or checks options. The readers here are built without texts; those of `faults.ts` read again what these refuse,
 * and say why.
 * @throws ModelError; InputError for options
 */
export const explained = async <Value>(
  parts: PartUrls,
  read: (by: typeof readers) => Value,
): Promise<Value> => {
  try {
    return read(readers);
  } catch (error) {
    if (!(error instanceof DveError)) throw error;
    const faults = await loadPart(parts, 'faults').catch((missing: unknown) => {
      throw new ModelError(
        `a file of the model, its landmarks or an option cannot be used. Why is not known: ${firstLine(missing)}`,
        { cause: missing },
      );
    });
    return read(faults);
  }
};

/** @throws ModelError when it cannot be fetched, or is not the file that the manifest lists */
export const fetchExplained = (parts: PartUrls, urls: ModelUrls, entry: ManifestFile): Promise<ArrayBuffer> =>
  fetchModelFile(urls, entry, (...given) =>
    explained(parts, (by) => {
      by.checkFile(...given);
    }),
  );
