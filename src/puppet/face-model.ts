/** The puppet's 3-D face: what `models/face/face.bin` holds, made once by `tools/puppet/derive-face.ts`. */
import { InputError } from '../errors.ts';
import { arrayOf, unpackArrays } from './packed-arrays.ts';

/** A surface of the face that moves. */
export type FaceSurface = {
  /** V. */ vertices: number;
  /** (V, 3) at rest, cm: x to the subject's left, y up, z to the front. */ neutral: Float32Array;
  /** (K, V, 3) displacement at weight 1, cm; weights are N(0, 1) over people. */ identity: Float32Array;
  /** (T, 3) vertices, counter-clockwise from the front. */ index: Uint16Array;
};

/** Where points of MediaPipe's numbering lie on the mesh. */
export type MediapipePlaces = {
  /** (P) triangle of each point. */ triangles: Uint16Array;
  /** (P, 3) shares of its corners. */ shares: Float32Array;
};

export type FaceModel = {
  /** What the visitor's face is covered by; holes at eyes and mouth. */
  mask: FaceSurface & {
    /** (V, 2) texture coordinates; (0, 0) is the texture's top-left corner. */ uv: Float32Array;
    /** (E, V, 3) displacement at weight 1, cm. */ expressions: Float32Array;
  };
  /** The whole head, coarse: what hides that which lies behind. */ occluder: FaceSurface;
  /** K. */ modes: number;
  /** E names of the rig's own. */ expressionNames: readonly string[];
  /** (68) vertex of each landmark in iBUG order. */ landmarks: Uint16Array;
  /** Where MediaPipe's 468 points lie; none where that was not measured. */ mediapipe: MediapipePlaces;
  /** Vertices around the openings, in order. */
  openings: { rightEye: Uint16Array; leftEye: Uint16Array; mouth: Uint16Array };
};

const strings = (value: unknown, where: string): string[] => {
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value;
  throw new InputError(
    `${where} does not name its expressions. Use the files of one version of the package.`,
  );
};

/**
 * @param file content of `face.bin`
 * @throws ModelError for a file that is no such one
 */
export const parseFaceModel = (file: ArrayBuffer | Uint8Array, where = 'face.bin'): FaceModel => {
  const packed = unpackArrays(file, where);
  const of = (name: string, ...shape: number[]): Float32Array => arrayOf(packed, name, shape, where);
  const whole = (name: string, ...shape: number[]): Uint16Array => Uint16Array.from(of(name, ...shape));
  const neutral = of('neutral', 1, NaN, 3);
  const vertices = neutral.length / 3;
  const expressionNames = strings(packed.about.expressions, where);
  const coarse = of('occluderNeutral', 1, NaN, 3);
  const identity = of('identity', NaN, vertices, 3);
  const modes = identity.length / neutral.length;
  return {
    mask: {
      ...{ vertices, neutral, identity },
      expressions: of('expressions', expressionNames.length, vertices, 3),
      index: whole('index', NaN, 3),
      uv: of('uv', 1, vertices, 2),
    },
    occluder: {
      vertices: coarse.length / 3,
      neutral: coarse,
      identity: of('occluderIdentity', modes, coarse.length / 3, 3),
      index: whole('occluderIndex', NaN, 3),
    },
    mediapipe: {
      triangles: whole('mediapipeTriangles', NaN),
      shares: of('mediapipeShares', NaN, 3),
    },
    ...{ modes, expressionNames },
    landmarks: whole('landmarks', 68),
    openings: {
      rightEye: whole('rightEye', NaN),
      leftEye: whole('leftEye', NaN),
      mouth: whole('mouth', NaN),
    },
  };
};
