import { InputError } from '../errors.ts';
import type { FrameSource } from './frame-source.ts';
import type { StreamFrame } from './frame-stream.ts';
import { holdVideo } from './hold-video.ts';
import { isFrameInput, isOf } from './picture.ts';

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
  | AsyncIterable<StreamFrame>
  | LonePicture;

/** A picture by itself, which gives one result: the object is searched in it until it is found. */
export type LonePicture = HTMLImageElement | Blob | ImageBitmap | ImageData;

/** @param source anything at all */
export const isVideoElement = (source: unknown): source is HTMLVideoElement =>
  isOf(source, 'HTMLVideoElement');

const isMediaStream = (source: object): source is MediaStream => isOf(source, 'MediaStream');

const isStream = (source: object): source is ReadableStream<VideoFrame> | AsyncIterable<StreamFrame> =>
  'getReader' in source || Symbol.asyncIterator in source;

/** A canvas is none: nobody can tell whether it is a picture or the place where a film is drawn. */
const isPicture = (source: object): source is LonePicture =>
  isFrameInput(source) && !('getContext' in source) && !('codedWidth' in source);

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

/** What `track()` says of how a source is to be opened. */
export type SourceOptions = {
  /** Whether a video is kept from playing until its frames are wanted. */ hold: boolean;
};

/**
 * @throws InputError at once for something that is no source; later, by the promise, SourceError when it cannot be opened
 */
export const openSource = (source: TrackSource, { hold }: SourceOptions): Promise<FrameSource> => {
  if (source === 'camera') return openCamera();
  if (typeof source === 'object' && (source as object | null) !== null) {
    if (isVideoElement(source)) return openVideo(source, hold);
    if (isMediaStream(source)) return openStreamOfMedia(source);
    if (isStream(source)) return openStream(source);
    if (isPicture(source)) return openPicture(source);
    if (isPlainObject(source)) return openConstraints(source);
  }
  throw new InputError(
    "track() cannot read this source. Pass 'camera', camera constraints, a video element, a MediaStream, a ReadableStream of VideoFrames, an async iterable of frames or a picture: img, Blob, ImageBitmap or ImageData (of a canvas: canvas.captureStream()).",
  );
};

/** A page has sources of one kind, mostly: each is loaded when it is asked for. */
const openCamera = async (constraints?: MediaTrackConstraints): Promise<FrameSource> => {
  const camera = await import('./camera.ts');
  return camera.openCamera(constraints);
};

const openStreamOfMedia = async (stream: MediaStream): Promise<FrameSource> => {
  const { openMediaStream } = await import('./media-stream.ts');
  return openMediaStream(stream);
};

const openVideo = async (video: HTMLVideoElement, hold: boolean): Promise<FrameSource> => {
  // At once, before anything is waited for.
  const release = hold ? holdVideo(video) : () => undefined;
  try {
    const { openVideoFile } = await import('./video-file.ts');
    return await openVideoFile(video, release);
  } catch (error) {
    release();
    throw error;
  }
};

const openStream = async (
  stream: ReadableStream<VideoFrame> | AsyncIterable<StreamFrame>,
): Promise<FrameSource> => {
  const { openFrameStream } = await import('./frame-stream.ts');
  return openFrameStream(stream);
};

const openPicture = async (picture: LonePicture): Promise<FrameSource> => {
  const { openLonePicture } = await import('./frame-stream.ts');
  return openLonePicture(picture);
};
