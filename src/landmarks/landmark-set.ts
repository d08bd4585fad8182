import type { Point } from '../geometry/coordinates.ts';

/** Two landmarks by index. */
export type IndexPair = readonly [number, number];

/** Points of one picture that a landmark set was made from, kept so that it can be made again for a new model. */
export type Annotation = {
  /** File name of the picture. */ picture: string;
  /** One per landmark, normalised to the picture. */ points: readonly Point[];
};

/** Named points of a category and how a network recognises them: `landmarks.json`. */
export type LandmarkSet = {
  category: string;
  /** Channels C of the references. */ embeddingSize: number;
  /** N names. */ names: readonly string[];
  /** Lines to draw. */ connections: readonly IndexPair[];
  /** Landmarks that change places in a mirrored picture. */ mirrorPairs: readonly IndexPair[];
  /** N points, in sides of the upright ROI: (0, 0) is its top-left corner, (1, 1) its bottom-right one. */
  meanShape: readonly Point[];
  /** (N, C) unit vectors. */ references: Float32Array;
  annotations?: readonly Annotation[];
};
