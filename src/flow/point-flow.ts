import type { Point } from '../geometry/coordinates.ts';
import { invertSimilarity, type Similarity } from '../geometry/similarity.ts';
import { halve, sampleBilinear, type GrayImage } from './plane.ts';

/** Where a point of one picture is in the next one, and how sure that is. */
export type CarriedPoint = {
  /** Pixels of the second picture. */ x: number;
  y: number;
  /** Covariance of the place by noise and texture, pixels²; along an edge it is large. */
  xx: number;
  xy: number;
  yy: number;
  /** How far from its start the way back ends, pixels of the first picture: large where the point is hidden. */
  miss: number;
  /** Share of the patch's contrast that is another one in the second picture, 0–1. */ unlike: number;
};

/** Sides of a patch are 2 · half + 1 pixels, at every level. */
const half = 4;
const area = (2 * half + 1) ** 2;
const iterations = 8;
/** Steps shorter than this end the descent, pixels. */
const shortestStep = 0.01;
/** Levels stop before the shorter side falls below this, pixels. */
const coarsestSide = 24;
/** Least standard deviation of a pixel's noise that is counted with, of 255. */
const leastNoise = 1.5;
/** Smallest eigenvalue of the structure tensor that counts, so that plain patches stay finite. */
const leastTexture = 4;

/** How much more or less contrast the same patch may have in the next frame. */
const greatestGain = 1.4;

/** A picture and its halves, the finest first. */
export type Pyramid = readonly GrayImage[];

export const createPyramid = (picture: GrayImage): Pyramid => {
  const levels = [picture];
  for (let level = picture; Math.min(level.width, level.height) >= 2 * coarsestSide;) {
    level = halve(level);
    levels.push(level);
  }
  return levels;
};

/** What one patch is compared with: its values and slopes, freed of their means. */
type Template = { values: Float64Array; slopesX: Float64Array; slopesY: Float64Array };

const createTemplate = (): Template => ({
  values: new Float64Array(area),
  slopesX: new Float64Array(area),
  slopesY: new Float64Array(area),
});

/** Takes the mean off. */
const center = (values: Float64Array): void => {
  let sum = 0;
  for (let i = 0; i < area; i++) sum += values[i];
  const mean = sum / area;
  for (let i = 0; i < area; i++) values[i] -= mean;
};

/** @param x, y array position */
const readTemplate = (
  { values, slopesX, slopesY }: Template,
  picture: GrayImage,
  x: number,
  y: number,
): void => {
  for (let v = -half, i = 0; v <= half; v++) {
    for (let u = -half; u <= half; u++, i++) {
      values[i] = sampleBilinear(picture, x + u, y + v);
      slopesX[i] =
        (sampleBilinear(picture, x + u + 1, y + v) - sampleBilinear(picture, x + u - 1, y + v)) / 2;
      slopesY[i] =
        (sampleBilinear(picture, x + u, y + v + 1) - sampleBilinear(picture, x + u, y + v - 1)) / 2;
    }
  }
  center(values);
  center(slopesX);
  center(slopesY);
};

/** Inverse of the structure tensor of a template, with a floor below its eigenvalues. */
const inverseTensor = ({ slopesX, slopesY }: Template): { xx: number; xy: number; yy: number } => {
  let xx = leastTexture;
  let xy = 0;
  let yy = leastTexture;
  for (let i = 0; i < area; i++) {
    xx += slopesX[i] * slopesX[i];
    xy += slopesX[i] * slopesY[i];
    yy += slopesY[i] * slopesY[i];
  }
  const determinant = xx * yy - xy * xy;
  return { xx: yy / determinant, xy: -xy / determinant, yy: xx / determinant };
};

/**
 * Carries points from one picture to another by the patch around each: inverse compositional Lucas–Kanade, coarse to
 * fine (Baker and Matthews, IJCV 2004; Bouguet 2000), indifferent to brightness and contrast, with the patch bent as a similarity
 * says.
 */
class PatchCarrier {
  readonly #template = createTemplate();
  readonly #values = new Float64Array(area);

