import { InputError } from '../errors.ts';

/** A picture that is looked at by itself: it is decoded first, and the object is searched in it until it is found. */
export type StillPicture = HTMLImageElement | Blob;

/**
 * Decodes a picture, upright where it says how it was held.
 * @throws InputError where it is no picture that the browser knows, or has no size
 */
export const decodePicture = async (picture: StillPicture): Promise<ImageBitmap> => {
  const isFile = picture instanceof Blob;
  try {
    // One that is still loading is waited for.
    if (!isFile) await picture.decode();
    return await createImageBitmap(picture);
  } catch (error) {
    const what = isFile
      ? `a Blob${picture.type === '' ? '' : ` of type ${picture.type}`}`
      : picture.src.slice(0, 200);
    const remedy = isFile
      ? 'Pass a PNG, JPEG, WebP or AVIF; a video goes into a video element.'
      : 'Check that it loads, that it has a size, and that it is of the page’s own origin or served with CORS.';
    throw new InputError(`${what} cannot be decoded as a picture (${String(error)}). ${remedy}`, {
      cause: error,
    });
  }
};
