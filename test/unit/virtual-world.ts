import type { Point, Size } from '../../src/geometry/coordinates.ts';
import { imageToCrop, type Roi } from '../../src/geometry/roi.ts';
import { applySimilarity, createSimilarity } from '../../src/geometry/similarity.ts';
import type { LandmarkSet } from '../../src/landmarks/landmark-set.ts';
import type { Model } from '../../src/model/model.ts';
import type { Cropper } from '../../src/pipeline/cropper.ts';
import { roiChange } from '../../src/pipeline/roi-of-shape.ts';

/** A frame without pixels: it knows where its object is. */
export type VirtualFrame = Size & {
  /** The object's own ROI; undefined where there is none. */ object?: Roi;
  /** Own movements of landmarks, image pixels. */ moves?: ReadonlyMap<number, Point>;
};

/** A "crop" that remembers what it was cut from. */
export type VirtualInput = { frame: VirtualFrame; rois: Roi[] };

export const inputSize = 96;

/** Repeatable noise in [0, 1). */
export const createNoise = (seed = 1): (() => number) => {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
};

const shape: Point[] = Array.from({ length: 20 }, (_, index) => ({
  x: 0.5 + 0.3 * Math.cos(index * 2.4) * Math.sqrt((index + 1) / 20),
  y: 0.5 + 0.3 * Math.sin(index * 2.4) * Math.sqrt((index + 1) / 20),
}));

export const landmarkSet: LandmarkSet = {
  category: 'virtual',
  embeddingSize: 1,
  names: shape.map((_, index) => `point-${index}`),
  connections: [[0, 1]],
  mirrorPairs: [],
  meanShape: shape,
  references: new Float32Array(20).fill(1),
  evidence: { object: 2.5, background: -2 },
};

/** Where the object's landmarks truly are, image pixels. */
export const trueLandmarks = ({ object, moves }: VirtualFrame): Point[] => {
  if (object === undefined) return [];
  const corner = applySimilarity(createSimilarity(object.size, object.rotation, { x: 0, y: 0 }), {
    x: 0.5,
    y: 0.5,
  });
  const transform = createSimilarity(object.size, object.rotation, {
    x: object.center.x - corner.x,
    y: object.center.y - corner.y,
  });
  return shape.map((point, index) => {
    const { x, y } = applySimilarity(transform, point);
    const move = moves?.get(index) ?? { x: 0, y: 0 };
    return { x: x + move.x, y: y + move.y };
  });
};

export type VirtualWorld = {
  cropper: Cropper<VirtualFrame, VirtualInput>;
  model: Model<VirtualInput>;
  /** Crops matched so far. */ runs: () => number;
  /** Most crops in one call so far. */ largestBatch: () => number;
};

/**
 * A network that sees the object within a capture range like that of a trained one (offset up to 0.4 ROI sides, scale 0.5–1.6,
 * turned up to 45°) and matches at random beyond it.
 * @param noise of the matches, crop pixels
 */
export const createWorld = (noise = 0, seed = 1): VirtualWorld => {
  const random = createNoise(seed);
  let runs = 0;
  let largest = 0;
  const quality = (object: Roi | undefined, roi: Roi): number => {
    if (object === undefined) return 0;
    const change = roiChange(object, roi);
    const ratio = roi.size / object.size;
    if (ratio < 0.5 || ratio > 1.6 || change.rotation > Math.PI / 4) return 0;
    const offset = Math.hypot(object.center.x - roi.center.x, object.center.y - roi.center.y) / object.size;
    if (offset > 0.4) return 0;
    // Through squares that are off a little, everything is seen.
    const beyond = (value: number, free: number): number => Math.max(0, value - free);
    return (
      1 -
      0.9 * beyond(offset, 0.2) -
      0.3 * beyond(Math.abs(Math.log(ratio)), 0.3) -
      0.2 * beyond(change.rotation, 0.4)
    );
  };
  const match: Model<VirtualInput>['match'] = ({ frame, rois }) => {
    runs += rois.length;
    largest = Math.max(largest, rois.length);
    const truth = trueLandmarks(frame);
    const matches = rois.flatMap((roi) => {
      const seen = quality(frame.object, roi);
      return shape.flatMap((_, index) => {
        const isWrong = random() > seen;
        if (isWrong) return [random() * inputSize, random() * inputSize, 0.3 * random()];
        const at = imageToCrop(truth[index], roi, inputSize);
        return [at.x + noise * (random() - 0.5), at.y + noise * (random() - 0.5), 0.5 + 0.45 * seen];
      });
    });
    return Promise.resolve(Float32Array.from(matches));
  };
  return {
    cropper: {
      frameSize: ({ width, height }) => ({ width, height }),
      crop: (frame, rois) => ({ frame, rois: [...rois] }),
    },
    model: {
      manifest: {
        ...{ category: 'virtual', inputSize, stride: 2, embeddingSize: 1, temperature: 0.1, cropMargin: 1.6 },
      },
      device: 'cpu',
      precision: 'fp32',
      embed: () => Promise.reject(new Error('not needed')),
      close: () => Promise.resolve(),
      match,
      // What the embedding holds is of no matter here.
      matchAndEmbed: async (input, references) => ({
        matches: await match(input, references),
        embedding: new Float32Array(input.rois.length * (inputSize / 2) ** 2).fill(1),
      }),
    },
    runs: () => runs,
    largestBatch: () => largest,
  };
};
