import { imageToCrop, type Roi } from '../geometry/roi.ts';
import { applySimilarity, invertSimilarity, similarityScale } from '../geometry/similarity.ts';
import type { Point } from '../geometry/coordinates.ts';
import { soughtReferences } from '../landmarks/anchors.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import { sampleEmbeddings, toEmbeddingMap } from '../landmarks/matching.ts';
import { refinePoints, usesEmbeddings } from '../landmarks/refiner.ts';
import { logOdds } from '../landmarks/log-odds.ts';
import { fitShape, shapeExtent, type ShapeFit } from '../landmarks/shape-fit.ts';
import type { Model, ModelGeometry } from '../model/model.ts';
import type { Cropper } from './cropper.ts';
import { lookFromParts, partAgreement } from './look-at-parts.ts';
import { readMatches, type Look } from './read-matches.ts';

export type { Look } from './read-matches.ts';

/** A look, and the (C, H, W) embedding of its crop; empty where nothing asked for it. */
export type EmbeddedLook = Look & { embedding: Float32Array };

export type LookOptions<Frame, Input> = {
  model: Model<Input>;
  cropper: Cropper<Frame, Input>;
  landmarkSet: LandmarkSet;
};

/**
 * Looks at several squares of one frame in one run of the network.
 * @param rois image pixels
 * @returns one look per ROI, in order
 */
export const lookAt = async <Frame, Input>(
  frame: Frame,
  rois: readonly Roi[],
  { model, cropper, landmarkSet }: LookOptions<Frame, Input>,
): Promise<Look[]> => {
  const { inputSize } = model.manifest;
  const input = await cropper.crop(frame, rois, inputSize);
  const matches = await model.match(input, soughtReferences(landmarkSet));
  const count = matches.length / rois.length;
  return rois.map((roi, index) =>
    lookFromMatches(matches.subarray(index * count, (index + 1) * count), roi, landmarkSet, inputSize),
  );
};

/** Where the time of looks goes: told of the crop, then of the network's run, milliseconds. */
export type LookClock = { now: () => number; spent: (what: 'crop' | 'match', time: number) => void };

/**
 * The same as {@link lookAt}, with the embeddings that refining looks at.
 * @param embeds whether embeddings are wanted in any case; reading them back takes time
 */
export const lookClosely = async <Frame, Input>(
  frame: Frame,
  rois: readonly Roi[],
  { model, cropper, landmarkSet }: LookOptions<Frame, Input>,
  { now, spent }: LookClock,
  embeds = false,
): Promise<EmbeddedLook[]> => {
  const { inputSize } = model.manifest;
  const { refiner } = landmarkSet;
  const start = now();
  const input = await cropper.crop(frame, rois, inputSize);
  const cropped = now();
  const references = soughtReferences(landmarkSet);
  const reads = embeds || (refiner !== undefined && usesEmbeddings(refiner.fromEmbeddings));
  const { matches, embedding } = reads
    ? await model.matchAndEmbed(input, references)
    : { matches: await model.match(input, references), embedding: new Float32Array(0) };
  spent('crop', cropped - start);
  spent('match', now() - cropped);
  const part = (values: Float32Array, index: number): Float32Array =>
    values.subarray((index * values.length) / rois.length, ((index + 1) * values.length) / rois.length);
  return rois.map((roi, index) => ({
    ...lookFromMatches(part(matches, index), roi, landmarkSet, inputSize),
    embedding: part(embedding, index),
  }));
};

/**
 * Where the landmarks of a look really are: its matches refined by the set's refiner, as they are where it has none.
 * @param embedding (C, H, W) of the crop that was looked at
 * @returns (N) image pixels
 */
export const refineLook = (
  { points, fit, roi }: Pick<Look, 'points' | 'fit' | 'roi'>,
  embedding: Float32Array,
  { refiner, meanShape }: Pick<LandmarkSet, 'refiner' | 'meanShape'>,
  geometry: Pick<ModelGeometry, 'inputSize' | 'stride' | 'embeddingSize'>,
): Point[] => {
  if (refiner === undefined || fit === undefined) return points;
  const { transform } = fit;
  const back = invertSimilarity(transform);
  const map = toEmbeddingMap(geometry, embedding);
  const refined = refinePoints(
    refiner,
    points.map((point) => applySimilarity(back, point)),
    meanShape,
    (some) =>
      sampleEmbeddings(
        map,
        some.map((point) => imageToCrop(applySimilarity(transform, point), roi, geometry.inputSize)),
      ),
  );
  return refined.map((point) => applySimilarity(transform, point));
};

/**
 * How sure each match is on the set's own scale, 0 (as on other things) to 1 (as on the object); of what bends a match that
 * hangs together with no other is not.
 */
export const certaintiesOf = (
  { confidences, fit }: Pick<Look, 'confidences' | 'fit'>,
  { evidence: { object, background }, parts }: Pick<LandmarkSet, 'evidence' | 'parts'>,
): Float32Array =>
  confidences.map((confidence, n) => {
    const certainty = Math.min(1, Math.max(0, (logOdds(confidence) - background) / (object - background)));
    if (parts === undefined) return certainty;
    return fit === undefined ? 0 : certainty * partAgreement(fit.residuals[n]);
  });

/** The fit of the anchors, with how far the landmarks lie off it. */
const residualsOf = (
  fit: ShapeFit,
  meanShape: readonly Point[],
  points: readonly Point[],
  extent: number,
): ShapeFit => {
  const scale = similarityScale(fit.transform) * extent;
  const residuals = Float64Array.from(meanShape, (from, n) => {
    const fitted = applySimilarity(fit.transform, from);
    return Math.hypot(fitted.x - points[n].x, fitted.y - points[n].y) / scale;
  });
  return { ...fit, residuals };
};

/** @param matches as `soughtReferences` asks for them, 3 each: x, y in crop pixels, confidence 0–1 */
export const lookFromMatches = (
  matches: Float32Array,
  roi: Roi,
  landmarkSet: Pick<LandmarkSet, 'meanShape' | 'evidence' | 'anchors' | 'parts'>,
  inputSize: number,
): Look => {
  const { meanShape, evidence: levels, anchors, parts } = landmarkSet;
  if (parts !== undefined) return lookFromParts(matches, roi, landmarkSet, parts, inputSize);
  const own = readMatches(matches, 0, meanShape.length, roi, inputSize);
  const frame = anchors ?? { meanShape };
  const seen =
    anchors === undefined
      ? own
      : readMatches(matches, meanShape.length, anchors.meanShape.length, roi, inputSize);
  const evidence = (seen.logOdds - levels.background) / (levels.object - levels.background);
  const fit = fitShape(frame.meanShape, seen.points, seen.confidences);
  return {
    ...{ roi, points: own.points, confidences: own.confidences, fitted: seen.points, evidence },
    fit:
      fit === undefined || anchors === undefined
        ? fit
        : residualsOf(fit, meanShape, own.points, shapeExtent(anchors.meanShape)),
    score: Math.max(0, evidence) * (fit?.agreement ?? 0),
  };
};
