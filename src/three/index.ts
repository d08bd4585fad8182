export {
  createFaceObject,
  createHeadObject,
  type FaceObject,
  type FaceObjectOptions,
  type HeadObject,
} from './face-object.ts';
export { fitCamera, type VideoFit } from './fit-camera.ts';
export { driveVrm, type DrivenVrm, type VrmLike } from './drive-vrm.ts';
