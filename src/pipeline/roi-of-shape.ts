import {
  applySimilarity,
  similarityRotation,
  similarityScale,
  type Similarity,
} from '../geometry/similarity.ts';
import type { Roi } from '../geometry/roi.ts';

/**
 * The upright ROI of an object.
 * @param transform mean shape (sides of the ROI, as in a landmark set) to image pixels
 */
export const roiOfShape = (transform: Similarity): Roi => ({
  center: applySimilarity(transform, { x: 0.5, y: 0.5 }),
  size: similarityScale(transform),
  rotation: similarityRotation(transform),
});

/** An angle brought into (−π, π], radians. */
export const wrapAngle = (angle: number): number =>
  angle - 2 * Math.PI * Math.ceil(angle / (2 * Math.PI) - 0.5);

/** How two ROIs of the same object differ. */
export type RoiChange = {
  /** Distance of the centres, in sides of the larger one. */ offset: number;
  /** Larger side over smaller side, ≥ 1. */ scale: number;
  /** Radians, ≥ 0. */ rotation: number;
};

export const roiChange = (a: Roi, b: Roi): RoiChange => ({
  offset: Math.hypot(a.center.x - b.center.x, a.center.y - b.center.y) / Math.max(a.size, b.size),
  scale: Math.max(a.size / b.size, b.size / a.size),
  rotation: Math.abs(wrapAngle(a.rotation - b.rotation)),
});

/** Whether looking again through the ROI that a look has implied would show the same. */
export const isSettled = (seenThrough: Roi, implied: Roi): boolean => {
  const change = roiChange(implied, seenThrough);
  return change.offset < 0.08 && change.scale < 1.12 && change.rotation < 0.15;
};

/**
 * Whether two ROIs show one object: nearer to each other than two objects side by side. Where one is much smaller, it
 * is a part of the other.
 */
export const isSamePlace = (a: Roi, b: Roi): boolean => roiChange(a, b).offset < 0.35;
