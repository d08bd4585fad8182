/** Annotated pictures of anything, cut out as the protocols do it. */
import { InputError } from '../errors.ts';
import { protocolRoi } from '../evaluation/annotations.ts';
import type { NamedCrop } from '../evaluation/evaluate-named.ts';
import { markedName } from '../landmarks/points-file.ts';
import { shapeExtent } from '../landmarks/shape-fit.ts';
import { cropToTensor } from '../pipeline/crop.ts';
import type { CropShape } from './model-options.ts';
import { readAnnotatedPictures } from './read-pictures.ts';
import type { ReadPoints } from './read-points.ts';
import type { SkipLog } from './skipped.ts';

/**
 * Cuts out the objects of annotated pictures and frames of videos, by the box of what is visible; a picture that shows
 * fewer than two points apart from each other is left out, with a line.
 * @param shape S, and the side of the square over that of the box
 * @param names (N) the points that are wanted, in their order
 * @throws InputError for a file of other points, and where no picture can be used
 */
export const loadNamedCrops = async (
  folder: string,
  file: ReadPoints,
  { inputSize, margin }: CropShape,
  names: readonly string[],
  { onSkip }: SkipLog,
): Promise<NamedCrop[]> => {
  const places = names.map((name) => file.names.indexOf(name));
  const missing = names.filter((_, n) => places[n] < 0);
  if (missing.length > 0) {
    throw new InputError(
      `the annotations of ${folder} have no ${missing.join(', ')}, which are to be measured. Give pictures with the same names.`,
    );
  }
  const read = await readAnnotatedPictures(folder, file.pictures, {
    onSkip,
    check: ({ name, points }) => {
      const seen = points.filter((point) => point !== null);
      if (seen.length >= 2 && shapeExtent(seen) > 0) return;
      throw new InputError(`${name} shows ${seen.length} points: too few to tell the object's size.`);
    },
  });
  return read.map(({ image, name, frame, points }) => {
    const seen = points.filter((point) => point !== null);
    const [xs, ys] = [seen.map(({ x }) => x), seen.map(({ y }) => y)];
    const roi = protocolRoi(
      { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) },
      margin,
    );
    const picture = markedName(frame === undefined ? { picture: name } : { video: name, frame });
    return {
      ...{ path: `${folder}/${picture}`, roi, points: places.map((place) => points[place]) },
      image: cropToTensor(image, roi, inputSize),
    };
  });
};
