/**
 * A robot arm of three joints, drawn: exact truth, the same arm in every clip, on other backgrounds and in other light,
 * as in the papers (Thewlis et al., ICCV 2017). It stands on a block; its links are marked, so that
 * every part can be told from the others, and nothing is hidden.
 */
import type { Point, Size } from '../../../src/geometry/coordinates.ts';
import type { PixelImage } from '../../../src/pipeline/crop.ts';
import { createRandom, type Random } from '../../../src/augment/random.ts';

export const armNames = ['base', 'shoulder', 'elbow', 'wrist', 'tip'] as const;
export const armConnections = [
  [0, 1],
  [1, 2],
  [2, 3],
  [3, 4],
] as const;
export const armSize: Size = { width: 320, height: 240 };
export const armFrames = 120;

/** Pixels, at a camera scale of 1. */
const lengths = { block: 26, upper: 62, fore: 52, hand: 30 };

type Color = readonly [number, number, number];

/** A slow swing: two sines of other periods. */
export type Swing = { middle: number; parts: readonly { reach: number; period: number; phase: number }[] };

export const drawSwing = (
  middle: number,
  reach: number,
  periods: readonly [number, number],
  random: Random,
): Swing => ({
  middle,
  parts: [0.75, 0.35].map((share) => ({
    reach: share * reach,
    period: random.uniform(...periods),
    phase: random.uniform(0, 2 * Math.PI),
  })),
});

export const swingAt = ({ middle, parts }: Swing, t: number): number =>
  parts.reduce(
    (sum, { reach, period, phase }) => sum + reach * Math.sin((2 * Math.PI * t) / period + phase),
    middle,
  );

/** What lies behind an object, and the light on both. */
export type Surroundings = {
  light: { gain: Swing; direction: Swing; cast: Color };
  backdrop: Float32Array;
  pan: { x: Swing; y: Swing };
};

/** What is different from clip to clip. */
type Scene = Surroundings & {
  shoulder: Swing;
  elbow: Swing;
  wrist: Swing;
  scale: number;
  foot: { x: Swing; y: number };
};

export const degrees = Math.PI / 180;
/** The backdrop is larger than the frame, so that it can pan. */
const backdropSize = { width: armSize.width + 64, height: armSize.height + 64 };

/** Soft clouds and hard boxes and stripes, (H, W, 3) of 0–255. */
const drawBackdrop = (random: Random): Float32Array => {
  const { width, height } = backdropSize;
  const data = new Float32Array(3 * width * height);
  const waves = Array.from({ length: 9 }, () => ({
    x: random.normal(0, 0.035),
    y: random.normal(0, 0.035),
    phase: random.uniform(0, 2 * Math.PI),
    color: [0, 1, 2].map(() => random.normal(0, 22)),
  }));
  const boxes = Array.from({ length: 14 }, () => ({
    x: random.uniform(0, width),
    y: random.uniform(0, height),
    halfWidth: random.uniform(6, 60),
    halfHeight: random.uniform(6, 60),
    angle: random.uniform(0, Math.PI),
    stripes: random.chance(0.4) ? random.uniform(0.3, 1) : 0,
    color: [0, 1, 2].map(() => random.uniform(20, 235)),
  }));
  const ground = [0, 1, 2].map(() => random.uniform(60, 190));
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const color = [...ground];
      for (const wave of waves) {
        const value = Math.sin(wave.x * x + wave.y * y + wave.phase);
        for (let c = 0; c < 3; c++) color[c] += value * wave.color[c];
      }
      for (const box of boxes) {
        const [cos, sin] = [Math.cos(box.angle), Math.sin(box.angle)];
        const u = cos * (x - box.x) + sin * (y - box.y);
        const v = cos * (y - box.y) - sin * (x - box.x);
        if (Math.abs(u) > box.halfWidth || Math.abs(v) > box.halfHeight) continue;
        const shade = box.stripes > 0 && Math.sin(box.stripes * u) > 0 ? 0.6 : 1;
        for (let c = 0; c < 3; c++) color[c] = shade * box.color[c];
      }
      data.set(color, at);
    }
  }
  return data;
};

export const drawSurroundings = (random: Random): Surroundings => ({
  light: {
    gain: drawSwing(random.uniform(0.8, 1.1), 0.18, [50, 140], random),
    direction: drawSwing(random.uniform(0, 6), 0.8, [90, 200], random),
    cast: [random.normal(1, 0.07), random.normal(1, 0.04), random.normal(1, 0.07)],
  },
  backdrop: drawBackdrop(random.split(1)),
  pan: { x: drawSwing(32, 14, [100, 200], random), y: drawSwing(32, 10, [100, 200], random) },
});

