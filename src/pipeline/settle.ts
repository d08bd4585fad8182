import type { Roi } from '../geometry/roi.ts';
import type { Look } from './look.ts';
import { isSettled, roiOfShape } from './roi-of-shape.ts';

/** Looks that a finder's square gets to settle on the object. */
const maxLooks = 3;

/** Looks until the square fits: a finder (a detector of boxes, say) need not know what the tracker calls a ROI. */
export const settle = async <Seen extends Look>(
  start: Roi,
  lookThrough: (roi: Roi) => Promise<Seen>,
): Promise<Seen> => {
  let look = await lookThrough(start);
  for (let looks = 1; looks < maxLooks && look.fit !== undefined; looks++) {
    const implied = roiOfShape(look.fit.transform);
    if (isSettled(look.roi, implied)) break;
    look = await lookThrough(implied);
  }
  return look;
};
