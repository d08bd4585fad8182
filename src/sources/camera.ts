import { SourceError } from '../errors.ts';
import type { FrameSource } from './frame-source.ts';
import { openMediaStream } from './media-stream.ts';

const explanations: Readonly<Record<string, string>> = {
  NotAllowedError:
    "the camera was refused. Allow it in the browser's address bar, and check that the page may ask for it.",
  NotFoundError: 'there is no camera. Plug one in, or choose a video file.',
  NotReadableError: 'the camera is in use by another program. Close that program and start again.',
  OverconstrainedError:
    'no camera can do what was asked for. Ask for less, for example without exact sizes or deviceId.',
  SecurityError: 'the page may not use the camera. Serve it by https or from localhost.',
  AbortError: 'the camera did not start. Unplug it, plug it in again and start again.',
};

/** 640×480 is as much as tracking uses; more only costs time. */
const defaultConstraints: MediaTrackConstraints = {
  facingMode: 'user',
  width: { ideal: 640 },
  height: { ideal: 480 },
};

/** @throws SourceError that says why and what to do */
const requestCamera = async (constraints: MediaTrackConstraints): Promise<MediaStream> => {
  // Typed as always there, but insecure pages do not have it.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) {
    throw new SourceError('this page has no access to cameras. Serve it by https or from localhost.');
  }
  try {
    return await devices.getUserMedia({ video: constraints, audio: false });
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    const explanation = explanations[name] as string | undefined;
    throw new SourceError(explanation ?? `the camera could not be opened (${String(error)}). Try again.`, {
      cause: error,
    });
  }
};

/**
 * Opens a camera; close switches it off.
 * @throws SourceError when it is refused, absent, busy, or cannot do what the constraints ask for
 */
export const openCamera = async (
  constraints: MediaTrackConstraints = defaultConstraints,
): Promise<FrameSource> => {
  const stream = await requestCamera(constraints);
  const switchOff = (): void => {
    for (const track of stream.getTracks()) track.stop();
  };
  try {
    const source = await openMediaStream(stream, 'fail');
    return {
      stream,
      counts: source.counts,
      next: () => source.next(),
      close: () => {
        source.close();
        switchOff();
      },
    };
  } catch (error) {
    switchOff();
    throw error;
  }
};
