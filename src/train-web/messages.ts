/** What crosses the borders between the page, the worker that trains and the worker that makes its batches. */
import type { Point } from '../geometry/coordinates.ts';
import type { ModelDevice } from '../model/model.ts';
import type { WebRuntimeFiles } from '../model/model-web.ts';
import type { Batch } from '../train/batch/batch.ts';
import type { TrainingConfig } from '../train/settings/config.ts';
import type { TrainingState } from '../train/step/training-step.ts';
import type { SampleMatch } from '../train/report/sample-matches.ts';
import type { DeviceChoice, Greeter } from '../worker/messages.ts';

/** A file that is not trained on. */
export type SkippedFile = {
  /** The file's name, or its number where it has none. */ name: string;
  /** One sentence. */ reason: string;
};

/** A picture or video of the user's. */
export type NamedFile = { name: string; content: Blob };

/** How far the preparation of pictures and videos is. */
export type Preparation = {
  /** Files done. */ done: number;
  total: number;
  /** Pairs of video frames so far. */ pairs: number;
};

export type PrepareMessage = {
  config: TrainingConfig;
  pictures: readonly NamedFile[];
  videos: readonly NamedFile[];
  /** URL of mediabunny, where the page has one. */ mediabunny: string | undefined;
};

/** What there is to train on. */
export type PreparedData = {
  /** Pictures that are used. */ pictures: number;
  /** Videos that gave pairs. */ videos: number;
  /** Pairs of video frames with the flow between them. */ pairs: number;
  skipped: SkippedFile[];
  /** What tells this data from others, as a checkpoint keeps it: SHA-256, hex. */ digest: string;
};

/** A video that the page's own video element decodes, one frame at a time. Times are seconds. */
export type RemoteVideo = { width: number; height: number; duration: number };

/** What the page decodes for the worker that has no decoder of its own. */
export type RemoteDecoder = {
  /** Undefined where the browser cannot play it. */ open(video: Blob): Promise<RemoteVideo | undefined>;
  /** The frame that is shown at this time of the open video, in this size. */
  frame(time: number, width: number, height: number): Promise<ImageBitmap>;
  close(): Promise<void>;
};

/** Batches as the worker that trains asks for them. */
export type BatchApi = {
  /** Batch of a step, a pure function of it. */ batch(step: number): Batch;
  /** A batch that training does not see. */ sample(): Batch;
  /** Crops to choose 8-bit ranges on. */ calibration(): Float32Array;
};

/** What the worker that makes batches offers to the page. */
export type DataWorkerApi = Greeter & {
  prepare(
    message: PrepareMessage,
    decoder: RemoteDecoder,
    report: (progress: Preparation) => Promise<void>,
  ): Promise<PreparedData>;
  /** Offers {@link BatchApi} on a port. */ serve(port: MessagePort): void;
};

export type StartTraining = {
  config: TrainingConfig;
  device: DeviceChoice;
  runtime: WebRuntimeFiles;
  /** Of {@link PreparedData}. */ digest: string;
  /** What it goes on from. */ resume?: { /** Steps that are done. */ step: number; state: TrainingState };
};

/** What a training runs on. */
export type TrainingDevice = {
  device: ModelDevice;
  /** Threads of the wasm; 1 unless the page is cross-origin isolated. */ threads: number;
  /** Why WebGPU is not used, in words; undefined where it is used or was not asked for. */
  deviceNote: string | undefined;
  /** Weights of the network. */ parameters: number;
};

/** Steps done since the last report. */
export type StepsReport = {
  /** Steps done in all. */ step: number;
  /** Loss of each new step, the last one that of `step`; grid cells^γ. */ losses: number[];
  picturesPerSecond: number;
  /** Share of the time inside ONNX Runtime, 0–1. */ busy: number;
  /** Estimate of the time to the last step, seconds. */ secondsLeft: number;
  /** It changes when the GPU is lost. */ device: TrainingDevice;
};

/** Points of one picture: what a landmark set is made from. */
export type MarkedPicture = {
  picture: ImageBitmap;
  /** The same landmarks in the same order in every picture; pixels of the picture. */ points: readonly Point[];
};

export type MarkedLandmarks = {
  pictures: readonly MarkedPicture[];
  names: readonly string[];
  /** Lines to draw, landmarks by index. */ connections: readonly (readonly [number, number])[];
};

/** What the worker that trains offers to the page. */
export type TrainWorkerApi = Greeter & {
  start(message: StartTraining, batches: MessagePort): Promise<TrainingDevice>;
  /** Waits for further steps; undefined when training has ended. @throws what ended it */
  next(): Promise<StepsReport | undefined>;
  /** Ends training after the running step. */ stop(): void;
  matches(count: number): Promise<SampleMatch[]>;
  /** The files of the model directory as of now, by name. */
  files(landmarks: MarkedLandmarks | undefined): Promise<Map<string, Uint8Array<ArrayBuffer>>>;
};
