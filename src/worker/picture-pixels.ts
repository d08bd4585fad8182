import { InputError } from '../errors.ts';
import type { PixelImage } from '../pipeline/crop.ts';

/** The pixels of a frame as it is shown, on grey where it is transparent. */
const readPixels = (frame: VideoFrame): PixelImage => {
  const { displayWidth: width, displayHeight: height } = frame;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (context === null) {
    throw new InputError('This browser gives no 2D canvas. Close other tabs, or use another browser.');
  }
  context.fillStyle = '#808080';
  context.fillRect(0, 0, width, height);
  context.drawImage(frame, 0, 0, width, height);
  return { data: context.getImageData(0, 0, width, height).data, width, height, channels: 4 };
};

/** Puts the pixels of each frame in its place. All frames are closed, also where one cannot be read. */
export const withPixels = <Side extends { frame: VideoFrame }>(
  sides: readonly Side[],
): (Omit<Side, 'frame'> & { image: PixelImage })[] => {
  try {
    return sides.map(({ frame, ...rest }) => ({ ...rest, image: readPixels(frame) }));
  } finally {
    for (const { frame } of sides) frame.close();
  }
};
