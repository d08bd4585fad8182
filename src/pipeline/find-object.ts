import type { Roi } from '../geometry/roi.ts';
import { Localizer } from './localizer.ts';
import { lookAt, type Look, type LookOptions } from './look.ts';
import { isSettled, roiOfShape } from './roi-of-shape.ts';

export type FindOptions<Frame, Input> = LookOptions<Frame, Input> & {
  /** Runs of the network after which the search is given up. Default 150: all but the smallest objects. */
  mostRuns?: number;
  /** A square to look at first, image pixels. */ near?: Roi;
};

const runsPerStep = 6;
/** Looks that a find gets to settle on the object. */
const settlingLooks = 3;
/** Evidence (see `Look`) that the settled look must show; the object itself has 1, other things 0. */
const leastEvidence = 0.6;

/**
 * Finds the object in one picture, in one go.
 * @returns its upright ROI, image pixels, or undefined where there is none
 */
export const findObject = async <Frame, Input>(
  frame: Frame,
  { mostRuns = 150, near, ...options }: FindOptions<Frame, Input>,
): Promise<Roi | undefined> => {
  const size = options.cropper.frameSize(frame);
  const localizer = new Localizer(options);
  if (near !== undefined) localizer.lookNear(near);
  for (let runs = 0; runs < mostRuns; runs += runsPerStep) {
    const found = await localizer.step(frame, size, [], runsPerStep);
    if (found === undefined) continue;
    let roi = found;
    let look: Look | undefined;
    for (let looks = 0; looks < settlingLooks; looks++) {
      [look] = await lookAt(frame, [roi], options);
      if (look.fit === undefined) break;
      const implied = roiOfShape(look.fit.transform);
      const settled = isSettled(roi, implied);
      roi = implied;
      if (settled) break;
    }
    if (look?.fit !== undefined && look.evidence >= leastEvidence) return roi;
  }
  return undefined;
};
