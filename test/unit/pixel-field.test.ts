import { describe, expect, it } from 'vitest';
import { cellPlace, type Correspondence } from '../../src/correspond/correspondence.ts';
import { pixelField } from '../../src/correspond/pixel-field.ts';
import { InputError } from '../../src/errors.ts';
import type { Point } from '../../src/geometry/coordinates.ts';

const side = 8;

/** A field on cells of 4 pixels, its square from (10, 20) to (42, 52). */
const fieldOf = (
  placeOf: (home: Point, column: number) => Point,
  isMutual: (column: number) => boolean = () => true,
) => {
  const field: Correspondence = {
    from: { center: { x: 26, y: 36 }, size: 32, rotation: 0 },
    to: { center: { x: 200, y: 100 }, size: 64, rotation: 0 },
    ...{ columns: side, rows: side, confidences: new Float32Array(side * side).fill(0.5) },
    places: new Float32Array(2 * side * side),
    mutual: new Uint8Array(side * side),
  };
  for (let cell = 0; cell < side * side; cell++) {
    const column = cell % side;
    const place = placeOf(cellPlace(field, column, Math.floor(cell / side)), column);
    field.places.set([place.x, place.y], 2 * cell);
    field.mutual[cell] = isMutual(column) ? 1 : 0;
  }
  return field;
};
const twice = ({ x, y }: Point): Point => ({ x: 2 * x + 148, y: 2 * y + 28 });
const size = { width: 50, height: 60 };
const at = (column: number, row: number): number => row * size.width + column;

describe('pixelField', () => {
  it('has a place for every pixel of the square, between those of the cells, and none outside', () => {
    const { places, confidences, mutual, width, height } = pixelField(fieldOf(twice), size);
    expect([width, height]).toEqual([50, 60]);
    for (const [column, row] of [
      [12, 22],
      [13, 35],
      [39, 49],
    ]) {
      const pixel = at(column, row);
      expect(places[2 * pixel]).toBeCloseTo(2 * (column + 0.5) + 148, 3);
      expect(places[2 * pixel + 1]).toBeCloseTo(2 * (row + 0.5) + 28, 3);
      expect([confidences[pixel], mutual[pixel]]).toEqual([0.5, 1]);
    }
    for (const pixel of [at(9, 30), at(42, 30), at(20, 19), at(20, 52)]) {
      expect(places[2 * pixel]).toBeNaN();
      expect([confidences[pixel], mutual[pixel]]).toEqual([0, 0]);
    }
  });

  it('takes nothing from cells that are not mutual beside some that are', () => {
    // The right half of the cells is matched anywhere.
    const torn = (home: Point, column: number): Point => (column < 4 ? twice(home) : { x: 999, y: 999 });
    const { places, mutual } = pixelField(
      fieldOf(torn, (column) => column < 4),
      size,
    );
    // Between the last good column's centre, 24, and the first bad one's, 28.
    for (const column of [24, 25, 26, 27]) {
      expect(places[2 * at(column, 36)]).toBeCloseTo(2 * (column + 0.5) + 148, 3);
      expect(mutual[at(column, 36)]).toBe(column < 26 ? 1 : 0);
    }
    expect(places[2 * at(30, 36)]).toBeCloseTo(999, 3);
  });

  it('carries cells on as the squares are turned', () => {
    const turned: Correspondence = {
      ...fieldOf(
        ({ x, y }) => ({ x: -2 * y, y: 2 * x }),
        (column) => column < 4,
      ),
      to: { center: { x: 0, y: 0 }, size: 64, rotation: Math.PI / 2 },
    };
    const { places } = pixelField(turned, size);
    const pixel = at(26, 36);
    expect(places[2 * pixel]).toBeCloseTo(-2 * 36.5, 3);
    expect(places[2 * pixel + 1]).toBeCloseTo(2 * 26.5, 3);
  });

  it.each([0, -3, 2.5, NaN, 1e6])('refuses a width of %s', (width) => {
    expect(() => pixelField(fieldOf(twice), { width, height: 1000 })).toThrow(InputError);
  });
});
