export { ClosedError, DeviceError, DveError, InputError, ModelError, SourceError } from './errors.ts';
export type { CorrespondOptions, PictureCorrespondence } from './correspond/correspond-pictures.ts';
export type { LiveField, LiveOptions } from './correspond/live-correspondence.ts';
export type { Correspondence, MatchedPoint } from './correspond/correspondence.ts';
export { drawLandmarks, type DrawOptions } from './draw/draw-landmarks.ts';
export type { Point, Size } from './geometry/coordinates.ts';
export type { Roi } from './geometry/roi.ts';
export type { ObjectBox } from './landmark-maker/create-landmark-set.ts';
export type { DiscoveredLandmarks, DiscoverOptions } from './landmark-maker/discover-landmarks.ts';
export type { FaceLandmarkName } from './landmarks/face-names.ts';
export type { Gist } from './landmarks/gist.ts';
export type { IndexPair, LandmarkSet } from './landmarks/landmark-set.ts';
export { defaultSmoothing, type SmootherOptions } from './landmarks/smoother-options.ts';
export type { CorrespondPicture, LandmarkPicture, LandmarkSetRequest } from './marks.ts';
export type { ModelDevice, ModelPrecision } from './model/model.ts';
export type { FrameTiming, ObjectFinder } from './pipeline/frame-tracker.ts';
export {
  findLandmark,
  type DoubtfulResult,
  type FrameResult,
  type Landmark,
  type ObjectPlace,
  type SearchEvidence,
  type SearchingResult,
  type TrackedObject,
  type TrackingResult,
  type TrackResult,
} from './pipeline/result.ts';
export { createTrackWriter, type TrackFileFormat, type TrackWriter } from './pipeline/track-writer.ts';
export type { StreamFrame, TimedPicture } from './sources/frame-stream.ts';
export { videoFrames, type VideoFramesOptions, type VideoPicture } from './sources/video-frames.ts';
export type { LonePicture, TrackSource } from './sources/open-source.ts';
export type { StillPicture } from './sources/decode-picture.ts';
export type { FrameInput, Picture } from './sources/picture.ts';
export {
  track,
  trackPicture,
  type FramedResult,
  type Tracking,
  type TrackOptions,
  type TrackStats,
} from './track.ts';
export { Tracker, type LiveCorrespondence, type TrackerOptions } from './tracker.ts';
export { openModel, TrackingModel, type ModelTrackerOptions } from './tracking-model.ts';
export type { EmbedOptions, Match, MatchOptions, ModelFiles, OpenModelOptions } from './worker-model.ts';
export type { DeviceChoice, ModelInfo, PrecisionChoice, TrackerInfo } from './worker/messages.ts';
