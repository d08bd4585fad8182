import type { Point } from '../../src/geometry/coordinates.ts';
import type { FramePair } from '../../src/train/pairs/pair-pool.ts';
import type { RawPicture } from '../../src/media/raw-picture.ts';
import { disFlow, flowValidity, rgbToGray } from '../../src/flow/optical-flow.ts';
import { createRandom } from '../../src/augment/random.ts';

/** A texture that is known at every position: a sum of waves. @returns 0–255 for three channels */
export const createTexture = (seed: number): ((x: number, y: number, channel: number) => number) => {
  const random = createRandom(seed);
  const waves = Array.from({ length: 14 }, () => ({
    // Wavelengths from 5 to 25 pixels, in all directions.
    frequency: (2 * Math.PI) / random.uniform(5, 25),
    angle: random.uniform(0, Math.PI),
    phase: [0, 1, 2].map((channel) => random.uniform(0, 2) + channel * random.uniform(0, 1)),
  }));
  return (x, y, channel) => {
    let sum = 0;
    for (const { frequency, angle, phase } of waves) {
      sum += Math.sin(frequency * (Math.cos(angle) * x + Math.sin(angle) * y) + phase[channel]);
    }
    return Math.min(255, Math.max(0, 128 + 28 * sum));
  };
};

export type DrawnClip = {
  /** Pixels. */ width: number;
  height: number;
  /** Side of the textured square, pixels. */ side: number;
  /** Centre of the square in frame t, pixels. */ centerAt: (frame: number) => Point;
  object: ReturnType<typeof createTexture>;
  background: ReturnType<typeof createTexture>;
};

export const isOnSquare = (clip: DrawnClip, frame: number, x: number, y: number, margin = 0): boolean => {
  const { x: centerX, y: centerY } = clip.centerAt(frame);
  const half = clip.side / 2 - margin;
  return Math.abs(x - centerX) < half && Math.abs(y - centerY) < half;
};

/**
 * Frame t: the square over a background that stands still.
 * @param pan how far everything is moved besides, pixels
 */
export const drawFrame = (clip: DrawnClip, frame: number, pan: Point = { x: 0, y: 0 }): RawPicture => {
  const { width, height, object, background } = clip;
  const center = clip.centerAt(frame);
  const rgb = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const x = column + 0.5 - pan.x;
      const y = row + 0.5 - pan.y;
      const onSquare = isOnSquare(clip, frame, x, y);
      for (let channel = 0; channel < 3; channel++) {
        rgb[(row * width + column) * 3 + channel] = onSquare
          ? object(x - center.x, y - center.y, channel)
          : background(x, y, channel);
      }
    }
  }
  return { file: `frame ${frame}`, width, height, rgb };
};

/** Two frames with the flow that the project finds between them, and where it is valid. */
export const flowPair = (
  clip: DrawnClip,
  from: number,
  to: number,
  pan?: Point,
): Omit<FramePair, 'weights' | 'base'> & { valid: Uint8Array } => {
  const a = drawFrame(clip, from);
  const b = drawFrame(clip, to, pan);
  const [grayA, grayB] = [a, b].map(({ rgb, width, height }) => rgbToGray(rgb, width, height));
  const flow = disFlow(grayA, grayB);
  return { a, b, flow, valid: flowValidity(flow, disFlow(grayB, grayA)) };
};

/** A square that crosses the picture at some pixels a frame. */
export const movingSquare = (
  seed: number,
  width = 128,
  height = 128,
  step = { x: 2.7, y: 1.5 },
): DrawnClip => ({
  width,
  height,
  side: 0.44 * Math.min(width, height),
  centerAt: (frame) => ({ x: 0.4 * width + step.x * frame, y: 0.45 * height + step.y * frame }),
  object: createTexture(2 * seed),
  background: createTexture(2 * seed + 1),
});
