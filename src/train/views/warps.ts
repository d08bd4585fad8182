import type { Point } from '../../geometry/coordinates.ts';
import { cellCenter } from '../../geometry/coordinates.ts';
import { thinPlateSplineMatrix } from '../../geometry/thin-plate-spline.ts';
import { applyGridMap, createGridMap, invertGridMap, latticeCells, leastAreaShare } from './grid-map.ts';
import type { CropPose, GridMap } from './grid-map.ts';
import type { Random } from '../../augment/random.ts';

export { createGridMap, invertGridMap } from './grid-map.ts';
export type { GridMap } from './grid-map.ts';

/** A map of points: writes the image of (x, y) into `out` and says how much it counts, 0 (not defined there) to 1. */
export type PointMap = (x: number, y: number, out: Float64Array) => number;

/** The canonical crop of a picture: the square that the evaluation and the tracker would cut. */
export type CropBase = {
  /** Fraction of the picture's width. */ centerX: number;
  /** Fraction of the picture's height. */ centerY: number;
  /** Fraction of the picture's shorter side. */ side: number;
};

export type WarpSettings = {
  /** Standard deviation of the rotation of each view, degrees. */ rotationSd: number;
  /** Standard deviation of the natural logarithm of each view's scale. */ logScaleSd: number;
  /** Share of the pairs of which one view draws its scale log-uniformly from `wideScaleRange` instead, 0–1. */
  wideScaleShare: number;
  /** Crop side over canonical side, least and most. */ wideScaleRange: [number, number];
  /** Standard deviation of the shift of each view along x and along y, in crop sides. */ translationSd: number;
  /**
   * Correlation between the scales and between the shifts of the two views, 0–1: each view keeps the whole range,
   * and fewer queries leave the other view.
   */
  poseCorrelation: number;
  /** Standard deviation of the natural logarithm of width over height. */ aspectSd: number;
  /** Standard deviation of the displacement of each thin-plate-spline control, in crop sides. */ bendSd: number;
  /**
   * Standard deviation of how far the middle of the object moves against its rim, along x and along y, canonical
   * sides: what turning a rounded object does to its picture.
   */
  turnSd: number;
  /** Standard deviation of the two perspective coefficients: relative change of scale over half a crop side. */
  perspectiveSd: number;
};

/** Spline controls per side; the outer ones lie on the edge of the crop. */
const controlsPerSide = 5;
/** No lattice cell may shrink below this share of the mean area: keeps the map one-to-one and its inverse stable. */
const minAreaShare = 0.2;

/** Radius of the rounded object that turns, canonical sides. */
const objectRadius = 0.38;

/** Draws views of pictures. Made once: the spline's matrix depends on its controls alone. */
export type WarpSampler = {
  /** Both views of a pair, as maps from crop pixels to picture pixels; a pure function of the random stream. */
  drawPair(picture: WarpSource, random: Random): [GridMap, GridMap];
};

/** What views are drawn of: a picture's size and its canonical crop. */
export type WarpSource = { width: number; height: number; base: CropBase };

/** Pose of one view before its bends. */
type ViewPose = {
  /** Crop side over canonical side. */ scale: number;
  /** Shift of the crop's centre, crop sides. */ shiftX: number;
  shiftY: number;
  /** Radians. */ rotation: number;
};

const lattice = (count: number): Point[] =>
  Array.from({ length: count * count }, (_, i) => ({
    x: (i % count) / (count - 1) - 0.5,
    y: Math.floor(i / count) / (count - 1) - 0.5,
  }));

/** Two normal numbers of standard deviation `sd` whose correlation is `poseCorrelation`. */
const drawTwo = ({ poseCorrelation }: WarpSettings, sd: number, random: Random): [number, number] => {
  const shared = Math.sqrt(poseCorrelation) * random.normal(0, sd);
  const own = Math.sqrt(1 - poseCorrelation);
  return [shared + own * random.normal(0, sd), shared + own * random.normal(0, sd)];
};

/** Logarithms of the scales of the source and of the target view. */
const drawLogScales = (settings: WarpSettings, random: Random): [number, number] => {
  const usual = drawTwo(settings, settings.logScaleSd, random);
  if (!random.chance(settings.wideScaleShare)) return usual;
  const [least, greatest] = settings.wideScaleRange;
  const pair = [usual[0], random.uniform(Math.log(least), Math.log(greatest))];
  const closer = Math.min(...pair);
  const farther = Math.max(...pair);
  // The closer view is the source, mostly: what it shows is in the other one, too, so its queries count.
  return random.chance(0.8) ? [closer, farther] : [farther, closer];
};

/** Poses of both views, each with the stream that the rest of its view is drawn from. */
const drawPoses = (settings: WarpSettings, random: Random): { view: ViewPose; stream: Random }[] => {
  const logScales = drawLogScales(settings, random);
  const shiftX = drawTwo(settings, settings.translationSd, random);
  const shiftY = drawTwo(settings, settings.translationSd, random);
  return [0, 1].map((index) => {
    const stream = random.split(index);
    const view: ViewPose = {
      scale: Math.exp(logScales[index]),
      shiftX: shiftX[index],
      shiftY: shiftY[index],
      rotation: (stream.normal(0, settings.rotationSd) * Math.PI) / 180,
    };
    return { view, stream };
  });
};

