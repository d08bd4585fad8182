import type { CanonicalFrame } from '../../src/puppet/canonical-points.ts';
import { multiplyInto, rotationOfVector, vectorOfRotation } from '../../src/puppet/solid-rotation.ts';

/** The head's turn as the frame has it: seen along its ray, upright. @returns rotation vector */
export const turnInFrame = ({ turn, similarity: { a, b } }: CanonicalFrame, rotation: ArrayLike<number>) => {
  const upright = rotationOfVector(0, 0, Math.atan2(b, a));
  const seen = multiplyInto(turn, rotation, new Float64Array(9));
  return vectorOfRotation(multiplyInto(upright, seen, new Float64Array(9)));
};
