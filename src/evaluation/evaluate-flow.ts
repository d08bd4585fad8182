import { InputError } from '../errors.ts';
import type { TrueFlow } from '../flow/flow-file.ts';
import { sampleBilinear, type FlowField, type GrayImage } from '../flow/plane.ts';
import { flowValidity, type OpticalFlow } from '../flow/optical-flow.ts';
import { createRandom, type Random } from '../augment/random.ts';

/** How far a flow is from the truth. */
export type FlowAccuracy = {
  /** Mean end-point error over the pixels whose true flow is known, pixels. */ epe: number;
  /** Share of those pixels that the forward–backward test keeps, 0–1. */ coverage: number;
  /** Mean end-point error over the pixels that it keeps, pixels; NaN where it keeps none. */ epeMasked: number;
};

/**
 * Compares a flow with the truth.
 * @param valid (H, W), 1 where the flow is believed; see {@link flowValidity}
 * @throws InputError for different sizes, or a truth that is known nowhere
 */
export const flowAccuracy = (flow: FlowField, valid: Uint8Array, truth: TrueFlow): FlowAccuracy => {
  if (flow.width !== truth.flow.width || flow.height !== truth.flow.height) {
    throw new InputError(
      `The pictures have ${flow.width}×${flow.height} pixels but the true flow has ${truth.flow.width}×${truth.flow.height}. Pass the truth of these pictures.`,
    );
  }
  let sum = 0;
  let count = 0;
  let keptSum = 0;
  let kept = 0;
  for (let i = 0; i < truth.known.length; i++) {
    if (truth.known[i] === 0) continue;
    const error = Math.hypot(flow.x[i] - truth.flow.x[i], flow.y[i] - truth.flow.y[i]);
    sum += error;
    count++;
    if (valid[i] === 0) continue;
    keptSum += error;
    kept++;
  }
  if (count === 0) throw new InputError('The true flow is unknown at every pixel. Pass another truth.');
  return { epe: sum / count, coverage: kept / count, epeMasked: keptSum / kept };
};

/** Runs a flow both ways over a pair and compares it with the truth. */
export const evaluateFlow = async (
  a: GrayImage,
  b: GrayImage,
  truth: TrueFlow,
  flow: OpticalFlow,
): Promise<FlowAccuracy> => {
  const forward = await flow(a, b);
  const backward = await flow(b, a);
  return flowAccuracy(forward, flowValidity(forward, backward), truth);
};

/** A pair whose flow is known because it was made. */
export type KnownWarp = { a: GrayImage; b: GrayImage; truth: TrueFlow };

export type KnownWarpOptions = {
  /** Side of both pictures, pixels. */ side: number;
  /** Rotation about their centre, clockwise on screen, degrees. */ degrees: number;
  /** Enlargement about their centre. */ scale: number;
  /** Standard deviation of the noise on both, of 255. */ noise: number;
  /** Whole number. */ seed: number;
};

/**
 * Cuts the middle square out of a picture, and the same square after the picture was turned and enlarged about
 * its centre, so that what moves into view comes from the picture as well. Bilinear sampling, Gaussian noise on
 * both, rounded to whole brightness values.
 *
 * @throws InputError for a picture smaller than the square
 */
export const createKnownWarp = (picture: GrayImage, options: KnownWarpOptions): KnownWarp => {
  const { side, degrees, scale, noise, seed } = options;
  if (Math.min(picture.width, picture.height) < side) {
    throw new InputError(
      `The picture has ${picture.width}×${picture.height} pixels and a square of ${side} is to be cut from it. Pass a larger picture.`,
    );
  }
  const left = Math.floor((picture.width - side) / 2);
  const top = Math.floor((picture.height - side) / 2);
  const cos = Math.cos((degrees * Math.PI) / 180);
  const sin = Math.sin((degrees * Math.PI) / 180);
  const middle = (side - 1) / 2;
  const plane = (): Float32Array => new Float32Array(side * side);
  const a: GrayImage = { width: side, height: side, data: plane() };
  const b: GrayImage = { width: side, height: side, data: plane() };
  const flow: FlowField = { width: side, height: side, x: plane(), y: plane() };
  const noiseA = createRandom(seed, 0);
  const noiseB = createRandom(seed, 1);
  const spoil = (value: number, random: Random): number =>
    Math.min(255, Math.max(0, Math.round(value + random.normal(0, noise))));
  for (let row = 0, i = 0; row < side; row++) {
    for (let column = 0; column < side; column++, i++) {
      const x = column - middle;
      const y = row - middle;
      flow.x[i] = scale * (cos * x - sin * y) - x;
      flow.y[i] = scale * (sin * x + cos * y) - y;
      const fromX = (cos * x + sin * y) / scale + middle + left;
      const fromY = (cos * y - sin * x) / scale + middle + top;
      a.data[i] = spoil(picture.data[(row + top) * picture.width + column + left], noiseA);
      b.data[i] = spoil(sampleBilinear(picture, fromX, fromY), noiseB);
    }
  }
  return { a, b, truth: { flow, known: new Uint8Array(side * side).fill(1) } };
};
