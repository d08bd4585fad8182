/** The same face in the words of other software. Numbers and names only: no code or model of theirs. */
import type { Size } from '../geometry/coordinates.ts';
import { expressionNames, type ExpressionName, type Expressions } from './expression-names.ts';
import type { FaceMesh } from './face-mesh.ts';
import type { HeadPose } from './head-pose.ts';
import type { PuppetFace } from './puppet.ts';

const clamp = (value: number, low = 0, high = 1): number => Math.min(high, Math.max(low, value));
const both = (expressions: Expressions, name: string): number => {
  const [left, right] = [`${name}Left`, `${name}Right`] as ExpressionName[];
  return (expressions[left] + expressions[right]) / 2;
};

/** How much the mouth has the form of a vowel, 0–1 each. */
const vowelsOf = (expressions: Expressions) => {
  const { jawOpen, mouthFunnel, mouthPucker } = expressions;
  const wide = Math.max(both(expressions, 'mouthStretch'), both(expressions, 'mouthSmile'));
  const round = clamp(Math.max(mouthFunnel, mouthPucker));
  return {
    a: clamp(jawOpen * 1.2 * (1 - round)),
    e: clamp(wide * Math.min(1, 2 * jawOpen) * (1 - jawOpen)),
    i: clamp(wide * (1 - Math.min(1, 2 * jawOpen)) * 0.8),
    o: clamp(Math.max(mouthFunnel, round * Math.min(1, 2 * jawOpen))),
    u: clamp(mouthPucker * (1 - Math.min(1, 1.5 * jawOpen))),
  };
};

/** Names of VRM 1.0's expression presets that a face can tell. */
export type VrmPreset =
  | ('aa' | 'ih' | 'ou' | 'ee' | 'oh' | 'blink' | 'blinkLeft' | 'blinkRight' | 'lookUp' | 'lookDown')
  | ('lookLeft' | 'lookRight' | 'happy' | 'angry' | 'sad' | 'relaxed' | 'surprised');

/** Weights of a VRM 1.0 avatar's expressions, 0–1. */
export type VrmExpressions = {
  /** By preset. `blink` is 0: both sides are told apart. */ presets: Record<VrmPreset, number>;
  /** ARKit's 52 names, for avatars that have them as custom expressions ("perfect sync"). */ custom: Expressions;
};

/** @param expressions of a face @returns the same as VRM 1.0 has them */
export const toVrm = (expressions: Expressions): VrmExpressions => {
  const { a, e, i, o, u } = vowelsOf(expressions);
  const { eyeLookOutLeft, eyeLookInLeft, eyeLookOutRight, eyeLookInRight } = expressions;
  return {
    presets: {
      ...{ aa: a, ih: i, ou: u, ee: e, oh: o, blink: 0 },
      ...{ blinkLeft: expressions.eyeBlinkLeft, blinkRight: expressions.eyeBlinkRight },
      ...{ lookUp: both(expressions, 'eyeLookUp'), lookDown: both(expressions, 'eyeLookDown') },
      lookLeft: (eyeLookOutLeft + eyeLookInRight) / 2,
      lookRight: (eyeLookInLeft + eyeLookOutRight) / 2,
      happy: clamp(both(expressions, 'mouthSmile') - 0.3 * both(expressions, 'mouthFrown')),
      angry: clamp(both(expressions, 'browDown')),
      sad: clamp(both(expressions, 'mouthFrown')),
      relaxed: 0,
      surprised: clamp(expressions.browInnerUp * 0.6 + both(expressions, 'eyeWide') * 0.6),
    },
    custom: expressions,
  };
};

/** Three numbers of KalidoKit's; the unit is told where they are used. */
export type KalidoVector = {
  /** About, or along, the picture's width. */ x: number;
  /** About, or along, its height. */ y: number;
  /** About, or along, the line of sight. */ z: number;
};

/** A face as KalidoKit's `Face.solve` tells it. */
export type KalidoFace = {
  /** The head's turn and place. */ head: {
    /** Pitch, radians; positive looks up. */ x: number;
    /** Yaw, radians; positive turns to the right of the picture. */ y: number;
    /** Roll, radians; positive tilts counter-clockwise on screen. */ z: number;
    /** The same in degrees. */ degrees: KalidoVector;
    /** The same, half turns. */ normalized: KalidoVector;
    /** Middle of the face, pixels; z is 0. */ position: KalidoVector;
    /** Of the face, pixels. */ width: number;
    /** Of the face, pixels. */ height: number;
  };
  /** How open each eye is, 0–1. */ eye: {
    /** The subject's left. */ l: number;
    /** The subject's right. */ r: number;
  };
  /** Raised brows, 0–1. */ brow: number;
  /** Gaze, −1 to 1: 0 unless the gaze is told. */ pupil: {
    /** To the right of the picture. */ x: number;
    /** Up. */ y: number;
  };
  /** The mouth's form. */ mouth: {
    /** Width against rest, 0–1. */ x: number;
    /** How open, 0–1. */ y: number;
    /** Vowels, 0–1. */ shape: {
      /** As in “father”. */ A: number;
      /** As in “bed”. */ E: number;
      /** As in “see”. */ I: number;
      /** As in “go”. */ O: number;
      /** As in “you”. */ U: number;
    };
  };
};

