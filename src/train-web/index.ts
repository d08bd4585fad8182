/** Training in a browser: `dve-sdk/train`. */
export { ClosedError, DeviceError, DivergedError, DveError, InputError, ModelError } from '../errors.ts';
export type { Point } from '../geometry/coordinates.ts';
export type { TrainingConfig } from '../train/settings/config.ts';
export type { SampleMatch } from '../train/report/sample-matches.ts';
export type { DeviceChoice } from '../worker/messages.ts';
export { browserDefaults, type TrainingSettings } from './config.ts';
export type { SkippedFile } from './messages.ts';
export {
  createTraining,
  type LandmarkMarks,
  type LandmarkPicture,
  type TrainedFiles,
  type Training,
  type TrainingInfo,
  type TrainingOptions,
  type TrainingProgress,
} from './training.ts';
