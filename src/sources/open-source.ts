import { InputError } from '../errors.ts';
import { openCamera } from './camera.ts';
import type { FrameSource } from './frame-source.ts';
import { openFrameStream, type StreamFrame } from './frame-stream.ts';
import { openMediaStream } from './media-stream.ts';
import { openVideoElement } from './video-element.ts';

/**
 * Where frames come from. `'camera'` and constraints (what getUserMedia takes, whole or its `video` part) open a camera
 * and switch it off again; everything else stays the caller's, except for VideoFrames, which are closed for the caller.
 */
export type TrackSource =
  | 'camera'
  | MediaTrackConstraints
  | MediaStreamConstraints
  | HTMLVideoElement
  | MediaStream
  | ReadableStream<VideoFrame>
  | AsyncIterable<StreamFrame>;

const isVideoElement = (source: object): source is HTMLVideoElement =>
  typeof HTMLVideoElement !== 'undefined' && source instanceof HTMLVideoElement;

const isMediaStream = (source: object): source is MediaStream =>
  typeof MediaStream !== 'undefined' && source instanceof MediaStream;

const isStream = (source: object): source is ReadableStream<VideoFrame> | AsyncIterable<StreamFrame> =>
  'getReader' in source || Symbol.asyncIterator in source;

const isPlainObject = (source: object): source is MediaTrackConstraints | MediaStreamConstraints =>
  Object.getPrototypeOf(source) === Object.prototype;

const isWhole = (
  constraints: MediaTrackConstraints | MediaStreamConstraints,
): constraints is MediaStreamConstraints => 'video' in constraints;

const openConstraints = (
  constraints: MediaTrackConstraints | MediaStreamConstraints,
): Promise<FrameSource> => {
  if (!isWhole(constraints)) return openCamera(constraints);
  const { video } = constraints;
  if (typeof video === 'object' && (video as unknown) !== null) return openCamera(video);
  if (video === true) return openCamera();
  throw new InputError(
    `track() was asked for a camera with video: ${JSON.stringify(video)}, which has no picture. Pass video: true or constraints.`,
  );
};

/**
 * @throws InputError at once for something that is no source; later, by the promise, SourceError when it cannot be opened
 */
export const openSource = (source: TrackSource): Promise<FrameSource> => {
  if (source === 'camera') return openCamera();
  if (typeof source === 'object' && (source as object | null) !== null) {
    if (isVideoElement(source)) return opened(() => openVideoElement(source));
    if (isMediaStream(source)) return opened(() => openMediaStream(source));
    if (isStream(source)) return opened(() => openFrameStream(source));
    if (isPlainObject(source)) return openConstraints(source);
  }
  throw new InputError(
    "track() cannot read this source. Pass 'camera', camera constraints, a video element, a MediaStream, a ReadableStream of VideoFrames or an async iterable of frames (of a canvas: canvas.captureStream()).",
  );
};

// What opening throws comes by the promise, as it does for cameras.
const opened = (open: () => FrameSource): Promise<FrameSource> =>
  new Promise((resolve) => {
    resolve(open());
  });
