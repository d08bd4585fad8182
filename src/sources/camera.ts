import type { FrameSource } from './frame-source.ts';
import { openMediaStream } from './media-stream.ts';

/** 640×480 is as much as tracking uses; more only costs time. */
const defaultConstraints: MediaTrackConstraints = {
  facingMode: 'user',
  width: { ideal: 640 },
  height: { ideal: 480 },
};

/** @throws SourceError that says why and what to do */
const requestCamera = async (constraints: MediaTrackConstraints): Promise<MediaStream> => {
  try {
    return await navigator.mediaDevices.getUserMedia({ video: constraints, audio: false });
  } catch (error) {
    const { cameraFault } = await import('./camera-fault.ts');
    throw cameraFault(error);
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
      ...source,
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
