import { ModelError } from '../errors.ts';
import type { Roi } from '../geometry/roi.ts';
import { median, spread } from '../geometry/statistics.ts';
import { soughtReferences } from '../landmarks/anchors.ts';
import type { EvidenceLevels, LandmarkSet } from '../landmarks/landmark-set.ts';
import type { Model } from '../model/model.ts';
import { cropToTensor, type PixelImage } from '../pipeline/crop.ts';
import { lookFromMatches } from '../pipeline/look.ts';

/** A picture and the upright ROI of the object in it. */
export type LocatedPicture = { image: PixelImage; roi: Roi };

/** How a tracker may see the object: its ROI itself, and squares that are off as far as a tracker's may be. */
const objectPoses = ({ center, size, rotation }: Roi): Roi[] => [
  { center, size, rotation },
  { center, size, rotation: rotation + 0.35 },
  { center, size: 1.3 * size, rotation: rotation - 0.35 },
  { center, size: 0.8 * size, rotation },
];

/** What may resemble the object without being it: parts of it, and itself lying on its side or on its head. */
const otherPoses = ({ center, size, rotation }: Roi): Roi[] => [
  { center, size, rotation: rotation + Math.PI },
  { center, size, rotation: rotation + Math.PI / 2 },
  { center, size, rotation: rotation - Math.PI / 2 },
  { center, size: 0.3 * size, rotation },
  { center: { x: center.x - 0.2 * size, y: center.y + 0.1 * size }, size: 0.35 * size, rotation },
  { center: { x: center.x + 0.2 * size, y: center.y + 0.1 * size }, size: 0.35 * size, rotation },
];

/** The same for what bends, which may lie on its side, and whose parts are itself: what is beside it, and specks of it. */
const besidePoses = ({ center: { x, y }, size, rotation }: Roi): Roi[] => [
  ...[-0.8, 0.8].flatMap((shift): Roi[] => [
    { center: { x: x + shift * size, y }, size: size / 2, rotation },
    { center: { x, y: y + shift * size }, size: size / 2, rotation },
  ]),
  { center: { x: x - 0.2 * size, y: y + 0.1 * size }, size: 0.12 * size, rotation },
  { center: { x: x + 0.2 * size, y: y - 0.1 * size }, size: 0.12 * size, rotation },
];

/** Below this difference a tracker could not tell the object from anything else. */
const leastContrast = 1;
/** Medians over more pictures than these tell nothing new. */
const enoughPictures = 100;

/**
 * Measures what a network's matches with some references look like on the object and elsewhere: the medians over the
 * pictures of the mean log-odds of the confidences.
 * @param set what is matched, and whether it bends
 * @throws ModelError where the network hardly tells the two apart
 */
export const measureEvidence = async (
  session: Model,
  set: Pick<LandmarkSet, 'meanShape' | 'references' | 'parts'>,
  pictures: readonly LocatedPicture[],
): Promise<EvidenceLevels> => {
  const { inputSize } = session.manifest;
  const references = soughtReferences(set);
  // On a scale from 0 to 1 the evidence of a look is the mean log-odds.
  const plain = {
    meanShape: set.meanShape,
    evidence: { object: 1, background: 0 },
    ...(set.parts && { parts: set.parts }),
  };
  const evidenceOf = async (image: PixelImage, roi: Roi): Promise<number> => {
    const matches = await session.match(cropToTensor(image, roi, inputSize), references);
    return lookFromMatches(matches, roi, plain, inputSize).evidence;
  };
  const level = async (posesOf: (roi: Roi) => Roi[]): Promise<number> => {
    const values: number[] = [];
    for (const { image, roi } of spread(pictures, enoughPictures)) {
      for (const pose of posesOf(roi)) values.push(await evidenceOf(image, pose));
    }
    return median(values);
  };
  const object = await level(objectPoses);
  const background = await level(set.parts === undefined ? otherPoses : besidePoses);
  if (object - background < leastContrast) {
    throw new ModelError(
      `the network hardly tells the annotated object from anything else (evidence ${object.toFixed(2)} on it, ${background.toFixed(2)} elsewhere). Train it longer, or check the annotations.`,
    );
  }
  return { object, background };
};
