export { DveError, InputError, ModelError } from '../errors.ts';
export type { Gist } from '../landmarks/gist.ts';
export { arkitName, expressionNames, type ExpressionName, type Expressions } from './expression-names.ts';
export type { FaceMesh, MeshOpenings, Occluder } from './face-mesh.ts';
export { loadPuppet, type LoadPuppetOptions } from './load-puppet.ts';
export {
  toFaceLandmarker,
  toKalidoKit,
  toLive2d,
  toVrm,
  type FaceLandmarkerShape,
  type KalidoFace,
  type KalidoVector,
  type Live2dParameters,
  type VrmExpressions,
  type VrmPreset,
} from './mappings.ts';
export type { MediapipePlaces } from './face-model.ts';
export { createPortrait, type Portrait, type PortraitOptions } from './portrait.ts';
export type { PortraitLayer } from './portrait-layers.ts';
export { createPosedFace, type PosedFace } from './posed-face.ts';
export type { HeadPose, SpacePoint } from './head-pose.ts';
export {
  createPuppet,
  Puppet,
  type PicturePoint,
  type PuppetFace,
  type PuppetFiles,
  type PuppetInput,
  type PuppetLandmark,
  type PuppetObject,
  type PuppetOptions,
  type PuppetResult,
} from './puppet.ts';
export type { HeadAngles, Quaternion } from './solid-rotation.ts';
