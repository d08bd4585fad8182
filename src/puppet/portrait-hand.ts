/** Moves of a portrait by hand: places that were dragged somewhere, and what lies around them. */
import { factorizeInPlace, solveFactored } from '../geometry/positive-definite.ts';

type Drag = { x: number; y: number; dx: number; dy: number };

/** A smooth field of moves that takes every dragged place exactly where it was dragged. */
export class HandMoves {
  readonly #drags = new Map<number, Drag>();
  readonly #width: number;
  #weights: Float64Array = new Float64Array(0);

  /** @param width how far around a place goes along, pixels: standard deviation */
  constructor(width: number) {
    this.#width = width;
  }

  get isEmpty(): boolean {
    return this.#drags.size === 0;
  }

  /** @param place of a landmark where it is at rest @param move from there, pixels */
  set(landmark: number, place: { x: number; y: number }, move: { x: number; y: number }): void {
    this.#drags.set(landmark, { ...place, dx: move.x, dy: move.y });
    this.#solve();
  }

  /** @param landmark undefined: all */
  release(landmark?: number): void {
    if (landmark === undefined) this.#drags.clear();
    else this.#drags.delete(landmark);
    this.#solve();
  }

  /** How a place at rest is moved, pixels. */
  at(x: number, y: number): [number, number] {
    let [dx, dy, n] = [0, 0, 0];
    for (const drag of this.#drags.values()) {
      const share = this.#near(drag.x - x, drag.y - y);
      dx += share * this.#weights[n];
      dy += share * this.#weights[this.#drags.size + n];
      n++;
    }
    return [dx, dy];
  }

  #near(dx: number, dy: number): number {
    return Math.exp(-(dx * dx + dy * dy) / (2 * this.#width ** 2));
  }

  #solve(): void {
    const drags = [...this.#drags.values()];
    const n = drags.length;
    const matrix = Float64Array.from({ length: n * n }, (_, at) => {
      const [a, b] = [drags[Math.floor(at / n)], drags[at % n]];
      // Two landmarks at one place cannot both have their will.
      return this.#near(a.x - b.x, a.y - b.y) + (a === b ? 1e-3 : 0);
    });
    factorizeInPlace(matrix, n);
    const moves = Float64Array.of(...drags.map(({ dx }) => dx), ...drags.map(({ dy }) => dy));
    this.#weights = n === 0 ? moves : solveFactored(matrix, n, moves);
  }
}
