import { InputError } from '../errors.ts';
import { searchPatches, type SearchSettings } from './inverse-search.ts';
import { doubleFlow, halve, sampleBilinear, type FlowField, type GrayImage } from './plane.ts';
import { refineFlow, type RefinementSettings } from './variational.ts';

export type { FlowField, GrayImage } from './plane.ts';

/** Any method that finds the flow from `a` to `b`: {@link disFlow}, or a network of the user's own. */
export type OpticalFlow = (a: GrayImage, b: GrayImage) => Promise<FlowField> | FlowField;

/** Settings of {@link disFlow}. */
export type DisSettings = SearchSettings &
  RefinementSettings & {
    /** Shortest side that the coarsest level may have, pixels. */ coarsestSide: number;
  };

/**
 * Chosen over known warps of several pictures, layered scenes with occlusion, and one Middlebury pair; a flat optimum,
 * so of two settings that do as well the faster one is here.
 */
export const defaultDisSettings: Readonly<DisSettings> = {
  patchSize: 8,
  patchStride: 4,
  iterations: 8,
  smoothness: 20,
  gradient: 10,
  brightness: 5,
  warps: 3,
  updates: 2,
  sweeps: 5,
  relaxation: 1.6,
  coarsestSide: 16,
};

/**
 * Dense optical flow by inverse search, coarse to fine. Kroeger, Timofte, Dai, Van Gool: Fast Optical
 * Flow using Dense Inverse Search, ECCV 2016; with patches that bend (see {@link searchPatches}).
 * Follows up to about 20 pixels and 15° between the pictures.
 *
 * @param a, b pictures of one size, at least 8 pixels on each side, brightness 0–255
 * @returns displacement a→b in pixels, sampled at the pixels of `a`
 * @throws InputError for pictures of different or too small size
 */
export const disFlow = (
  a: GrayImage,
  b: GrayImage,
  settings: Readonly<DisSettings> = defaultDisSettings,
): FlowField => {
  checkPictures(a, b, settings.patchSize);
  const pyramid = [{ a, b }];
  for (let finer = pyramid[0]; ;) {
    const coarser = { a: halve(finer.a), b: halve(finer.b) };
    const shortest = Math.min(coarser.a.width, coarser.a.height);
    if (shortest < Math.max(settings.coarsestSide, settings.patchSize)) break;
    pyramid.unshift(coarser);
    finer = coarser;
  }
  let flow: FlowField | undefined;
  for (const level of pyramid) {
    const { width, height } = level.a;
    const start = flow === undefined ? noMotion(width, height) : doubleFlow(flow, width, height);
    flow = searchPatches(level.a, level.b, start, settings);
    refineFlow(level.a, level.b, flow, settings);
  }
  return flow ?? noMotion(a.width, a.height);
};

/** A flow method and what it is kept under: methods of one name give the same flow for the same pictures. */
export type FlowMethod = { name: string; flow: OpticalFlow };

/** {@link disFlow} with these settings. The number changes whenever the same settings give another flow. */
export const disMethod = (settings: Readonly<DisSettings> = defaultDisSettings): FlowMethod => ({
  name: `dis 1 ${JSON.stringify(settings)}`,
  flow: (a, b) => disFlow(a, b, settings),
});

const noMotion = (width: number, height: number): FlowField => ({
  width,
  height,
  x: new Float32Array(width * height),
  y: new Float32Array(width * height),
});

const checkPictures = (a: GrayImage, b: GrayImage, smallest: number): void => {
  for (const { width, height, data } of [a, b]) {
    if (data.length !== width * height) {
      throw new InputError(
        `A picture of ${width}×${height} pixels needs ${width * height} values but has ${data.length}. Give one value a pixel (see rgbToGray).`,
      );
    }
  }
  if (a.width !== b.width || a.height !== b.height) {
    throw new InputError(
      `Optical flow needs two pictures of one size, not ${a.width}×${a.height} and ${b.width}×${b.height}. Resize one of them.`,
    );
  }
  if (Math.min(a.width, a.height) < smallest) {
    throw new InputError(
      `Optical flow needs pictures of at least ${smallest}×${smallest} pixels, not ${a.width}×${a.height}. Use larger ones.`,
    );
  }
};

/**
 * Where a flow can be believed: walking forward and back ends near the start, |f + b|² < 0.01·(|f|² + |b|²) + 0.5,
 * with b read where f ends. A pixel that leaves the picture is not valid. Sundaram et al., ECCV 2010.
 *
 * @param forward, backward flows a→b and b→a, same size
 * @returns (H, W), 1 valid, 0 not
 */
export const flowValidity = (forward: FlowField, backward: FlowField): Uint8Array => {
  const { width, height } = forward;
  const valid = new Uint8Array(width * height);
  const backwardX = { width, height, data: backward.x };
  const backwardY = { width, height, data: backward.y };
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const fx = forward.x[i];
      const fy = forward.y[i];
      const targetX = x + fx;
      const targetY = y + fy;
      // Pixel centres have whole numbers here, so the picture ends half a pixel beyond the last of them.
      if (!(targetX >= -0.5 && targetX <= width - 0.5 && targetY >= -0.5 && targetY <= height - 0.5))
        continue;
      const bx = sampleBilinear(backwardX, targetX, targetY);
      const by = sampleBilinear(backwardY, targetX, targetY);
      const gap = (fx + bx) ** 2 + (fy + by) ** 2;
      valid[i] = gap < 0.01 * (fx * fx + fy * fy + bx * bx + by * by) + 0.5 ? 1 : 0;
    }
  }
  return valid;
};

/**
 * Brightness of a colour picture (Rec. 601 weights).
 * @param pixels row-major bytes, `channels` for each pixel: 3 (RGB), 4 (RGBA, alpha ignored) or 1 (grey)
 * @returns (H, W), 0–255
 */
export const rgbToGray = (
  pixels: Uint8Array | Uint8ClampedArray,
  width: number,
  height: number,
  channels: 1 | 3 | 4 = 3,
): GrayImage => {
  const data = new Float32Array(width * height);
  for (let i = 0, k = 0; i < data.length; i++, k += channels) {
    data[i] = channels === 1 ? pixels[k] : 0.299 * pixels[k] + 0.587 * pixels[k + 1] + 0.114 * pixels[k + 2];
  }
  return { width, height, data };
};
