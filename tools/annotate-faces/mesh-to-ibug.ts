import type { Point } from '../../src/geometry/coordinates.ts';

/** Points of FaceLandmarker's mesh, the ten of the irises included. */
export const meshPointCount = 478;

/**
 * Mesh vertex of each of the 68 iBUG points: the list that is in common use. The jaw line of the mesh is the rim of what
 * faces the camera and not the edge of the jaw bone, so points 0–16 fit worst.
 */
export const ibugOfMesh: readonly number[] = [
  ...[162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389], // jaw
  ...[71, 63, 105, 66, 107], // brow of the person's right
  ...[336, 296, 334, 293, 301], // brow of the person's left
  ...[168, 197, 5, 4], // bridge of the nose
  ...[75, 97, 2, 326, 305], // base of the nose
  ...[33, 160, 158, 133, 153, 144], // right eye
  ...[362, 385, 387, 263, 373, 380], // left eye
  ...[61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181], // outer lips
  ...[78, 82, 13, 312, 308, 317, 14, 87], // inner lips
];

/** @param mesh (478) any unit @returns (68) iBUG order, same unit */
export const ibugFromMesh = (mesh: readonly Point[]): Point[] =>
  ibugOfMesh.map((index) => ({ x: mesh[index].x, y: mesh[index].y }));
