/** What the worker is asked for with pictures, on whatever its model runs. The frames stay the caller's. */
import {
  correspondPictures,
  type CorrespondOptions,
  type PictureCorrespondence,
} from '../correspond/correspond-pictures.ts';
import { GpuMatcher, type GpuSide } from '../correspond/gpu-matcher.ts';
import { embedReference, type LiveOptions, type LiveReference } from '../correspond/live-correspondence.ts';
import { createMarkedSet } from '../landmark-maker/create-landmark-set.ts';
import {
  discoverLandmarks,
  type DiscoveredLandmarks,
  type DiscoverOptions,
} from '../landmark-maker/discover-landmarks.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import type { Model } from '../model/model.ts';
import type { MarkedFrames, SideFrame } from './messages.ts';
import { withPixels } from './picture-pixels.ts';

/** The open model, which does a job again where its device was lost meanwhile. */
type Open = {
  use<Result>(job: (engine: { model: Model; gpu?: GpuSide }) => Promise<Result>): Promise<Result>;
};

export const createLandmarkSet = async (
  open: Open,
  own: LandmarkSet | undefined,
  { pictures, ...rest }: MarkedFrames,
): Promise<LandmarkSet> => {
  const marked = withPixels(pictures);
  const { set } = await open.use(({ model }) =>
    createMarkedSet(own, { ...rest, pictures: marked }, { session: model }),
  );
  return set;
};

export const discoverOnFrames = async (
  open: Open,
  own: LandmarkSet | undefined,
  pictures: readonly { frame: VideoFrame }[],
  options: DiscoverOptions,
): Promise<DiscoveredLandmarks> => {
  const images = withPixels(pictures);
  const { landmarks, points, found } = await open.use(({ model }) =>
    discoverLandmarks(model, own, images, options),
  );
  return { landmarks, points, found };
};

export const correspondFrames = (
  open: Open,
  own: LandmarkSet | undefined,
  sides: readonly [SideFrame, SideFrame],
  options: CorrespondOptions,
): Promise<PictureCorrespondence> => {
  const [a, b] = withPixels(sides);
  return open.use(async ({ model, gpu }) => {
    const matcher = gpu && new GpuMatcher(gpu, model.manifest);
    try {
      return await correspondPictures(model, own, a, b, options, matcher);
    } finally {
      matcher?.close();
    }
  });
};

/** @param by finds the object */
export const embedFrame = (
  open: Open,
  by: LandmarkSet,
  side: SideFrame,
  options: LiveOptions,
): Promise<LiveReference> => {
  const [picture] = withPixels([side]);
  return open.use(({ model }) => embedReference(model, by, picture, options));
};
