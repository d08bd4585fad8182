import type { Point } from '../geometry/coordinates.ts';
import type { Parts } from './parts-fit.ts';

/**
 * Places of a category by which the object is found and followed, where the landmarks themselves are too few or too
 * close together for it: mostly the model's own landmarks. They are matched beside the landmarks and never told.
 */
export type Anchors = {
  /** M points, in sides of the upright ROI, in which the landmarks' own mean shape is told as well. */
  meanShape: readonly Point[];
  /** (M, C) unit vectors. */ references: Float32Array;
};

/** What of a landmark set is matched. */
type Sought = { references: Float32Array; anchors?: Anchors; parts?: Parts };

/**
 * What a look matches: the landmarks, then the anchors; of what bends the landmarks of each of its K pictures.
 * @returns (N + M, C) or (K · N, C) unit vectors
 */
export const soughtReferences = ({ references, anchors, parts }: Sought): Float32Array => {
  if (parts !== undefined) return parts.references;
  if (anchors === undefined) return references;
  const both = new Float32Array(references.length + anchors.references.length);
  both.set(references);
  both.set(anchors.references, references.length);
  return both;
};
