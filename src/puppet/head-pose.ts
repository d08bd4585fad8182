import type { Placement } from './pose-fit.ts';
import {
  anglesOfRotation,
  quaternionOfRotation,
  type HeadAngles,
  type Quaternion,
} from './solid-rotation.ts';

/** A place before the camera, which is at the origin. */
export type SpacePoint = {
  /** To the right of the picture, cm. */ x: number;
  /** Up, cm. */ y: number;
  /** Towards the camera, cm: negative in front of it. */ z: number;
};

/**
 * Where a head is and how it is turned. Camera coordinates as three.js has them: x to the right of the picture, y up, z
 * towards the camera, which is at the origin and looks along −z at the picture's middle. Head coordinates: origin in the
 * head, between the ears; x to the subject's left, y up, z out of the face; cm.
 */
export type HeadPose = {
  /** (16) head to camera coordinates, 4 × 4, column-major, cm. */ matrix: Float32Array;
  /** Of the head's origin, camera coordinates, cm. */ position: SpacePoint;
  /** The turn, from head to camera coordinates. */ quaternion: Quaternion;
  /** The same as yaw, pitch and roll, degrees. */ angles: HeadAngles;
  /** How far the points fit a head, and how sure they are, 0–1. */ confidence: number;
};

/** @param placement of the head */
export const describePose = ({ rotation: r, translation: t }: Placement, confidence: number): HeadPose => ({
  matrix: Float32Array.of(r[0], r[3], r[6], 0, r[1], r[4], r[7], 0, r[2], r[5], r[8], 0, t[0], t[1], t[2], 1),
  position: { x: t[0], y: t[1], z: t[2] },
  quaternion: quaternionOfRotation(r),
  angles: anglesOfRotation(r),
  confidence,
});
