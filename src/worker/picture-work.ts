/**
 * What the worker does with pictures by themselves: landmark sets and correspondences. A file of its own, which the
 * worker loads when it is first asked for either: pages that only track never fetch it.
 */
export { correspondPictures } from '../correspond/correspond-pictures.ts';
export { embedReference, liveFields } from '../correspond/live-correspondence.ts';
export { discoverLandmarks } from '../landmark-maker/discover-landmarks.ts';
export { createMarkedSet } from '../landmark-maker/create-landmark-set.ts';
export { withPixels } from './picture-pixels.ts';
