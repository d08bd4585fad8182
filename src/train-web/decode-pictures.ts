/** Decodes pictures with what browsers bring, in a worker. */
import { InputError } from '../errors.ts';
import { dropAlpha, pictureLimits, type RawPicture } from '../media/raw-picture.ts';
import { fitSize } from '../media/video-reader.ts';
import type { NamedFile, SkippedFile } from './messages.ts';

/** A canvas to read pixels from. */
const createCanvas = (width: number, height: number): OffscreenCanvasRenderingContext2D => {
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (context === null) {
    throw new InputError('This browser gives no 2D canvas. Close other tabs, or use another browser.');
  }
  return context;
};

/** @returns (H, W, 3), on grey where it is transparent */
export const rgbOf = (bitmap: ImageBitmap): Uint8Array => {
  const { width, height } = bitmap;
  const context = createCanvas(width, height);
  context.fillStyle = '#808080';
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  return dropAlpha(context.getImageData(0, 0, width, height).data);
};

const scaled = async (bitmap: ImageBitmap, width: number, height: number): Promise<ImageBitmap> => {
  if (bitmap.width === width && bitmap.height === height) return bitmap;
  try {
    return await createImageBitmap(bitmap, {
      resizeWidth: width,
      resizeHeight: height,
      resizeQuality: 'high',
    });
  } finally {
    bitmap.close();
  }
};

/** A picture no larger than training needs it, or the reason why there is none. */
const decodePicture = async ({ name, content }: NamedFile): Promise<RawPicture | string> => {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(content);
  } catch {
    return 'It is no picture that this browser can decode.';
  }
  const { width, height } = bitmap;
  const fitted = fitSize(width, height, pictureLimits.maxSide);
  if (Math.min(width, height) < pictureLimits.minSide) {
    bitmap.close();
    return `It has ${width}×${height} pixels, and the shorter side has to be at least ${pictureLimits.minSide}.`;
  }
  if (Math.min(fitted.width, fitted.height) < pictureLimits.minSide / 2) {
    bitmap.close();
    return `It is too narrow: scaled down it has ${fitted.width}×${fitted.height} pixels.`;
  }
  const small = await scaled(bitmap, fitted.width, fitted.height);
  try {
    return { file: name, ...fitted, rgb: rgbOf(small) };
  } finally {
    small.close();
  }
};

/**
 * One picture after the other, so that no more than one is in memory at its full size.
 * @param onDone told after each
 */
export const decodePictures = async (
  files: readonly NamedFile[],
  onDone: () => Promise<void>,
): Promise<{ pictures: RawPicture[]; skipped: SkippedFile[] }> => {
  const pictures: RawPicture[] = [];
  const skipped: SkippedFile[] = [];
  for (const file of files) {
    const decoded = await decodePicture(file);
    if (typeof decoded === 'string') skipped.push({ name: file.name, reason: decoded });
    else pictures.push(decoded);
    await onDone();
  }
  return { pictures, skipped };
};
