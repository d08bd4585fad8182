import { imageToCrop } from '../geometry/roi.ts';
import { sampleEmbedding, toEmbeddingMap } from '../landmarks/matching.ts';
import { ReferenceAdapter, type SeenLandmark } from '../landmarks/reference-adapter.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import type { ModelGeometry } from '../model/model.ts';
import { certaintiesOf, type EmbeddedLook } from './look.ts';
import type { Landmark } from './result.ts';

/** What the looks of one object teach of its landmarks. */
export type LookLearner = {
  /** The set to look with. */ readonly landmarkSet: LandmarkSet;
  /** Forgets what was learnt. */ reset(): void;
  /** @param told the landmarks as they were told of this look */
  learn(look: EmbeddedLook, told: readonly Landmark[], geometry: ModelGeometry): void;
};

/** A rigid shape's match that lies further off it than this, shares of its extent, teaches nothing. */
const greatestResidual = 0.05;

/** Lets the references of a set follow one object; see {@link ReferenceAdapter}. */
export const createLookLearner = (given: LandmarkSet): LookLearner => {
  const adapter = new ReferenceAdapter(given);
  return {
    get landmarkSet() {
      return adapter.landmarkSet;
    },
    reset: () => {
      adapter.reset();
    },
    learn: (look, told, geometry) => {
      const { fit, roi, points, embedding } = look;
      if (embedding.length === 0 || fit === undefined) return;
      const map = toEmbeddingMap(geometry, embedding);
      const certainties = certaintiesOf(look, given);
      // A cell of the map: match and motion that are further apart do not mean one place.
      const cell = (roi.size / geometry.inputSize) * geometry.stride;
      const isFitting = (n: number): boolean =>
        given.parts !== undefined || fit.residuals[n] <= greatestResidual;
      adapter.learn(
        told.map((landmark, n): SeenLandmark => {
          const isOnePlace = Math.hypot(landmark.x - points[n].x, landmark.y - points[n].y) <= cell;
          return {
            certainty: certainties[n],
            embedding:
              landmark.visible && isOnePlace && isFitting(n)
                ? sampleEmbedding(map, imageToCrop(landmark, roi, geometry.inputSize))
                : undefined,
          };
        }),
      );
    },
  };
};