const boundsOf = (points: Float32Array) => {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    left = Math.min(left, points[i]);
    right = Math.max(right, points[i]);
    top = Math.min(top, points[i + 1]);
    bottom = Math.max(bottom, points[i + 1]);
  }
  return { left, right, top, bottom };
};

/** @param face of `Puppet.update` @returns the same as KalidoKit's `Face.solve` has it */
export const toKalidoKit = ({
  pose,
  expressions,
  mesh,
}: Pick<PuppetFace, 'pose' | 'expressions' | 'mesh'>): KalidoFace => {
  const { yaw, pitch, roll } = pose.angles;
  const degrees = { x: -pitch, y: yaw, z: -roll };
  const per = (unit: number) => ({ x: degrees.x / unit, y: degrees.y / unit, z: degrees.z / unit });
  const { left, right, top, bottom } = boundsOf(mesh.points);
  const { a, e, i, o, u } = vowelsOf(expressions);
  const { presets } = toVrm(expressions);
  return {
    head: {
      ...{ ...per(180 / Math.PI), degrees, normalized: per(180) },
      position: { x: (left + right) / 2, y: (top + bottom) / 2, z: 0 },
      ...{ width: right - left, height: bottom - top },
    },
    eye: { l: 1 - expressions.eyeBlinkLeft, r: 1 - expressions.eyeBlinkRight },
    brow: clamp(Math.max(expressions.browInnerUp, both(expressions, 'browOuterUp'))),
    pupil: { x: presets.lookRight - presets.lookLeft, y: presets.lookDown - presets.lookUp },
    mouth: {
      x: clamp(0.5 + 0.5 * both(expressions, 'mouthSmile') - 0.5 * expressions.mouthPucker),
      y: clamp(expressions.jawOpen),
      shape: { A: a, E: e, I: i, O: o, U: u },
    },
  };
};

/** Values of Live2D's standard parameters. */
export type Live2dParameters = Record<
  | ('ParamAngleX' | 'ParamAngleY' | 'ParamAngleZ' | 'ParamBodyAngleX' | 'ParamBodyAngleZ')
  | ('ParamEyeLOpen' | 'ParamEyeROpen' | 'ParamEyeLSmile' | 'ParamEyeRSmile')
  | ('ParamEyeBallX' | 'ParamEyeBallY' | 'ParamBrowLY' | 'ParamBrowRY' | 'ParamBrowLForm' | 'ParamBrowRForm')
  | ('ParamMouthForm' | 'ParamMouthOpenY' | 'ParamCheek'),
  number
>;

/**
 * Live2D's standard parameters: angles in degrees, −30 to 30, the rest 0–1 or −1 to 1. `L` is the character's left.
 * @param face of `Puppet.update`
 */
export const toLive2d = ({
  pose,
  expressions,
}: Pick<PuppetFace, 'pose' | 'expressions'>): Live2dParameters => {
  const { yaw, pitch, roll } = pose.angles;
  const angle = (value: number): number => clamp(value, -30, 30);
  const { presets } = toVrm(expressions);
  const { browInnerUp, browOuterUpLeft, browOuterUpRight, browDownLeft, browDownRight } = expressions;
  const brow = (outer: number, down: number): number => clamp((browInnerUp + outer) / 2 - down, -1);
  return {
    ...{ ParamAngleX: angle(yaw), ParamAngleY: angle(-pitch), ParamAngleZ: angle(-roll) },
    ...{ ParamBodyAngleX: angle(yaw / 3), ParamBodyAngleZ: angle(-roll / 3) },
    ParamEyeLOpen: clamp(1 - expressions.eyeBlinkLeft),
    ParamEyeROpen: clamp(1 - expressions.eyeBlinkRight),
    ParamEyeLSmile: clamp(expressions.eyeSquintLeft),
    ParamEyeRSmile: clamp(expressions.eyeSquintRight),
    ...{
      ParamEyeBallX: presets.lookRight - presets.lookLeft,
      ParamEyeBallY: presets.lookUp - presets.lookDown,
    },
    ...{
      ParamBrowLY: brow(browOuterUpLeft, browDownLeft),
      ParamBrowRY: brow(browOuterUpRight, browDownRight),
    },
    ...{ ParamBrowLForm: -browDownLeft, ParamBrowRForm: -browDownRight },
    ParamMouthForm: clamp(
      both(expressions, 'mouthSmile') - both(expressions, 'mouthFrown') - expressions.mouthPucker,
      -1,
    ),
    ParamMouthOpenY: clamp(expressions.jawOpen),
    ParamCheek: clamp(expressions.cheekPuff),
  };
};

