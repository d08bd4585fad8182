import { carryPoints, createPyramid, type CarriedPoint, type Pyramid } from '../flow/point-flow.ts';
import type { GrayImage } from '../flow/plane.ts';
import type { Point } from '../geometry/coordinates.ts';
import { cropToImage, imageToCrop, type Roi } from '../geometry/roi.ts';
import type { Similarity } from '../geometry/similarity.ts';
import { MotionFilter, type Carried, type FilteredPoint } from '../landmarks/motion-filter.ts';

/** Side of the grey squares that motion is followed in, pixels: a patch of nine is a tenth of the object there. */
export const motionSide = 192;

/** How one square lies in another: pixels of the first → pixels of the second, both `motionSide` wide. */
const betweenSquares = (from: Roi, to: Roi): Similarity => {
  const scale = from.size / to.size;
  const turn = from.rotation - to.rotation;
  const { x: x0, y: y0 } = imageToCrop(cropToImage({ x: 0, y: 0 }, from, motionSide), to, motionSide);
  return { a: scale * Math.cos(turn), b: scale * Math.sin(turn), x0, y0 };
};

/** A carried point in image pixels, its covariance turned along. */
const toImage = ({ x, y, xx, xy, yy, miss, unlike }: CarriedPoint, roi: Roi): Carried => {
  const unit = roi.size / motionSide;
  const [cos, sin] = [unit * Math.cos(roi.rotation), unit * Math.sin(roi.rotation)];
  return {
    ...cropToImage({ x, y }, roi, motionSide),
    xx: cos * cos * xx - 2 * cos * sin * xy + sin * sin * yy,
    xy: cos * sin * (xx - yy) + (cos * cos - sin * sin) * xy,
    yy: sin * sin * xx + 2 * cos * sin * xy + cos * cos * yy,
    miss: miss * unit,
    unlike,
  };
};

/** What the network saw of a frame. */
export type Sight = {
  /** Square that it looked through, image pixels. */ roi: Roi;
  /** (N) image pixels. */ points: readonly Point[];
  /** (N) how sure they are, 0–1. */ certainties: ArrayLike<number>;
};

/**
 * The brightness of one square of a frame, in memory.
 * @param roi image pixels; it may reach beyond the frame's edges
 * @param side S, pixels
 * @returns (S, S), 0–255
 */
export type GrayCropper<Frame> = (frame: Frame, roi: Roi, side: number) => GrayImage | Promise<GrayImage>;

/**
 * Follows the points of one object by motion and match together: the last frame's points are carried into this one by
 * the patches around them, in grey squares of both frames, and the match corrects what motion gets wrong.
 */
export class MotionFollower<Frame> {
  readonly #gray: GrayCropper<Frame>;
  readonly #filter = new MotionFilter();
  #last: { pyramid: Pyramid; roi: Roi } | undefined;

  constructor(gray: GrayCropper<Frame>) {
    this.#gray = gray;
  }

  /** Forgets everything: the next frame sets all points anew. */
  reset(): void {
    this.#filter.reset();
    this.#last = undefined;
  }

  /** @returns (N) image pixels */
  async step(frame: Frame, { roi, points, certainties }: Sight): Promise<FilteredPoint[]> {
    const pyramid = createPyramid(await this.#gray(frame, roi, motionSide));
    const carried = this.#carry(pyramid, roi);
    this.#last = { pyramid, roi };
    return this.#filter.step({
      matches: points,
      certainties,
      ...(carried && { carried }),
      size: roi.size,
    });
  }

  #carry(pyramid: Pyramid, roi: Roi): Carried[] | undefined {
    const last = this.#last;
    const before = this.#filter.points;
    if (last === undefined || before.length === 0) return undefined;
    const inLast = before.map((point) => imageToCrop(point, last.roi, motionSide));
    const guess = betweenSquares(last.roi, roi);
    return carryPoints(last.pyramid, pyramid, inLast, guess).map((point) => toImage(point, roi));
  }
}
