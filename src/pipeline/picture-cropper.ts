import { cropToTensor, type PixelImage, type PlanarImage } from './crop.ts';
import type { Cropper } from './cropper.ts';

/** Crops pictures in memory: decoded video frames in Node, ImageData in browsers. */
export const createPictureCropper = <Picture extends PixelImage | PlanarImage>(): Cropper<
  Picture,
  Float32Array
> => ({
  frameSize: ({ width, height }) => ({ width, height }),
  crop: (picture, rois, cropSize) => {
    const each = 3 * cropSize * cropSize;
    const tensor = new Float32Array(rois.length * each);
    rois.forEach((roi, index) => cropToTensor(picture, roi, cropSize, tensor, index * each));
    return tensor;
  },
});
