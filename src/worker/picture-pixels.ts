import { InputError } from '../errors.ts';
import type { PixelImage } from '../pipeline/crop.ts';

/** The pixels of a frame as it is shown, on grey where it is transparent. The frame is closed. */
export const readPixels = (frame: VideoFrame): PixelImage => {
  try {
    const { displayWidth: width, displayHeight: height } = frame;
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (context === null) {
      throw new InputError('This browser gives no 2D canvas. Close other tabs, or use another browser.');
    }
    context.fillStyle = '#808080';
    context.fillRect(0, 0, width, height);
    context.drawImage(frame, 0, 0, width, height);
    return { data: context.getImageData(0, 0, width, height).data, width, height, channels: 4 };
  } finally {
    frame.close();
  }
};
