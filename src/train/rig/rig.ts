/**
 * A rig: a surface with landmarks that takes on the shapes of a category, known by how its vertices move. Any category
 * that has one can give views of its pictures from other sides and in other expressions.
 */
import { InputError } from '../../errors.ts';

/** How a part of the surface gets its colours. */
export type Material =
  /** From the photograph. */
  | { kind: 'photo' }
  /** Of one colour, shaded: what a photograph may not show. Photographed where it does. */
  | { kind: 'plain'; /** 0–255 */ rgb: readonly [number, number, number] }
  /** A ball that looks along its axis: white, with an iris. Photographed where it is seen. */
  | { kind: 'eye' };

/** A run of vertices. */
export type RigPart = {
  name: string;
  /** First vertex and the one after the last. */ from: number;
  to: number;
  /** Without one the part is not drawn. */ material?: Material;
  /** Whether it tells how deep things lie although it is not drawn. */ isOuter?: boolean;
};

/** Coefficients that move together, by name, and how often: `{ jawOpen: 1 }` at up to its full weight. */
export type Gesture = { weights: Readonly<Record<string, number>>; /** 0–1 */ probability: number };

export type Rig = {
  /** (V, 3) at rest; x to the right of an onlooker, y up, z towards the onlooker, any unit. */ neutral: Float32Array;
  /** (T, 3) vertices; which way round does not matter. */ triangles: Uint32Array;
  /** (V, 3) each: displacement at weight 1; weights are N(0, 1) over instances. */ identity: readonly Float32Array[];
  /** (V, 3) each: displacement at weight 1; weights are 0–1. */ expressions: readonly Float32Array[];
  /** Of the expressions. */ expressionNames: readonly string[];
  /** Of the expressions: how large a weight is to be expected, standard deviation; what points cannot tell is small. */
  expressionSds: readonly number[];
  parts: readonly RigPart[];
  /** Vertices. */ landmarks: readonly number[];
  /** How well points of pictures can be trusted to lie on the landmark's vertex, 0–1 each. */
  landmarkWeights: readonly number[];
  gestures: readonly Gesture[];
};

/** @throws InputError for a part that the rig does not have */
export const partOf = ({ parts }: Pick<Rig, 'parts'>, name: string): RigPart => {
  const found = parts.find((part) => part.name === name);
  if (found === undefined) {
    throw new InputError(
      `The rig has no part "${name}" but ${parts.map((part) => part.name).join(', ')}. Name its parts as its kind of rig does.`,
    );
  }
  return found;
};

/** Index of the part of each vertex, the first that has it; −1 where it is in none. */
export const partOfVertices = ({ parts, neutral }: Pick<Rig, 'parts' | 'neutral'>): Int16Array => {
  const index = new Int16Array(neutral.length / 3).fill(-1);
  parts.forEach(({ from, to }, part) => {
    for (let v = from; v < to; v++) if (index[v] < 0) index[v] = part;
  });
  return index;
};

/** Shape at some weights. @param expression by index @returns (V, 3) in the rig's own unit */
export const poseRig = (
  { neutral, identity, expressions }: Rig,
  identityWeights: ArrayLike<number>,
  expressionWeights: ArrayLike<number>,
): Float32Array => {
  const shape = neutral.slice();
  const add = (deltas: readonly Float32Array[], weights: ArrayLike<number>): void => {
    for (let k = 0; k < weights.length; k++) {
      const weight = weights[k];
      if (weight === 0) continue;
      const delta = deltas[k];
      for (let i = 0; i < shape.length; i++) shape[i] += weight * delta[i];
    }
  };
  add(identity, identityWeights);
  add(expressions, expressionWeights);
  return shape;
};
