/** Why a camera or a stream of one could not be opened: loaded when that happens. */
import { SourceError } from '../errors.ts';

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

/** @param error what getUserMedia threw, or that it is not there @returns an error that says why and what to do */
export const cameraFault = (error: unknown): SourceError => {
  // Typed as always there, but insecure pages do not have it.
  if ((navigator.mediaDevices as MediaDevices | undefined) === undefined) {
    return new SourceError('this page has no access to cameras. Serve it by https or from localhost.');
  }
  const name = error instanceof Error ? error.name : '';
  const explanation = explanations[name] as string | undefined;
  return new SourceError(explanation ?? `the camera could not be opened (${String(error)}). Try again.`, {
    cause: error,
  });
};

/** @param track that cannot be read: there is none, or it has ended */
export const streamFault = (track: MediaStreamTrack | undefined): SourceError =>
  new SourceError(
    track === undefined
      ? 'the MediaStream has no video track. Ask getUserMedia for video.'
      : "the MediaStream's video track has ended. Open the camera again.",
  );
