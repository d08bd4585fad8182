import { describe, expect, test } from 'vitest';
import type { Point } from '../../src/geometry/coordinates.ts';
import { faceParts, followed, partMoments, type FacePart } from '../../src/evaluation/followed-parts.ts';

/** 68 points of a face 100 pixels between its eyes, of which one part is open, or turned, by `amount` of that. */
const face = (part: FacePart, amount: number, size = 100): Point[] => {
  const points = Array.from({ length: 68 }, () => ({ x: 0, y: 0 }));
  points[45] = { x: size, y: 0 };
  const open = (...indices: number[]): void => {
    for (const index of indices) points[index] = { x: 0, y: amount * size };
  };
  if (part === 'inner') open(66);
  if (part === 'outer') open(57);
  if (part === 'lids') open(40, 41, 46, 47);
  if (part === 'yaw') points[30] = { x: (0.5 + amount) * size, y: 30 };
  return points;
};

describe.each(faceParts)('how far a track follows %s', (part) => {
  test('is the share of the movement, whatever it is wrong by all the time', () => {
    const truth = [0, 0.1, 0.3, 0.2].map((amount) => face(part, amount));
    const track = [0, 0.1, 0.3, 0.2].map((amount) => face(part, 0.05 + 0.4 * amount));
    const half = followed([partMoments(track, truth, part)]);
    expect(half.slope).toBeCloseTo(0.4);
    expect(half.correlation).toBeCloseTo(1);
    const wrongWay = [0.3, 0.2, 0, 0.1].map((amount) => face(part, amount));
    expect(followed([partMoments(wrongWay, truth, part)]).correlation).toBeCloseTo(-1);
    const still = [0.1, 0.1, 0.1, 0.1].map((amount) => face(part, amount));
    expect(followed([partMoments(still, truth, part)]).slope).toBeCloseTo(0);
  });

  test('leaves out frames in which either has no face', () => {
    const truth = [face(part, 0), undefined, face(part, 0.2), face(part, 0.4)];
    const track = [face(part, 0), face(part, 1), face(part, 0.1), undefined];
    expect(followed([partMoments(track, truth, part)]).slope).toBeCloseTo(0.5);
  });

  test('of several clips does not count what lies between them', () => {
    const truth = [0, 0.2].map((amount) => face(part, amount));
    const track = [0.3, 0.4].map((amount) => face(part, amount));
    const other = [0.4, 0.6].map((amount) => face(part, amount));
    const both = [partMoments(track, truth, part), partMoments(other, truth, part)];
    expect(followed(both).slope).toBeCloseTo(0.75);
  });
});
