import type { IndexPair } from './landmark-set.ts';

const numbered = (part: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${part}-${index + 1}`);

/** Neighbours in a row of points, from index `first` to `last`; `closed` joins the ends. */
const line = (first: number, last: number, closed = false): IndexPair[] => {
  const pairs: IndexPair[] = [];
  for (let index = first; index < last; index++) pairs.push([index, index + 1]);
  if (closed) pairs.push([last, first]);
  return pairs;
};

/** Points of two rows that change places, the second row running backwards. */
const crossed = (first: number, last: number, count: number): IndexPair[] =>
  Array.from({ length: count }, (_, index): IndexPair => [first + index, last - index]);

/**
 * The 68 face points of the iBUG (300-W) annotation, 0-based: jaw 0–16, brows 17–26, nose 27–35, eyes 36–47, outer
 * lips 48–59, inner lips 60–67. "Right" is the person's right, which is the left of the picture.
 */
export const ibug68: {
  names: readonly string[];
  connections: readonly IndexPair[];
  mirrorPairs: readonly IndexPair[];
  /** The outer eye corners: errors on faces are told in their distance (IOD). */ unit: IndexPair;
} = {
  names: [
    ...numbered('jaw', 17),
    ...numbered('right-brow', 5),
    ...numbered('left-brow', 5),
    ...numbered('nose-bridge', 4),
    ...numbered('nose-base', 5),
    ...numbered('right-eye', 6),
    ...numbered('left-eye', 6),
    ...numbered('outer-lips', 12),
    ...numbered('inner-lips', 8),
  ],
  connections: [
    ...line(0, 16),
    ...line(17, 21),
    ...line(22, 26),
    ...line(27, 30),
    ...line(31, 35),
    ...line(36, 41, true),
    ...line(42, 47, true),
    ...line(48, 59, true),
    ...line(60, 67, true),
  ],
  mirrorPairs: [
    ...crossed(0, 16, 8),
    ...crossed(17, 26, 5),
    ...crossed(31, 35, 2),
    ...crossed(36, 45, 4),
    [40, 47],
    [41, 46],
    ...crossed(48, 54, 3),
    [55, 59],
    [56, 58],
    ...crossed(60, 64, 2),
    [65, 67],
  ],
  unit: [36, 45],
};
