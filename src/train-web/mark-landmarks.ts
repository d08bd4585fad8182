/** Landmarks from points that were marked on a picture or a few. */
import { InputError } from '../errors.ts';
import type { Point } from '../geometry/coordinates.ts';
import { imageToCrop, type Roi } from '../geometry/roi.ts';
import { fitSimilarity } from '../geometry/similarity.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { meanShapeOf } from '../landmark-maker/mean-shape.ts';
import { averageViews, type ReferenceView } from '../landmark-maker/reference-builder.ts';
import type { ModelSession } from '../model/session.ts';
import { cropToTensor, type PixelImage } from '../pipeline/crop.ts';
import { measureEvidence } from '../landmark-maker/evidence-levels.ts';
import { roiOfShape } from '../pipeline/roi-of-shape.ts';
import type { TrainingConfig } from '../train/settings/config.ts';
import { rgbOf } from './decode-pictures.ts';
import type { MarkedLandmarks } from './messages.ts';

/** With fewer points neither the size nor the direction of the object can be told from its matches. */
export const leastLandmarks = 3;

/** How each picture is looked at: as the tracker will, and as far off as its square is now and then. */
const poses: readonly { scale: number; rotation: number }[] = [
  { scale: 1, rotation: 0 },
  { scale: 0.85, rotation: 0.12 },
  { scale: 1.18, rotation: -0.12 },
];

const boxSide = (points: readonly Point[]): number => {
  const extent = (values: number[]): number => Math.max(...values) - Math.min(...values);
  return Math.max(extent(points.map(({ x }) => x)), extent(points.map(({ y }) => y)));
};

/** @throws InputError for names, points or lines that do not belong together */
export const checkMarks = ({ pictures, names, connections }: MarkedLandmarks): void => {
  if (names.length < leastLandmarks || new Set(names).size < names.length || names.includes('')) {
    throw new InputError(
      `landmarks have ${names.length} names. Give ${leastLandmarks} or more, all different and none empty.`,
    );
  }
  if (pictures.length === 0) throw new InputError('landmarks have no pictures. Mark them on one at least.');
  for (const { points } of pictures) {
    if (points.length !== names.length) {
      throw new InputError(
        `a picture has ${points.length} points but there are ${names.length} names. Give one point a name.`,
      );
    }
    if (!(boxSide(points) > 0)) {
      throw new InputError('the points of a picture lie in one place. Mark them apart from each other.');
    }
  }
  if (!connections.flat().every((index) => Number.isInteger(index) && index >= 0 && index < names.length)) {
    throw new InputError(`connections go beyond the ${names.length} names. Give pairs of indices of names.`);
  }
};

/**
 * References are embeddings at the marked points. Marks may lie close together: the tracker's square is as large as what
 * training showed the network, or larger.
 * @throws InputError for marks that do not belong together; ModelError where the network does not recognise them
 */
export const markLandmarks = async (
  marks: MarkedLandmarks,
  session: ModelSession,
  { batch }: TrainingConfig,
): Promise<LandmarkSet> => {
  checkMarks(marks);
  const { pictures, names, connections } = marks;
  const { inputSize, stride, embeddingSize, category, cropMargin } = session.manifest;
  const images = pictures.map(({ picture }): PixelImage => {
    const { width, height } = picture;
    return { data: rgbOf(picture), width, height, channels: 3 };
  });
  const margins = pictures.map(({ points }, i) => {
    const shown = batch.base.side * Math.min(images[i].width, images[i].height);
    return Math.max(cropMargin, shown / boxSide(points));
  });
  const margin = margins.reduce((sum, value) => sum + value, 0) / margins.length;
  const meanShape = meanShapeOf(
    pictures.map(({ points }) => points),
    margin,
  );
  const located = pictures.map(({ points }, i) => ({
    image: images[i],
    roi: roiOfShape(fitSimilarity(meanShape, points)),
  }));
  const views: ReferenceView[] = [];
  for (const [i, { image, roi }] of located.entries()) {
    for (const { scale, rotation } of poses) {
      const posed: Roi = { ...roi, size: roi.size * scale, rotation: roi.rotation + rotation };
      const data = await session.embed(cropToTensor(image, posed, inputSize));
      const side = inputSize / stride;
      views.push({
        map: { data, channels: embeddingSize, height: side, width: side, stride },
        points: pictures[i].points.map((point) => imageToCrop(point, posed, inputSize)),
      });
    }
  }
  const references = averageViews(
    views,
    views.map(() => names.map(() => true)),
  );
  const evidence = await measureEvidence(session, references, located);
  return {
    ...{ category, embeddingSize, names, connections, meanShape, references, evidence },
    mirrorPairs: [],
  };
};