const drawScene = (clip: number): Scene => {
  const random = createRandom(16, clip);
  return {
    shoulder: drawSwing(-90 * degrees, 48 * degrees, [90, 170], random),
    elbow: drawSwing(random.chance(0.5) ? 40 * degrees : -40 * degrees, 75 * degrees, [80, 150], random),
    wrist: drawSwing(0, 70 * degrees, [70, 130], random),
    scale: random.uniform(0.82, 1.05),
    foot: { x: drawSwing(random.uniform(140, 180), 5, [120, 200], random), y: random.uniform(206, 222) },
    ...drawSurroundings(random),
  };
};

const along = (from: Point, angle: number, length: number): Point => ({
  x: from.x + length * Math.cos(angle),
  y: from.y + length * Math.sin(angle),
});

type Pose = { points: Point[]; handAngle: number };

const poseAt = (scene: Scene, t: number): Pose => {
  const { scale } = scene;
  const base = { x: swingAt(scene.foot.x, t), y: scene.foot.y };
  const shoulder = { x: base.x, y: base.y - lengths.block * scale };
  const upperAngle = swingAt(scene.shoulder, t);
  const foreAngle = upperAngle + swingAt(scene.elbow, t);
  const handAngle = foreAngle + swingAt(scene.wrist, t);
  const elbow = along(shoulder, upperAngle, lengths.upper * scale);
  const wrist = along(elbow, foreAngle, lengths.fore * scale);
  const tip = along(wrist, handAngle, lengths.hand * scale);
  return { points: [base, shoulder, elbow, wrist, tip], handAngle };
};

/** Canvas that shapes are laid on, one over the other. */
export type Canvas = { data: Float32Array } & Size;

/** Lays a shape on the canvas: `distance` (pixels, negative inside) and its colour at each pixel. */
const lay = (
  { data, width, height }: Canvas,
  reach: { left: number; right: number; top: number; bottom: number },
  shapeAt: (x: number, y: number) => { distance: number; color: Color },
): void => {
  const [left, right] = [Math.max(0, Math.floor(reach.left)), Math.min(width, Math.ceil(reach.right))];
  const [top, bottom] = [Math.max(0, Math.floor(reach.top)), Math.min(height, Math.ceil(reach.bottom))];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const { distance, color } = shapeAt(x + 0.5, y + 0.5);
      const cover = Math.min(1, Math.max(0, 0.5 - distance));
      if (cover === 0) continue;
      const at = 3 * (y * width + x);
      for (let c = 0; c < 3; c++) data[at + c] += cover * (color[c] - data[at + c]);
    }
  }
};

/** A link from a to b: rounded, narrower towards its end, striped across where `mark` says so. */
const layLink = (
  canvas: Canvas,
  a: Point,
  b: Point,
  widths: readonly [number, number],
  mark: (share: number, side: number) => Color,
): void => {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const squared = dx * dx + dy * dy;
  const length = Math.sqrt(squared);
  const wide = Math.max(...widths) + 1;
  const reach = {
    left: Math.min(a.x, b.x) - wide,
    right: Math.max(a.x, b.x) + wide,
    top: Math.min(a.y, b.y) - wide,
    bottom: Math.max(a.y, b.y) + wide,
  };
  lay(canvas, reach, (x, y) => {
    const share = Math.min(1, Math.max(0, ((x - a.x) * dx + (y - a.y) * dy) / squared));
    const radius = widths[0] + share * (widths[1] - widths[0]);
    const side = ((x - a.x) * dy - (y - a.y) * dx) / length / radius;
    const distance = Math.hypot(x - a.x - share * dx, y - a.y - share * dy) - radius;
    // A rounded rod: darker at its rim.
    const shade = 1 - 0.35 * Math.min(1, side * side);
    const color = mark(share, side);
    return { distance, color: [shade * color[0], shade * color[1], shade * color[2]] };
  });
};

/** A joint: a disc with a bolt. */
const layJoint = (canvas: Canvas, at: Point, radius: number, rim: Color, bolt: Color): void => {
  const reach = {
    left: at.x - radius - 1,
    right: at.x + radius + 1,
    top: at.y - radius - 1,
    bottom: at.y + radius + 1,
  };
  lay(canvas, reach, (x, y) => {
    const away = Math.hypot(x - at.x, y - at.y);
    return { distance: away - radius, color: away < 0.45 * radius ? bolt : rim };
  });
};

