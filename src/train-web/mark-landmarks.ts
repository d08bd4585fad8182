/** Landmarks from points that were marked on a picture or a few. */
import { buildLandmarkSet } from '../landmark-maker/build-landmark-set.ts';
import type { Model } from '../model/model.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { shapeExtent } from '../landmarks/shape-fit.ts';
import type { PixelImage } from '../pipeline/crop.ts';
import type { TrainingConfig } from '../train/settings/config.ts';
import { rgbOf } from './decode-pictures.ts';
import type { MarkedLandmarks } from './messages.ts';

/**
 * Marks may lie close together: the tracker's square is as large as what training showed the network, or larger.
 * @throws InputError for marks that do not belong together; ModelError where the network does not recognise them
 */
export const markLandmarks = async (
  { pictures: marked, names, connections }: MarkedLandmarks,
  session: Model,
  { batch }: TrainingConfig,
): Promise<LandmarkSet> => {
  const pictures = marked.map(({ picture, points }) => {
    const { width, height } = picture;
    const image: PixelImage = { data: rgbOf(picture), width, height, channels: 3 };
    return { image, points };
  });
  const margins = pictures.map(({ image: { width, height }, points }) => {
    const shown = batch.base.side * Math.min(width, height);
    return Math.max(session.manifest.cropMargin, shown / shapeExtent(points));
  });
  const margin = margins.reduce((sum, value) => sum + value, 0) / margins.length;
  const { set } = await buildLandmarkSet({ pictures, names, connections }, { session, margin });
  return set;
};
