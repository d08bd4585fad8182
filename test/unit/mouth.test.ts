import { describe, expect, test } from 'vitest';
import type { Point } from '../../src/geometry/coordinates.ts';
import { followedOpening, lips } from '../bench/mouth.ts';

/** 68 points of a face 100 pixels between its eyes, whose lips are `opening` of that apart. */
const face = (opening: number, size = 100): Point[] => {
  const points = Array.from({ length: 68 }, () => ({ x: 0, y: 0 }));
  points[45] = { x: size, y: 0 };
  points[lips.inner[1]] = { x: 0, y: opening * size };
  return points;
};

describe('followedOpening', () => {
  test('is the share of the opening that a track goes along with, whatever it is wrong by all the time', () => {
    const truth = [0, 0.1, 0.3, 0.2].map((opening) => face(opening));
    const track = [0, 0.1, 0.3, 0.2].map((opening) => face(0.05 + 0.4 * opening));
    expect(followedOpening(track, truth, lips.inner)).toBeCloseTo(0.4);
    expect(followedOpening(truth, truth, lips.inner)).toBeCloseTo(1);
    expect(followedOpening([face(0.1), face(0.1), face(0.1)], truth, lips.inner)).toBeCloseTo(0);
  });

  test('leaves out frames in which either has no face', () => {
    const truth = [face(0), undefined, face(0.2), face(0.4)];
    const track = [face(0), face(1), face(0.1), undefined];
    expect(followedOpening(track, truth, lips.inner)).toBeCloseTo(0.5);
  });
});
