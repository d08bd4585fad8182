/**
 * What others would do: points carried from frame to frame from the exact first one. Pyramidal Lucas–Kanade with the
 * defaults of OpenCV's `calcOpticalFlowPyrLK` (Bouguet 2000: window 21, three halvings, 30 rounds or 0.01 pixels), and
 * the project's own dense flow, chained.
 */
import type { Point } from '../../../src/geometry/coordinates.ts';
import { disFlow, rgbToGray, type GrayImage } from '../../../src/flow/optical-flow.ts';
import { halve, sampleBilinear } from '../../../src/flow/plane.ts';
import type { PixelImage } from '../../../src/pipeline/crop.ts';

const half = 10;
const halvings = 3;
const rounds = 30;
const shortestStep = 0.01;

const pyramidOf = (picture: GrayImage): GrayImage[] => {
  const levels = [picture];
  for (let level = 0; level < halvings; level++) levels.push(halve(levels[level]));
  return levels;
};

/** Displacement of a patch at one level. @param x, y array position in `a` */
const followPatch = (a: GrayImage, b: GrayImage, x: number, y: number, start: Point): Point => {
  const count = (2 * half + 1) ** 2;
  const [values, slopesX, slopesY] = [
    new Float64Array(count),
    new Float64Array(count),
    new Float64Array(count),
  ];
  let [xx, xy, yy] = [0, 0, 0];
  for (let v = -half, i = 0; v <= half; v++) {
    for (let u = -half; u <= half; u++, i++) {
      values[i] = sampleBilinear(a, x + u, y + v);
      slopesX[i] = (sampleBilinear(a, x + u + 1, y + v) - sampleBilinear(a, x + u - 1, y + v)) / 2;
      slopesY[i] = (sampleBilinear(a, x + u, y + v + 1) - sampleBilinear(a, x + u, y + v - 1)) / 2;
      xx += slopesX[i] ** 2;
      xy += slopesX[i] * slopesY[i];
      yy += slopesY[i] ** 2;
    }
  }
  const determinant = xx * yy - xy * xy;
  let { x: dx, y: dy } = start;
  if (!(determinant > 1e-6)) return { x: dx, y: dy };
  for (let round = 0; round < rounds; round++) {
    let [ex, ey] = [0, 0];
    for (let v = -half, i = 0; v <= half; v++) {
      for (let u = -half; u <= half; u++, i++) {
        const difference = values[i] - sampleBilinear(b, x + u + dx, y + v + dy);
        ex += difference * slopesX[i];
        ey += difference * slopesY[i];
      }
    }
    const stepX = (yy * ex - xy * ey) / determinant;
    const stepY = (xx * ey - xy * ex) / determinant;
    dx += stepX;
    dy += stepY;
    if (stepX * stepX + stepY * stepY < shortestStep ** 2) break;
  }
  return { x: dx, y: dy };
};

/** Carries points from one picture to the next. */
type Carry = (from: GrayImage, to: GrayImage, points: readonly Point[]) => Point[];

/** Points in pixels; array positions are half a pixel less. */
export const lucasKanade: Carry = (from, to, points) => {
  const [a, b] = [pyramidOf(from), pyramidOf(to)];
  return points.map((point) => {
    let motion = { x: 0, y: 0 };
    for (let level = halvings; level >= 0; level--) {
      const scale = 2 ** level;
      motion = followPatch(a[level], b[level], point.x / scale - 0.5, point.y / scale - 0.5, motion);
      if (level > 0) motion = { x: 2 * motion.x, y: 2 * motion.y };
    }
    return { x: point.x + motion.x, y: point.y + motion.y };
  });
};

export const ownFlow: Carry = (from, to, points) => {
  const { width, height, x, y } = disFlow(from, to);
  return points.map((point) => ({
    x: point.x + sampleBilinear({ width, height, data: x }, point.x - 0.5, point.y - 0.5),
    y: point.y + sampleBilinear({ width, height, data: y }, point.x - 0.5, point.y - 0.5),
  }));
};

/**
 * Points of every frame, each carried from the frame before.
 * @param first where they are in the first frame; undefined where that is not known: such a point is nowhere
 */
export const chain = async (
  frames: AsyncIterable<PixelImage> | Iterable<PixelImage>,
  first: readonly Point[],
  carries: Readonly<Record<string, Carry>>,
): Promise<Record<string, Point[][]>> => {
  const tracks = Object.fromEntries(Object.keys(carries).map((name) => [name, [[...first]]]));
  let before: GrayImage | undefined;
  for await (const { data, width, height, channels } of frames) {
    const gray = rgbToGray(data, width, height, channels);
    if (before !== undefined) {
      for (const [name, carry] of Object.entries(carries)) {
        tracks[name].push(carry(before, gray, tracks[name][tracks[name].length - 1]));
      }
    }
    before = gray;
  }
  return tracks;
};
