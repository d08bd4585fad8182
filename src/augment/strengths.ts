import type { PhotometricSettings } from './photometric.ts';

/** How strongly the colours of a training view are changed, and of the looks that a calibration is fitted to. */
export const defaultPhotometric: PhotometricSettings = {
  brightness: 0.35,
  contrast: 0.4,
  saturation: 0.5,
  gamma: 0.3,
  colorCast: 0.06,
  greyShare: 0.2,
  lightingShare: 0.5,
  lighting: 0.5,
  blurShare: 0.3,
  blurSigma: 1.5,
  noiseShare: 0.5,
  noiseSd: 0.04,
  jpegShare: 0.3,
  jpegQuality: [30, 95],
};

/** Least and greatest side of a patch drawn over a view, of the crop's side. */
export const defaultPatchSize: [number, number] = [0.15, 0.4];
