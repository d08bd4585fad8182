import type { Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';

/** One sweep over the frame with crops of one size and direction. */
export type SearchPass = {
  /** Side of the crops over the frame's shorter side. */ side: number;
  /** From one crop to the next, in crop sides. */ stride: number;
  /** Clockwise, radians. */ rotation: number;
};

const turn = (40 / 180) * Math.PI;

/**
 * What is looked at. A crop reaches objects of about half to one and a half of its own ROI size, a little turned and a
 * little beside its middle, so that these passes overlap. `near` is what people hold into a camera: it is swept first,
 * and again and again while `far`, which takes long, is under way. The first far pass comes right after the first near
 * round: it catches most faces down to a twelfth of the frame, so that they, too, are found within half a second.
 */
export const defaultPasses: { near: readonly SearchPass[]; far: readonly SearchPass[] } = {
  near: [
    { side: 0.9, stride: 0.5, rotation: 0 },
    { side: 0.5, stride: 0.5, rotation: 0 },
    { side: 0.7, stride: 0.5, rotation: turn },
    { side: 0.7, stride: 0.5, rotation: -turn },
  ],
  far: [
    { side: 0.27, stride: 0.6, rotation: 0 },
    { side: 0.35, stride: 0.5, rotation: turn },
    { side: 0.35, stride: 0.5, rotation: -turn },
    { side: 0.15, stride: 0.5, rotation: 0 },
    { side: 0.18, stride: 0.5, rotation: turn },
    { side: 0.18, stride: 0.5, rotation: -turn },
  ],
};

/** Centres along one axis, evenly spread so that the crops cover it. */
const centersAlong = (length: number, side: number, step: number): number[] => {
  const gaps = Math.max(0, Math.ceil((length - side) / step - 0.25));
  return Array.from({ length: gaps + 1 }, (_, index) =>
    gaps === 0 ? length / 2 : side / 2 + ((length - side) * index) / gaps,
  );
};

/** The crops of one pass, the middle of the frame first. @param frame image pixels */
export const passRois = ({ side, stride, rotation }: SearchPass, frame: Size): Roi[] => {
  const size = side * Math.min(frame.width, frame.height);
  const columns = centersAlong(frame.width, size, stride * size);
  const rows = centersAlong(frame.height, size, stride * size);
  const distance = ({ center }: Roi): number =>
    Math.hypot(center.x - frame.width / 2, center.y - frame.height / 2);
  return rows
    .flatMap((y) => columns.map((x): Roi => ({ center: { x, y }, size, rotation })))
    .sort((a, b) => distance(a) - distance(b));
};

/** Goes through passes crop by crop, round and round. */
export class Sweep {
  readonly #passes: readonly SearchPass[];
  #pass = 0;
  #waiting: Roi[] = [];
  #rounds = 0;
  #passesDone = 0;

  constructor(passes: readonly SearchPass[]) {
    this.#passes = passes;
  }

  /** How often all passes were gone through. */
  get rounds(): number {
    return this.#rounds;
  }

  /** How many passes were gone through, counted over all rounds. */
  get passesDone(): number {
    return this.#passesDone;
  }

  /**
   * The next crop, image pixels, and whether it is the last of its pass.
   * @param frame image pixels; must stay the same until `reset`
   */
  next(frame: Size): { roi: Roi; endsPass: boolean } {
    if (this.#waiting.length === 0) this.#waiting = passRois(this.#passes[this.#pass], frame).reverse();
    const roi = this.#waiting.pop();
    if (roi === undefined) throw new RangeError('a search pass without crops');
    const endsPass = this.#waiting.length === 0;
    if (endsPass) {
      this.#passesDone++;
      this.#pass = (this.#pass + 1) % this.#passes.length;
      if (this.#pass === 0) this.#rounds++;
    }
    return { roi, endsPass };
  }

  /** Starts at the first pass again. */
  reset(): void {
    this.#pass = 0;
    this.#waiting = [];
    this.#rounds = 0;
    this.#passesDone = 0;
  }
}