  /**
   * @param point pixels of the first picture
   * @param guess first picture → second picture
   * @param place pixels of the second picture: where the search starts
   */
  carry(
    from: Pyramid,
    to: Pyramid,
    point: Point,
    guess: Similarity,
    place: Point,
  ): Omit<CarriedPoint, 'miss'> {
    const { a, b } = guess;
    let [x, y] = [place.x, place.y];
    let covariance = { xx: 0, xy: 0, yy: 0 };
    let unlike = 0;
    for (let level = Math.min(from.length, to.length) - 1; level >= 0; level--) {
      const scale = 2 ** level;
      // Array positions are half a pixel less than coordinates.
      readTemplate(this.#template, from[level], point.x / scale - 0.5, point.y / scale - 0.5);
      const inverse = inverseTensor(this.#template);
      const limit = 2 * half;
      let [atX, atY] = [x / scale - 0.5, y / scale - 0.5];
      const [startX, startY] = [atX, atY];
      let squares = 0;
      for (let iteration = 0; iteration < iterations; iteration++) {
        const slope = this.#compare(to[level], atX, atY, a, b);
        squares = slope.squares;
        const u = inverse.xx * slope.x + inverse.xy * slope.y;
        const v = inverse.xy * slope.x + inverse.yy * slope.y;
        // The step is one of the template: in the second picture it is bent like the patch.
        atX -= a * u - b * v;
        atY -= b * u + a * v;
        if (Math.hypot(atX - startX, atY - startY) > limit) {
          [atX, atY] = [startX, startY];
          break;
        }
        if (u * u + v * v < shortestStep ** 2) break;
      }
      [x, y] = [(atX + 0.5) * scale, (atY + 0.5) * scale];
      const noise = Math.max(leastNoise ** 2, squares / (area - 3));
      covariance = { xx: noise * inverse.xx, xy: noise * inverse.xy, yy: noise * inverse.yy };
      unlike = squares / (squares + this.#contrast());
    }
    return { x, y, ...covariance, unlike };
  }

  /** Sum of the squares of the template. */
  #contrast(): number {
    const { values } = this.#template;
    let sum = 1;
    for (let i = 0; i < area; i++) sum += values[i] * values[i];
    return sum;
  }

  /** Difference to the template at (x, y): right-hand side of the step, and its sum of squares. */
  #compare(picture: GrayImage, x: number, y: number, a: number, b: number) {
    const values = this.#values;
    const { values: wanted, slopesX, slopesY } = this.#template;
    for (let v = -half, i = 0; v <= half; v++) {
      for (let u = -half; u <= half; u++, i++) {
        values[i] = sampleBilinear(picture, x + a * u - b * v, y + b * u + a * v);
      }
    }
    center(values);
    let both = 0;
    let own = 1;
    for (let i = 0; i < area; i++) {
      both += values[i] * wanted[i];
      own += wanted[i] * wanted[i];
    }
    // Light that changes by more than this is another patch.
    const gain = Math.min(greatestGain, Math.max(1 / greatestGain, both / own));
    let slopeX = 0;
    let slopeY = 0;
    let squares = 0;
    for (let i = 0; i < area; i++) {
      const difference = values[i] / gain - wanted[i];
      slopeX += difference * slopesX[i];
      slopeY += difference * slopesY[i];
      squares += difference * difference;
    }
    return { x: slopeX, y: slopeY, squares };
  }
}

/**
 * Where points of one picture are in another one, there and back. Follows up to about a tenth of the picture's side
 * beside the guess.
 * @param points pixels of the first picture
 * @param guess first picture → second picture: how the whole is known to move, apart from what is to be found out
 */
export const carryPoints = (
  from: Pyramid,
  to: Pyramid,
  points: readonly Point[],
  guess: Similarity,
): CarriedPoint[] => {
  const carrier = new PatchCarrier();
  const back = invertSimilarity(guess);
  const moved = ({ a, b, x0, y0 }: Similarity, { x, y }: Point): Point => ({
    x: a * x - b * y + x0,
    y: b * x + a * y + y0,
  });
  return points.map((point) => {
    const there = carrier.carry(from, to, point, guess, moved(guess, point));
    const again = carrier.carry(to, from, there, back, moved(back, there));
    return { ...there, miss: Math.hypot(again.x - point.x, again.y - point.y) };
  });
};
