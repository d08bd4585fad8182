/** A reference picture matched again and again, with what a tracker has just seen. */
import { InputError } from '../errors.ts';
import { cellCenter } from '../geometry/coordinates.ts';
import { cropToImage, imageToCrop, type Roi } from '../geometry/roi.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { sampleEmbedding, toEmbeddingMap, type EmbeddingMap } from '../landmarks/matching.ts';
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
  denseMatches,
  embedSquare,
  fieldOf,
  matchPair,
  type Correspondence,
  type EmbeddedSquare,
} from './correspondence.ts';

/**
 * Options of a live correspondence: as in {@link CorrespondOptions}, but of the two it is the reference that is looked at
 * in several resolutions, once, when it is opened: the tracker knows the size of what it follows.
 */
export type LiveOptions = Pick<CorrespondOptions, 'pyramid' | 'tolerance' | 'roughness'>;

/** Where each place of the reference is on one object of a frame. */
export type LiveField = {
  /** The object's, as in the frame's result. */ id: number;
  /** Of the frame, seconds. */ timestamp: number;
  /** From the reference to the frame, image pixels. */ field: Correspondence;
};

/** A reference picture, embedded once. */
export type LiveReference = {
  roi: Roi;
  /** One per resolution, all of them at the cells of the square. */ maps: readonly EmbeddingMap[];
  options: LiveOptions;
};

/** A square's embedding at the cells of another one of the same picture: zeros where it shows nothing of them. */
const atCellsOf = (roi: Roi, { roi: own, map }: EmbeddedSquare): EmbeddingMap => {
  const { channels, width, height, stride } = map;
  const [cells, side] = [width * height, width * stride];
  const data = new Float32Array(channels * cells);
  for (let cell = 0; cell < cells; cell++) {
    const center = cellCenter(cell % width, Math.floor(cell / width), stride);
    const place = imageToCrop(cropToImage(center, roi, side), own, side);
    if (!(place.x >= 0 && place.y >= 0 && place.x <= side && place.y <= side)) continue;
    sampleEmbedding(map, place).forEach((value, c) => {
      data[c * cells + cell] = value;
    });
  }
  return { data, channels, width, height, stride };
};

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
  if ('points' in options) {
    throw new InputError(
      'correspondence() takes no points. Ask followField() where a field takes them, or make them landmarks.',
    );
  }
  const roi = await locateSide(model, reference, landmarkSet, 'reference');
  const maps: EmbeddingMap[] = [];
  for (const level of options.pyramid ?? [1]) {
    const seen = { ...roi, size: roi.size / level };
    const crop = cropToTensor(reference.image, seen, model.manifest.inputSize);
    const square = await embedSquare(model, crop, seen);
    maps.push(level === 1 ? square.map : atCellsOf(roi, square));
  }
  return { roi, maps, options };
};

/** Matches the reference with every object that was seen: no run of the network. */
export const liveFields = (
  { roi: own, maps, options }: LiveReference,
  seen: readonly SeenSquare[],
  { manifest }: Pick<Model, 'manifest'>,
): LiveField[] =>
  seen.map(({ id, timestamp, roi, embedding }) => {
    const to: EmbeddedSquare = { roi, map: toEmbeddingMap(manifest, embedding) };
    const matches = denseMatches(
      { roi: own, map: maps[0] },
      maps.map(() => to),
      [],
      maps.map((map) => matchPair(map, to.map, [], manifest.temperature)),
    );
    return { id, timestamp, field: fieldOf(matches, options) };
  });
