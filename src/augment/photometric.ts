import { simulateJpeg } from './jpeg.ts';
import type { Random } from './random.ts';

export type PhotometricSettings = {
  /** Largest factor and divisor of the brightness is 1 + this. */ brightness: number;
  /** Likewise of the contrast about the mean. */ contrast: number;
  /** Likewise of the colourfulness. */ saturation: number;
  /** Likewise of the gamma exponent. */ gamma: number;
  /** Standard deviation of each colour channel's gain. */ colorCast: number;
  /** Share of views turned grey, 0–1. */ greyShare: number;
  /** Share of views with a lighting gradient, 0–1. */ lightingShare: number;
  /** Largest brightening or darkening at the far end of a lighting gradient, 0–1. */ lighting: number;
  /** Share of views that are blurred, 0–1. */ blurShare: number;
  /** Largest standard deviation of the blur, crop pixels. */ blurSigma: number;
  /** Share of views with noise, 0–1. */ noiseShare: number;
  /** Largest standard deviation of the noise, of the range 0–1. */ noiseSd: number;
  /** Share of views compressed as JPEG, 0–1. */ jpegShare: number;
  /** Lowest and highest JPEG quality, 1–100. */ jpegQuality: [number, number];
};

/** Log-uniform in [1 / (1 + amount), 1 + amount]: as often halved as doubled. */
const drawFactor = (random: Random, amount: number): number =>
  Math.exp(random.uniform(-1, 1) * Math.log(1 + amount));

/** Separable Gaussian; edges repeat. */
const blur = (image: Float32Array, size: number, sigma: number): void => {
  const radius = Math.max(1, Math.ceil(2.5 * sigma));
  const weights = Float64Array.from({ length: radius + 1 }, (_, i) => Math.exp(-0.5 * (i / sigma) ** 2));
  const total = 2 * weights.reduce((sum, weight) => sum + weight, 0) - weights[0];
  const kernel = weights.map((weight) => weight / total);
  const line = new Float32Array(size + 2 * radius);
  const pass = (start: number, step: number): void => {
    for (let i = 0; i < size; i++) line[radius + i] = image[start + step * i];
    line.fill(line[radius], 0, radius);
    line.fill(line[radius + size - 1], radius + size);
    for (let i = 0; i < size; i++) {
      const middle = i + radius;
      let value = kernel[0] * line[middle];
      for (let k = 1; k <= radius; k++) value += kernel[k] * (line[middle - k] + line[middle + k]);
      image[start + step * i] = value;
    }
  };
  for (let channel = 0; channel < 3; channel++) {
    const plane = channel * size * size;
    for (let i = 0; i < size; i++) pass(plane + i * size, 1);
    for (let i = 0; i < size; i++) pass(plane + i, size);
  }
};

/** The sum of the four bytes of one draw is near enough to normal, and far cheaper than a normal per value. */
const addNoise = (image: Float32Array, sd: number, random: Random): void => {
  // Four bytes have a variance of 4 · (256² − 1) / 12 and a mean of 4 · 127.5.
  const gain = sd / Math.sqrt((256 ** 2 - 1) / 3);
  for (let i = 0; i < image.length; i++) {
    const bits = random.bits();
    const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
    image[i] += gain * (sum - 510);
  }
};

/** Light from one side: a linear ramp across the crop in a random direction, as a factor. */
const addLighting = (image: Float32Array, size: number, amount: number, random: Random): void => {
  const angle = random.uniform(0, 2 * Math.PI);
  const strength = random.uniform(0.2, 1) * amount;
  const stepX = (Math.cos(angle) * strength * 2) / size;
  const stepY = (Math.sin(angle) * strength * 2) / size;
  const plane = size * size;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const factor = Math.max(0.05, 1 + stepX * (column + 0.5 - size / 2) + stepY * (row + 0.5 - size / 2));
      const pixel = row * size + column;
      image[pixel] *= factor;
      image[pixel + plane] *= factor;
      image[pixel + 2 * plane] *= factor;
    }
  }
};

/** Brightness, contrast, saturation, gamma, cast and grey in one pass over the pixels. */
const adjustColors = (image: Float32Array, settings: PhotometricSettings, random: Random): void => {
  const brightness = drawFactor(random, settings.brightness);
  const contrast = drawFactor(random, settings.contrast);
  const gamma = drawFactor(random, settings.gamma);
  const saturation = random.chance(settings.greyShare) ? 0 : drawFactor(random, settings.saturation);
  const gains = [0, 1, 2].map(() => brightness * Math.exp(random.normal(0, settings.colorCast)));
  const plane = image.length / 3;
  let mean = 0;
  for (let i = 0; i < image.length; i++) mean += image[i];
  mean /= image.length;
  // A table instead of 3 · S² powers.
  const table = new Float32Array(2049);
  for (let i = 0; i < table.length; i++) table[i] = (i / 2048) ** gamma;
  const curve = (value: number): number =>
    value <= 0 ? 0 : value >= 1 ? 1 : table[Math.floor(value * 2048 + 0.5)];
  for (let pixel = 0; pixel < plane; pixel++) {
    const r = curve(gains[0] * (mean + contrast * (image[pixel] - mean)));
    const g = curve(gains[1] * (mean + contrast * (image[pixel + plane] - mean)));
    const b = curve(gains[2] * (mean + contrast * (image[pixel + 2 * plane] - mean)));
    const grey = 0.299 * r + 0.587 * g + 0.114 * b;
    image[pixel] = grey + saturation * (r - grey);
    image[pixel + plane] = grey + saturation * (g - grey);
    image[pixel + 2 * plane] = grey + saturation * (b - grey);
  }
};

const clamp = (image: Float32Array): void => {
  for (let i = 0; i < image.length; i++) {
    // Comparisons and a rare store: several times faster here than Math.min and Math.max.
    if (image[i] < 0) image[i] = 0;
    else if (image[i] > 1) image[i] = 1;
  }
};

/**
 * Changes how a crop looks and nothing about where things are, in the order of a camera: light, optics, sensor,
 * development, compression.
 * @param image (3, size, size) planar RGB 0–1, changed in place
 */
export const augmentPhotometric = (
  image: Float32Array,
  size: number,
  settings: PhotometricSettings,
  random: Random,
): void => {
  if (random.chance(settings.lightingShare)) addLighting(image, size, settings.lighting, random);
  if (random.chance(settings.blurShare)) blur(image, size, random.uniform(0.2, 1) * settings.blurSigma);
  adjustColors(image, settings, random);
  if (random.chance(settings.noiseShare)) addNoise(image, random.uniform() * settings.noiseSd, random);
  clamp(image);
  if (random.chance(settings.jpegShare)) {
    simulateJpeg(image, size, random.uniform(settings.jpegQuality[0], settings.jpegQuality[1]));
    clamp(image);
  }
};
