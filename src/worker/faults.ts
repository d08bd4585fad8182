/**
 * A part of the tracker's worker, fetched when a file of the model cannot be used: tells what is wrong with it. The
 * readers are those of the worker itself, which are built without their texts (`withoutTexts` in rollup.config.ts).
 */
export { checkLandmarkSet, parseTrackedSet } from '../landmarks/landmark-set.ts';
export { checkSmootherOptions } from '../landmarks/smoother-check.ts';
export * from '../model/faults.ts';
export { checkFile, parseManifest } from '../model/manifest.ts';
