import { InputError } from '../../src/errors.ts';
import type { Size } from '../../src/geometry/coordinates.ts';
import { interOcularDistance } from '../../src/landmarks/point-sets.ts';
import { ibugFromMesh, meshPointCount } from './mesh-to-ibug.ts';
import type { MeshView, ViewPose } from './page-api.ts';

/** (478) x, y, depth, all in picture pixels; the depth of the head's middle is about 0, nearer is smaller. */
export type Mesh = { x: number; y: number; z: number }[];

/**
 * The ways one picture is shown: upright, enlarged and a little turned. Their mean is steadier than one look, and how far
 * they disagree tells the pictures that FaceLandmarker is unsure about.
 */
const shown: readonly Pick<ViewPose, 'scale' | 'rotation'>[] = [
  { scale: 1, rotation: 0 },
  { scale: 1.15, rotation: 0.12 },
  { scale: 1.3, rotation: -0.12 },
  { scale: 1.3, rotation: 0 },
  { scale: 1.5, rotation: 0.05 },
];

/** Canvas side over the picture's longer side: room for turned corners, and a margin that the face detector likes. */
const canvasMargin = 1.3;

/** @param count of views, 1 to 5 */
export const posesFor = ({ width, height }: Size, count: number): ViewPose[] =>
  shown
    .slice(0, count)
    .map((pose) => ({ ...pose, side: Math.round(canvasMargin * pose.scale * Math.max(width, height)) }));

export const mostViews = shown.length;

/** More of them move the mean by less than 0.2 % of the inter-ocular distance. */
export const usualViews = 3;

/** Canvas pixels of one view to picture pixels. */
const toPicture = (view: MeshView, { side, scale, rotation }: ViewPose, { width, height }: Size): Mesh => {
  const cos = Math.cos(rotation) / scale;
  const sin = Math.sin(rotation) / scale;
  return view.map(([canvasX, canvasY, depth]) => {
    const x = canvasX - side / 2;
    const y = canvasY - side / 2;
    return { x: width / 2 + cos * x + sin * y, y: height / 2 - sin * x + cos * y, z: depth / scale };
  });
};

/** What the views of one picture say together. */
export type Merged = {
  mesh: Mesh;
  /** RMS distance of the 68 points of the views from their mean, share of the inter-ocular distance. */
  spread: number;
};

/**
 * Mean of the views in picture pixels.
 * @param views one per pose; null where no face was found
 * @throws InputError where fewer than half of the views show a face, or two views show different ones
 */
export const mergeViews = (
  views: readonly (MeshView | null)[],
  poses: readonly ViewPose[],
  size: Size,
): Merged => {
  const meshes = views.flatMap((view, index) => (view === null ? [] : [toPicture(view, poses[index], size)]));
  if (meshes.length === 0 || meshes.length < views.length / 2) {
    throw new InputError(`a face is found in ${meshes.length} of ${views.length} views only`);
  }
  const mean = (part: 'x' | 'y' | 'z', index: number): number =>
    meshes.reduce((sum, mesh) => sum + mesh[index][part], 0) / meshes.length;
  const mesh = Array.from({ length: meshPointCount }, (_, index) => ({
    x: mean('x', index),
    y: mean('y', index),
    z: mean('z', index),
  }));
  const center = ibugFromMesh(mesh);
  let squared = 0;
  for (const view of meshes) {
    ibugFromMesh(view).forEach(({ x, y }, index) => {
      squared += (x - center[index].x) ** 2 + (y - center[index].y) ** 2;
    });
  }
  const spread = Math.sqrt(squared / (meshes.length * center.length)) / interOcularDistance(center);
  if (spread > 0.1) throw new InputError(`the views disagree by ${(100 * spread).toFixed(0)} % IOD`);
  return { mesh, spread };
};
