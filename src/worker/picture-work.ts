/**
 * What the worker does with pictures by themselves: landmark sets and correspondences. A file of its own, which the
 * worker loads when it is first asked for either: pages that only track never fetch it.
 */
export { liveFields } from '../correspond/live-correspondence.ts';
export { correspondFrames, createLandmarkSet, discoverOnFrames, embedFrame } from './picture-verbs.ts';