/** @param size side of the crops, pixels */
export const createWarpSampler = (size: number, settings: WarpSettings): WarpSampler => {
  const positions = lattice(latticeCells + 1);
  const controlCount = controlsPerSide ** 2;
  const spline = thinPlateSplineMatrix(lattice(controlsPerSide), positions);

  /** Displacement of each lattice node, crop sides: spline, perspective and turn together. */
  const drawBend = ({ scale, shiftX, shiftY, rotation }: ViewPose, random: Random): Float64Array => {
    const controls = Float64Array.from({ length: 2 * controlCount }, () => random.normal(0, settings.bendSd));
    const tiltX = random.normal(0, settings.perspectiveSd);
    const tiltY = random.normal(0, settings.perspectiveSd);
    const turnX = random.normal(0, settings.turnSd);
    const turnY = random.normal(0, settings.turnSd);
    const cos = Math.cos(rotation);
    const sin = Math.sin(rotation);
    const bend = new Float64Array(2 * positions.length);
    positions.forEach(({ x, y }, node) => {
      // A plane tilted away from the camera; x and y run from −0.5 to 0.5, hence the factor 2. The bound keeps
      // extreme draws finite.
      const depth = 1 / Math.max(0.3, 1 + 2 * (tiltX * x + tiltY * y));
      // The object stands upright about the canonical centre; its middle moves, its rim stays.
      const objectX = scale * (cos * x - sin * y + shiftX);
      const objectY = scale * (sin * x + cos * y + shiftY);
      const height = Math.max(0, 1 - (objectX * objectX + objectY * objectY) / objectRadius ** 2) ** 2;
      let dx = x * (depth - 1) + (height * (cos * turnX + sin * turnY)) / scale;
      let dy = y * (depth - 1) + (height * (cos * turnY - sin * turnX)) / scale;
      for (let j = 0; j < controlCount; j++) {
        const weight = spline[node * controlCount + j];
        dx += weight * controls[2 * j];
        dy += weight * controls[2 * j + 1];
      }
      bend[2 * node] = dx;
      bend[2 * node + 1] = dy;
    });
    return bend;
  };

  const drawView = (picture: WarpSource, view: ViewPose, random: Random): GridMap => {
    const { base } = picture;
    const side = base.side * Math.min(picture.width, picture.height) * view.scale;
    const aspect = Math.exp(random.normal(0, settings.aspectSd) / 2);
    const pose: CropPose = {
      center: {
        x: base.centerX * picture.width + side * view.shiftX,
        y: base.centerY * picture.height + side * view.shiftY,
      },
      width: side * aspect,
      height: side / aspect,
      rotation: view.rotation,
    };
    const bend = drawBend(view, random);
    for (;;) {
      const map = createGridMap(size, pose, bend);
      if (leastAreaShare(map) >= minAreaShare) return map;
      // Folded or nearly so: a map must stay one-to-one, so bend less until it does.
      for (let i = 0; i < bend.length; i++) bend[i] *= 0.7;
    }
  };

  const drawPair = (picture: WarpSource, random: Random): [GridMap, GridMap] => {
    const [source, target] = drawPoses(settings, random);
    return [drawView(picture, source.view, source.stream), drawView(picture, target.view, target.stream)];
  };
  return { drawPair };
};

/** One side of a pair: a map from crop pixels into a picture of this size, and what is hidden in the crop. */
export type View = {
  map: GridMap;
  /** Picture size, pixels. */ width: number;
  height: number;
  /** (size · size): 1 where something is drawn over the picture. */ occluded: Uint8Array;
};

/**
 * Where the centre of each source query cell lies in the target view.
 * @param between source picture pixels → target picture pixels; the identity by default (one picture, two views)
 * @param targets (queryGrid², 2) out: target crop pixels, xy; the crop's centre where not valid
 * @param valid (queryGrid²) out: where the position is inside both pictures and the target crop and not occluded, what
 *   `between` says it counts (1 without it); else 0
 */
export const correspond = (
  source: View,
  target: View,
  queryGrid: number,
  targets: Float32Array,
  valid: Float32Array,
  between?: PointMap,
): void => {
  const size = source.map.size;
  const stride = size / queryGrid;
  const point = new Float64Array(2);
  const hidden = ({ occluded }: View, x: number, y: number): boolean => {
    const column = Math.min(size - 1, Math.floor(x));
    const row = Math.min(size - 1, Math.floor(y));
    return occluded[row * size + column] !== 0;
  };
  const inside = ({ width, height }: View): boolean =>
    point[0] >= 0 && point[0] <= width && point[1] >= 0 && point[1] <= height;
  const locate = (x: number, y: number): number => {
    if (hidden(source, x, y)) return 0;
    applyGridMap(source.map, x, y, point);
    if (!inside(source)) return 0;
    const weight = between ? between(point[0], point[1], point) : 1;
    if (weight === 0 || !inside(target)) return 0;
    if (!invertGridMap(target.map, point[0], point[1], point)) return 0;
    return hidden(target, point[0], point[1]) ? 0 : weight;
  };
  for (let row = 0; row < queryGrid; row++) {
    for (let column = 0; column < queryGrid; column++) {
      const query = row * queryGrid + column;
      const center = cellCenter(column, row, stride);
      const weight = locate(center.x, center.y);
      const found = weight > 0;
      valid[query] = weight;
      // A finite placeholder: the loss multiplies by `valid`, and 0 · NaN would poison it.
      targets[2 * query] = found ? point[0] : size / 2;
      targets[2 * query + 1] = found ? point[1] : size / 2;
    }
  }
};
