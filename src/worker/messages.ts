/** What crosses the border between the page and the worker. Everything here can be cloned or transferred. */
import type { CorrespondOptions, PictureCorrespondence } from '../correspond/correspond-pictures.ts';
import type { LiveField, LiveOptions } from '../correspond/live-correspondence.ts';
import type { Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import type { MarkedSet } from '../landmark-maker/create-landmark-set.ts';
import type { DiscoveredLandmarks, DiscoverOptions } from '../landmark-maker/discover-landmarks.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import type { SmootherOptions } from '../landmarks/smoother.ts';
import type { ModelDevice, ModelPrecision } from '../model/model.ts';
import type { WebRuntimeFiles } from '../model/model-web.ts';
import type { FrameTiming } from '../pipeline/frame-tracker.ts';
import type { TrackResult } from '../pipeline/result.ts';
import type { PartUrls } from './part-urls.ts';

/** `auto`: WebGPU where it is there, gives the same landmarks as wasm and is faster; else wasm. */
export type DeviceChoice = 'auto' | 'webgpu' | 'wasm';

/** `auto`: whichever of the model's networks is faster on the device. */
export type PrecisionChoice = 'auto' | ModelPrecision;

export type OpenMessage = {
  /** URLs of the model's files by name, and a folder for names that are not listed. */
  model: { urls: Readonly<Record<string, string>>; folder: string };
  runtime: WebRuntimeFiles;
  /** URLs of what the worker loads when it needs it. */ parts: PartUrls;
  device: DeviceChoice;
  precision: PrecisionChoice;
};

/** The text of a landmark set, which the worker reads, and the URL that it came from. */
export type LandmarkText = { text: string; url: string };

/** Names, lines and mirror pairs of landmarks: what is told of a set. */
type LandmarkNames = Pick<LandmarkSet, 'names' | 'connections' | 'mirrorPairs'> & {
  /** Whether the confidences of landmarks are calibrated. */ calibrated: boolean;
};

export type TrackerMessage = {
  /** A landmark set, or undefined for the model's own. */ landmarks: LandmarkSet | LandmarkText | undefined;
  smoothing: SmootherOptions | false | undefined;
  searchBudget: number | undefined;
  minConfidence: number | undefined;
  /** How many at most; 1 where there is nothing else to it. */ objects: number;
  roi: Roi | undefined;
  motion: boolean | undefined;
  adapt: boolean | undefined;
};

/** Where a model runs. */
type EngineInfo = {
  /** Where the network runs. */ device: ModelDevice;
  /** Which of the model's networks runs. */ precision: ModelPrecision;
  /** Threads of the wasm; 1 unless the page is cross-origin isolated. */ threads: number;
  /** Why WebGPU is not used, in words; undefined where it is used or was not asked for. */ deviceNote:
    string | undefined;
  /** What the model tracks, for example `face`. */ category: string;
};

/** What a model turned out to be. */
export type ModelInfo = EngineInfo & {
  /** Side S of the square that the network looks at, pixels. */ inputSize: number;
  /** Side of a cell of its embedding, pixels of that square. */ stride: number;
  /** Values C of one embedding. */ embeddingSize: number;
  /** Whether landmarks of its own lie with it; without them each tracker must be given some. */
  hasLandmarks: boolean;
  /** From its first file to now, milliseconds. */ startupMs: number;
};

/** What a tracker turned out to be. */
export type TrackerInfo = EngineInfo & {
  /** Names, lines and mirror pairs of the landmarks. */ landmarks: LandmarkNames;
  /** From `create` to now, milliseconds. */ startupMs: number;
};

export type StepReply = {
  result: TrackResult;
  timing: FrameTiming;
  /** Where this step ran: it changes when the GPU is lost. */ device: ModelDevice;
};

/** Pictures with landmarks marked on them; the frames are the worker's. */
export type MarkedFrames = Omit<MarkedSet, 'pictures'> & {
  pictures: readonly (Omit<MarkedSet['pictures'][number], 'image' | 'name' | 'frame'> & {
    frame: VideoFrame;
  })[];
};

/** One of two pictures to match; the frame is the worker's. */
export type SideFrame = { frame: VideoFrame; roi?: Roi };

/** A finder that lives in the page, as the worker sees it. */
export type RemoteFinder = {
  step(frame: VideoFrame, size: Size, known?: readonly Roi[]): Promise<Roi | undefined>;
  reset(): Promise<void>;
};

/** The first thing that every worker is asked for. */
export type Greeter = {
  /**
   * Takes the lock; afterwards the page can tell when the worker dies.
   * @returns the version of dve-sdk that its script is of; old ones tell none
   */
  hold(lockName: string): Promise<string | undefined>;
};

/** What the worker offers: one model, and any number of trackers on it, called by the ids that it gives them. */
export type TrackerWorkerApi = Greeter & {
  /** Loads the model. Once, before everything else. */ open(message: OpenMessage): Promise<ModelInfo>;
  /** Closes the frame. @returns (C, H, W) unit vectors */
  embed(frame: VideoFrame, roi: Roi): Promise<Float32Array>;
  /** Closes the frame. @param references (N, C) unit vectors @returns (N, 3) x, y in crop pixels, confidence 0–1 */
  match(frame: VideoFrame, roi: Roi, references: Float32Array): Promise<Float32Array>;
  /** Closes the frames. */ createLandmarkSet(marked: MarkedFrames): Promise<LandmarkSet>;
  /** Closes the frames. */ discoverLandmarks(
    pictures: readonly { frame: VideoFrame }[],
    options: DiscoverOptions,
  ): Promise<DiscoveredLandmarks>;
  /** Closes the frames. */ correspond(
    a: SideFrame,
    b: SideFrame,
    options: CorrespondOptions,
  ): Promise<PictureCorrespondence>;
  createTracker(
    message: TrackerMessage,
    finder: RemoteFinder | undefined,
  ): Promise<{ id: number; info: TrackerInfo }>;
  /** Closes the frame. @param timestamp capture time, seconds */
  step(
    tracker: number,
    frame: VideoFrame,
    timestamp: number | undefined,
    isStill?: boolean,
    withGist?: boolean,
  ): Promise<StepReply>;
  /** One picture by itself, beside what the tracker follows. Closes the frame. */
  trackPicture(tracker: number, frame: VideoFrame, withGist?: boolean): Promise<Pick<StepReply, 'result'>>;
  /** Embeds a picture to match with what a tracker sees; closes the frame. @returns its number among the tracker's */
  openReference(tracker: number, side: SideFrame, options: LiveOptions): Promise<number>;
  /** Matches it with the objects of the tracker's last step. */
  matchReference(tracker: number, reference: number): Promise<LiveField[]>;
  closeReference(tracker: number, reference: number): void;
  reset(tracker: number): void;
  /** @param roi image pixels */ follow(tracker: number, roi: Roi): void;
  setSmoothing(tracker: number, smoothing: SmootherOptions | false): Promise<void>;
  setLandmarks(tracker: number, landmarks: LandmarkSet | LandmarkText): Promise<LandmarkNames>;
  /** Waits for its step in progress; the model stays open. */ closeTracker(tracker: number): Promise<void>;
};
