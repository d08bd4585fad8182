import { describe, expect, test } from 'vitest';
import { applySimilarity, createSimilarity } from '../../src/geometry/similarity.ts';
import { deformationOf, greatestDeformation, objectDisc } from '../../src/train/pairs/deformation.ts';
import type { FlowField } from '../../src/flow/optical-flow.ts';

const side = 64;
const disc = objectDisc({ width: side, height: side }, { centerX: 0.5, centerY: 0.5, side: 1 }, 0.75);
const allValid = new Uint8Array(side * side).fill(1);

/** The flow of a similarity about the middle, and more in a square of it. */
const flowOf = (patch: { x: number; y: number; half: number; by: number }): FlowField => {
  const flow = {
    ...{ width: side, height: side },
    x: new Float32Array(side * side),
    y: new Float32Array(side * side),
  };
  const whole = createSimilarity(1.05, 0.08, { x: 3, y: -2 });
  for (let i = 0; i < side * side; i++) {
    const place = { x: (i % side) + 0.5 - side / 2, y: Math.floor(i / side) + 0.5 - side / 2 };
    const to = applySimilarity(whole, place);
    const isPatch = Math.max(Math.abs(place.x - patch.x), Math.abs(place.y - patch.y)) < patch.half;
    flow.x[i] = to.x - place.x;
    flow.y[i] = to.y - place.y + (isPatch ? patch.by : 0);
  }
  return flow;
};

const at = (plane: Float32Array, x: number, y: number): number => plane[(y + side / 2) * side + x + side / 2];

describe('deformation', () => {
  test('is nothing where all moves by one similarity, however far', () => {
    const own = deformationOf(flowOf({ x: 0, y: 0, half: 0, by: 0 }), allValid, disc);
    expect(Math.max(...own)).toBeLessThan(1e-3);
  });

  test('is what a part moves apart from the whole, which the part does not carry along', () => {
    const own = deformationOf(flowOf({ x: 0, y: 10, half: 6, by: 4 }), allValid, disc);
    expect(Math.abs(at(own, 0, 10) - 4)).toBeLessThan(0.1);
    expect(at(own, 0, -10)).toBeLessThan(0.1);
    expect(Math.abs(greatestDeformation(own, disc) - 4)).toBeLessThan(0.1);
  });

  test('leaves out what lies beside the object, and flow that is not valid', () => {
    const beside = deformationOf(flowOf({ x: 0, y: 29, half: 3, by: 4 }), allValid, disc);
    expect(greatestDeformation(beside, disc)).toBeLessThan(0.1);
    const valid = allValid.map((_, i) => (Math.floor(i / side) > side / 2 ? 0 : 1));
    const hidden = deformationOf(flowOf({ x: 0, y: 10, half: 6, by: 4 }), valid, disc);
    expect(greatestDeformation(hidden, disc)).toBeLessThan(0.1);
  });

  test('is not known where next to no flow is valid', () => {
    const own = deformationOf(flowOf({ x: 0, y: 0, half: 6, by: 4 }), new Uint8Array(side * side), disc);
    expect(own).toEqual(new Float32Array(side * side));
  });
});
