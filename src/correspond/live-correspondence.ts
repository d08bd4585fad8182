/** A reference picture matched again and again, with what a tracker has just seen. */
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { toEmbeddingMap } from '../landmarks/matching.ts';
import type { Model } from '../model/model.ts';
import { cropToTensor } from '../pipeline/crop.ts';
import type { SeenSquare } from '../pipeline/frame-steps.ts';
import {
  checkCorrespondOptions,
  locateSide,
  type CorrespondOptions,
  type PictureSide,
} from './correspond-pictures.ts';
import {
  correspondSquares,
  embedSquare,
  type Correspondence,
  type EmbeddedSquare,
} from './correspondence.ts';

/** Options of a live correspondence: as in {@link CorrespondOptions}. */
export type LiveOptions = Pick<CorrespondOptions, 'tolerance' | 'roughness'>;

/** Where each place of the reference is on one object of a frame. */
export type LiveField = {
  /** The object's, as in the frame's result. */ id: number;
  /** Of the frame, seconds. */ timestamp: number;
  /** From the reference to the frame, image pixels. */ field: Correspondence;
};

/** A reference picture, embedded once. */
export type LiveReference = { square: EmbeddedSquare; options: LiveOptions };

/**
 * @param landmarkSet by which the object is found in the reference where no ROI is given
 * @throws InputError for options that make no sense, and where no object is found
 */
export const embedReference = async (
  model: Model,
  landmarkSet: LandmarkSet | undefined,
  reference: PictureSide,
  options: LiveOptions,
): Promise<LiveReference> => {
  checkCorrespondOptions(options);
  const roi = await locateSide(model, reference, landmarkSet, 'reference');
  const crop = cropToTensor(reference.image, roi, model.manifest.inputSize);
  return { square: await embedSquare(model, crop, roi), options };
};

/** Matches the reference with every object that was seen: no run of the network. */
export const liveFields = (
  { square, options }: LiveReference,
  seen: readonly SeenSquare[],
  { manifest }: Pick<Model, 'manifest'>,
): LiveField[] =>
  seen.map(({ id, timestamp, roi, embedding }) => ({
    ...{ id, timestamp },
    field: correspondSquares(square, [{ roi, map: toEmbeddingMap(manifest, embedding) }], {
      ...options,
      temperature: manifest.temperature,
    }),
  }));
