/** The places that are weighed around the nearest cell of a reference, for the matching head and its CPU twin. */
import type { Point } from '../geometry/coordinates.ts';

/**
 * Cells from a match to the furthest cell, and place, that counts. With fewer a match trembles where two cells are equally
 * near: the square around it jumps with the nearest. Of sixty noisy faces the worst one's points trembled by 0.9 pixels of
 * the crop with two cells, 0.3 with three.
 */
const reach = 3;
export const cellsPerSide = 2 * reach + 1;
/** Places per cell and axis: on cells and half way between them. Finer ones gain nothing. */
const placesPerCell = 2;
export const placesPerSide = 2 * reach * placesPerCell + 1;

/** The softmax's temperature over the network's: between cells cosines fall off less. */
export const placeTemperature = 5 / 8;

/** Least squared length of an embedding between cells: of opposite ones nothing is left. */
export const leastSquare = 1e-6;

const square = (side: number, step: number): Point[] =>
  Array.from({ length: side * side }, (_, i) => ({
    x: (i % side) * step - reach,
    y: Math.floor(i / side) * step - reach,
  }));

/** (49) from the nearest cell to its neighbours, row by row; cells. */
export const cellShifts: readonly Point[] = /* @__PURE__ */ square(cellsPerSide, 1);

/** (169) from the nearest cell to the places around it; cells. */
export const placeShifts: readonly Point[] = /* @__PURE__ */ square(placesPerSide, 1 / placesPerCell);

/** (7) of (13): how much a cell of a side counts in the linear mean at a place of that side. */
export const sideWeights: readonly (readonly number[])[] = /* @__PURE__ */ Array.from(
  { length: cellsPerSide },
  (_, cell) =>
    Array.from({ length: placesPerSide }, (_entry, place) =>
      Math.max(0, 1 - Math.abs(place / placesPerCell - cell)),
    ),
);