/** What MediaPipe's FaceLandmarker returns, in its shape. */
export type FaceLandmarkerShape = {
  /** Of each face 468 points: x, y divided by the picture's sides, z by its width, smaller is nearer. */
  faceLandmarks: {
    /** Share of the picture's width. */ x: number;
    /** Share of its height. */ y: number;
    /** Depth over the picture's width, smaller is nearer. */ z: number;
    /** Always 0, as there. */ visibility: number;
  }[][];
  /** Of each face ARKit's expressions, `_neutral` first as there. */
  faceBlendshapes: {
    /** One an expression. */ categories: {
      /** Place in the list. */ index: number;
      /** 0–1. */ score: number;
      /** ARKit's name. */ categoryName: string;
      /** Always empty, as there. */ displayName: string;
    }[];
    /** −1, as there. */ headIndex: number;
    /** Always empty, as there. */ headName: string;
  }[];
  /** Of each face head to camera coordinates, 4 × 4, column-major, cm. */
  facialTransformationMatrixes: {
    /** 4. */ rows: number;
    /** 4. */ columns: number;
    /** (16) column by column. */ data: number[];
  }[];
};

/** MediaPipe knows no tongue, and puts one that is neutral first. */
const blendshapeNames = ['_neutral', ...expressionNames.filter((name) => name !== 'tongueOut')];

const categoriesOf = (expressions: Expressions) =>
  blendshapeNames.map((categoryName, index) => ({
    ...{ index, categoryName, displayName: '' },
    score: categoryName === '_neutral' ? 0 : expressions[categoryName as ExpressionName],
  }));

const landmarksOf = (mesh: FaceMesh, { matrix: m }: HeadPose, { width, height }: Size) => {
  const { points, positions, index, mediapipe } = mesh;
  const depthOf = (v: number): number =>
    m[2] * positions[3 * v] + m[6] * positions[3 * v + 1] + m[10] * positions[3 * v + 2];
  // Pixels a centimetre at the face: depth is told in the picture's unit.
  const scale = focalScale(mesh, m);
  return Array.from({ length: mediapipe.triangles.length }, (_, i) => {
    const t = 3 * mediapipe.triangles[i];
    let [x, y, depth] = [0, 0, 0];
    for (let corner = 0; corner < 3; corner++) {
      const [v, share] = [index[t + corner], mediapipe.shares[3 * i + corner]];
      x += share * points[2 * v];
      y += share * points[2 * v + 1];
      depth -= share * depthOf(v);
    }
    return { x: x / width, y: y / height, z: (depth * scale) / width, visibility: 0 };
  });
};

/** Pixels a centimetre, by the spread of the mesh in the picture and in space. */
const focalScale = ({ points, positions }: FaceMesh, m: Float32Array): number => {
  const [a, b] = [farLeft(positions), farRight(positions)];
  const pixels = Math.hypot(points[2 * a] - points[2 * b], points[2 * a + 1] - points[2 * b + 1]);
  const across = (row: number): number => {
    const of = (v: number): number =>
      m[row] * positions[3 * v] + m[4 + row] * positions[3 * v + 1] + m[8 + row] * positions[3 * v + 2];
    return of(a) - of(b);
  };
  return pixels / Math.max(1e-6, Math.hypot(across(0), across(1)));
};

const extreme = (positions: Float32Array, sign: number): number => {
  let best = 0;
  for (let v = 1; 3 * v < positions.length; v++) {
    if (sign * positions[3 * v] > sign * positions[3 * best]) best = v;
  }
  return best;
};
const farLeft = (positions: Float32Array): number => extreme(positions, 1);
const farRight = (positions: Float32Array): number => extreme(positions, -1);

/**
 * A face in the shape of what MediaPipe's FaceLandmarker returns, so that code written for that goes on with a change of one
 * line. Where its 468 points lie on this mesh was measured on drawn faces; of the irises it has nothing.
 * @param face of `Puppet.update`; undefined: no face
 * @param size of the picture, pixels
 */
export const toFaceLandmarker = (
  face: Pick<PuppetFace, 'pose' | 'expressions' | 'mesh'> | undefined,
  size: Size,
): FaceLandmarkerShape => {
  if (face === undefined) return { faceLandmarks: [], faceBlendshapes: [], facialTransformationMatrixes: [] };
  const { pose, expressions, mesh } = face;
  return {
    faceLandmarks: [landmarksOf(mesh, pose, size)],
    faceBlendshapes: [{ categories: categoriesOf(expressions), headIndex: -1, headName: '' }],
    facialTransformationMatrixes: [{ rows: 4, columns: 4, data: [...pose.matrix] }],
  };
};