const orange: Color = [232, 122, 30];
const dark: Color = [48, 50, 58];
const steel: Color = [168, 176, 186];
const blue: Color = [40, 92, 178];
const yellow: Color = [240, 204, 60];
const white: Color = [236, 236, 230];

const layArm = (canvas: Canvas, { points, handAngle }: Pose, scale: number): void => {
  const [base, shoulder, elbow, wrist, tip] = points;
  const block = { half: 24 * scale, top: shoulder.y + 2 * scale, bottom: base.y + 6 * scale };
  const around = {
    left: base.x - block.half,
    right: base.x + block.half,
    top: block.top,
    bottom: block.bottom,
  };
  lay(canvas, around, (x, y) => ({
    distance: Math.max(Math.abs(x - base.x) - block.half, block.top - y, y - block.bottom),
    color:
      y > block.bottom - 7 * scale
        ? Math.floor((x - base.x) / (6 * scale)) % 2 === 0
          ? yellow
          : dark
        : dark,
  }));
  layLink(canvas, shoulder, elbow, [11 * scale, 9 * scale], (share) =>
    share > 0.3 && share < 0.42 ? dark : share > 0.5 && share < 0.56 ? white : orange,
  );
  layLink(canvas, elbow, wrist, [8.5 * scale, 6.5 * scale], (share, side) =>
    share > 0.55 && share < 0.75 ? (side > 0 ? yellow : blue) : steel,
  );
  const spread = 0.32;
  for (const turn of [-spread, spread]) {
    const knuckle = along(wrist, handAngle + 1.6 * turn, 0.55 * lengths.hand * scale);
    layLink(canvas, wrist, knuckle, [4.5 * scale, 3.5 * scale], () => dark);
    layLink(canvas, knuckle, tip, [3.5 * scale, 3 * scale], (share) => (share > 0.5 ? [196, 40, 44] : dark));
  }
  layJoint(canvas, shoulder, 13 * scale, steel, dark);
  layJoint(canvas, elbow, 10.5 * scale, dark, orange);
  layJoint(canvas, wrist, 8 * scale, blue, white);
};

const noiseSd = 3;

/**
 * One frame: backdrop, what `layObject` draws on it, light and noise.
 * @param random of this frame's noise
 */
export const renderFrame = (
  { backdrop, pan, light: { gain, direction, cast } }: Surroundings,
  t: number,
  random: Random,
  layObject: (canvas: Canvas) => void,
): PixelImage => {
  const { width, height } = armSize;
  const canvas: Canvas = { data: new Float32Array(3 * width * height), width, height };
  const panX = Math.round(swingAt(pan.x, t));
  const panY = Math.round(swingAt(pan.y, t));
  for (let y = 0; y < height; y++) {
    const from = 3 * ((y + panY) * backdropSize.width + panX);
    canvas.data.set(backdrop.subarray(from, from + 3 * width), 3 * y * width);
  }
  layObject(canvas);
  const [bright, angle] = [swingAt(gain, t), swingAt(direction, t)];
  const [slopeX, slopeY] = [0.3 * Math.cos(angle), 0.3 * Math.sin(angle)];
  const data = new Uint8ClampedArray(canvas.data.length);
  for (let i = 0, at = 0; i < width * height; i++) {
    const x = (i % width) / width - 0.5;
    const y = Math.floor(i / width) / height - 0.5;
    const light = bright * (1 + slopeX * x + slopeY * y);
    for (let c = 0; c < 3; c++, at++)
      data[at] = canvas.data[at] * light * cast[c] + random.normal(0, noiseSd);
  }
  return { data, width, height, channels: 3 };
};

/** The frames of a clip, and where the points are in each, pixels. @param clip whole number: another scene each */
export const drawArmClip = (clip: number): { frames: Iterable<PixelImage>; truth: Point[][] } => {
  const scene = drawScene(clip);
  function* frames(): Generator<PixelImage> {
    for (let t = 0; t < armFrames; t++)
      yield renderFrame(scene, t, createRandom(17, clip, t), (canvas) => {
        layArm(canvas, poseAt(scene, t), scene.scale);
      });
  }
  return { frames: frames(), truth: Array.from({ length: armFrames }, (_, t) => poseAt(scene, t).points) };
};
