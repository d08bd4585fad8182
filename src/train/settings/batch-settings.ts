import { group, number, range, whole } from './check-settings.ts';
import type { Rules } from './check-settings.ts';
import type { PhotometricSettings } from '../../augment/photometric.ts';
import { defaultPatchSize, defaultPhotometric } from '../../augment/strengths.ts';
import type { CropBase, WarpSettings } from '../views/warps.ts';

/** Everything that shapes a training batch: a plain JSON object. */
export type BatchSettings = {
  /** Side S of every crop, pixels. */ inputSize: number;
  /** Pairs N of a batch, each from another picture. */ pairs: number;
  /** Query cells per side of the source view. */ queryGrid: number;
  /** Crops K of a batch that show no object. */ backgrounds: number;
  /** Share of the pairs that show annotated landmarks in two pictures, where there are annotations, 0–1. */
  annotatedShare: number;
  /** The canonical crop of a picture. */ base: CropBase;
  /** Central share of the canonical crop that background crops keep clear of, of its side. */
  objectShare: number;
  geometric: WarpSettings;
  photometric: PhotometricSettings;
  occlusion: {
    /** Share of views with a patch drawn over them, 0–1. */ share: number;
    /** Least and greatest side of the patch, of the crop's side. */ size: [number, number];
  };
  /** Each view's picture is sampled this many mip levels too coarse at most (half as many too fine). */
  softness: number;
};

export const defaultBatchSettings: BatchSettings = {
  inputSize: 96,
  pairs: 8,
  queryGrid: 24,
  backgrounds: 0,
  annotatedShare: 0.25,
  base: { centerX: 0.5, centerY: 0.63, side: 0.89 },
  objectShare: 0.625,
  geometric: {
    rotationSd: 17,
    logScaleSd: 0.17,
    wideScaleShare: 0.25,
    wideScaleRange: [0.5, 2],
    translationSd: 0.07,
    poseCorrelation: 0.6,
    aspectSd: 0.06,
    bendSd: 0.02,
    turnSd: 0.03,
    perspectiveSd: 0.06,
  },
  photometric: defaultPhotometric,
  occlusion: { share: 0.3, size: defaultPatchSize },
  softness: 1,
};

const geometricRules: Rules<WarpSettings> = {
  rotationSd: number(0, 120, 'Rotation of each view: standard deviation, degrees.'),
  logScaleSd: number(0, 1, 'Scale of each view: standard deviation of its natural logarithm.'),
  wideScaleShare: number(0, 1, 'Share of the pairs of which one view draws its scale from wideScaleRange.'),
  wideScaleRange: range(0.1, 10, 'Crop side over canonical side of such a view.'),
  translationSd: number(0, 1, 'Shift of each view along x and along y: standard deviation, crop sides.'),
  poseCorrelation: number(0, 1, 'Correlation between the scales and the shifts of the two views of a pair.'),
  aspectSd: number(0, 0.5, 'Width over height: standard deviation of its natural logarithm.'),
  bendSd: number(0, 0.2, 'Thin-plate spline: standard deviation of each control, crop sides.'),
  turnSd: number(0, 0.2, 'How far the middle moves against the rim: standard deviation, canonical sides.'),
  perspectiveSd: number(0, 0.3, 'Change of scale over half a crop side: standard deviation.'),
};

const photometricRules: Rules<PhotometricSettings> = {
  brightness: number(0, 4, 'Greatest factor and divisor is 1 + this.'),
  contrast: number(0, 4, 'Greatest factor and divisor is 1 + this.'),
  saturation: number(0, 4, 'Greatest factor and divisor is 1 + this.'),
  gamma: number(0, 4, 'Greatest factor and divisor of the exponent is 1 + this.'),
  colorCast: number(0, 1, 'Gain of each colour channel: standard deviation.'),
  greyShare: number(0, 1, 'Share of views turned grey.'),
  lightingShare: number(0, 1, 'Share of views with a lighting gradient.'),
  lighting: number(0, 1, 'Greatest brightening or darkening at the far end of a gradient.'),
  blurShare: number(0, 1, 'Share of views that are blurred.'),
  blurSigma: number(0.1, 10, 'Greatest standard deviation of the blur, crop pixels.'),
  noiseShare: number(0, 1, 'Share of views with noise.'),
  noiseSd: number(0, 1, 'Greatest standard deviation of the noise, of the range 0 to 1.'),
  jpegShare: number(0, 1, 'Share of views compressed as JPEG.'),
  jpegQuality: range(1, 100, 'JPEG quality.'),
};

export const batchRules: Rules<BatchSettings> = {
  inputSize: whole(8, 1024, 'Side of every crop, pixels; the network says what it has to be a multiple of.'),
  pairs: whole(1, 1024, 'Pairs of views in a batch, each of another picture.'),
  queryGrid: whole(1, 512, 'Query cells per side; a divisor of inputSize / 2.'),
  backgrounds: whole(0, 1024, 'Crops in a batch that show no object: they match nothing.'),
  annotatedShare: number(0, 1, 'Share of the pairs that show annotated landmarks, where there are any.'),
  base: group<CropBase>('The canonical crop of a picture: the square around the object.', {
    centerX: number(0, 1, 'Of the width of the picture.'),
    centerY: number(0, 1, 'Of the height of the picture.'),
    side: number(0.05, 4, 'Of the shorter side of the picture.'),
  }),
  objectShare: number(0, 1, 'Central share of the canonical side that backgrounds keep clear of.'),
  geometric: group('How the two views of a picture are warped.', geometricRules),
  photometric: group('How the colours of each view are changed.', photometricRules),
  occlusion: group<BatchSettings['occlusion']>('Patches drawn over views.', {
    share: number(0, 1, 'Share of views with a patch.'),
    size: range(0.02, 1, 'Side of the patch, of the side of the crop.'),
  }),
  softness: number(0, 4, 'How many mip levels too coarse a picture is sampled at most.'),
};
