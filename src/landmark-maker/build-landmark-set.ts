import type { Point } from '../geometry/coordinates.ts';
import { normalize } from '../geometry/coordinates.ts';
import { imageToCrop, type Roi } from '../geometry/roi.ts';
import { fitSimilarity } from '../geometry/similarity.ts';
import { spread } from '../geometry/statistics.ts';
import { mostVariants, type Annotation, type LandmarkSet } from '../landmarks/landmark-set.ts';
import { toEmbeddingMap } from '../landmarks/matching.ts';
import { fitParts, type Bone } from '../landmarks/parts-fit.ts';
import { cropToTensor } from '../pipeline/crop.ts';
import { roiOfShape } from '../pipeline/roi-of-shape.ts';
import { bonesOf } from './bones.ts';
import { calibrateSet, type Refining } from './calibrate-set.ts';
import type { Model } from '../model/model.ts';
import { measureEvidence } from './evidence-levels.ts';
import { fillHidden } from './fill-hidden.ts';
import { meanShapeOf } from './mean-shape.ts';
import { averageViews, findConsistent, pictureReferences, type ReferenceView } from './reference-builder.ts';
import { checkSetRequest, leastLandmarks, type SetPicture, type SetRequest } from './set-request.ts';

/** Of what a set is being made, and how much of it is done. */
export type SetProgress = (stage: 'pictures' | 'calibrated', done: number, total: number) => void;

export type BuildOptions = {
  session: Model;
  /** ROI side over the box of the points, where no picture has a ROI. Default: the model's. */ margin?: number;
  /** How far a point may be missed there and back, crop sides. Default 0.06. */ tolerance?: number;
  /** The set by which the object is found and followed; every picture then needs a ROI as its looks give it. */
  anchors?: LandmarkSet;
  /** False: neither calibration nor refiner, where points are no better than the network's own. */ statistics?: boolean;
  onProgress?: SetProgress;
};

/** A set, and the share of the points in its pictures that its references were made from. */
export type BuiltSet = {
  set: LandmarkSet;
  kept: number;
  /** What a refiner would do, in units of the set; undefined for too few pictures to tell. */ refining?: Omit<
    Refining,
    'refiner'
  >;
};

/** With more pictures than these their points are checked against fewer others. */
const manyPictures = 300;

/** A picture whose hidden points have a place, too. @see fillHidden */
type Complete = Omit<SetPicture, 'points'> & { points: readonly Point[]; seen: readonly boolean[] };

/** A picture, and the square through which the object is upright. */
type Located = Complete & { roi: Roi };

/**
 * How each picture is looked at: as the tracker would, and a little smaller, larger and turned, because that is how far
 * a tracker's square is off now and then.
 */
const poses: readonly { scale: number; rotation: number }[] = [
  { scale: 1, rotation: 0 },
  { scale: 0.85, rotation: 0.12 },
  { scale: 1.18, rotation: -0.12 },
];

/** The landmarks' mean shape in sides of the ROI, and each picture with its ROI. */
const locate = (
  pictures: readonly Complete[],
  margin: number,
): { meanShape: Point[]; located: Located[] } => {
  const given = pictures.flatMap((picture) =>
    picture.roi === undefined ? [] : [{ ...picture, roi: picture.roi }],
  );
  if (given.length === pictures.length) {
    const shapes = given.map(({ points, roi }) => points.map((point) => imageToCrop(point, roi, 1)));
    const mean = (n: number, axis: 'x' | 'y'): number =>
      shapes.reduce((sum, shape) => sum + shape[n][axis], 0) / shapes.length;
    return { meanShape: shapes[0].map((_, n) => ({ x: mean(n, 'x'), y: mean(n, 'y') })), located: given };
  }
  const meanShape = meanShapeOf(
    pictures.map(({ points }) => points),
    margin,
  );
  const located = pictures.map((picture) => ({
    ...picture,
    roi: roiOfShape(fitSimilarity(meanShape, picture.points)),
  }));
  return { meanShape, located };
};

/** How the parts hang together, of something that is said to bend. */
const bonesOfRequest = (
  { connections = [], bends }: SetRequest,
  pictures: readonly Complete[],
  margin: number,
): Bone[] | undefined => (bends === true ? bonesOf(pictures, connections, margin) : undefined);

/** A picture with the square that lies around what bends. */
const around = (picture: Complete, bones: readonly Bone[]): Complete => {
  const fit = fitParts(bones, picture.points, picture.seen.map(Number));
  return fit === undefined ? picture : { ...picture, roi: roiOfShape(fit.transform) };
};

/** @returns (poses) of (pictures) */
const embedViews = async (
  pictures: readonly Located[],
  { session, onProgress }: BuildOptions,
): Promise<ReferenceView[][]> => {
  const { inputSize } = session.manifest;
  const views: ReferenceView[][] = [];
  for (const { scale, rotation } of poses) {
    const ofPose: ReferenceView[] = [];
    for (const { image, points, seen, roi } of pictures) {
      const posed: Roi = { ...roi, size: roi.size * scale, rotation: roi.rotation + rotation };
      const embedding = await session.embed(cropToTensor(image, posed, inputSize));
      ofPose.push({
        map: toEmbeddingMap(session.manifest, embedding),
        points: points.map((point) => imageToCrop(point, posed, inputSize)),
        seen,
      });
      const done = views.length * pictures.length + ofPose.length;
      onProgress?.('pictures', done, poses.length * pictures.length);
    }
    views.push(ofPose);
  }
  return views;
};

const annotationsOf = (pictures: readonly SetPicture[]): Annotation[] =>
  pictures.flatMap(({ image, name, frame, points }) => {
    if (name === undefined) return [];
    const place = frame === undefined ? { picture: name } : { video: name, frame };
    return [{ ...place, points: points.map((point) => point && normalize(point, image)) }];
  });

/**
 * Makes a landmark set: of each landmark the mean of its embeddings over the pictures, those left out that do not find
 * their way to other pictures and back; where it lies on the object; what its matches look like on the object and
 * elsewhere; and, from five pictures on, how likely they are right, and how matches are refined where that wins.
 * @throws InputError for points, names or lines that cannot be used; ModelError where the network hardly recognises them
 */
export const buildLandmarkSet = async (request: SetRequest, options: BuildOptions): Promise<BuiltSet> => {
  checkSetRequest(request);
  const { session, tolerance = 0.06, onProgress } = options;
  const { names, connections = [], mirrorPairs = [], unit } = request;
  const { category, embeddingSize, inputSize, temperature, cropMargin, files } = session.manifest;
  const filled = fillHidden(request.pictures);
  const marked = request.pictures.map((picture, index): Complete => ({ ...picture, ...filled[index] }));
  const margin = options.margin ?? cropMargin;
  const bones = options.anchors === undefined ? bonesOfRequest(request, marked, margin) : undefined;
  const pictures = bones === undefined ? marked : marked.map((picture) => around(picture, bones));
  const { meanShape, located } = locate(pictures, margin);
  const views = await embedViews(located, options);
  // What is wrong in one pose of a picture is wrong in all: points are checked once.
  const kept = findConsistent(views[0], {
    matching: { temperature },
    tolerance: tolerance * inputSize,
    // Each look at a partner takes as long as the network; with many pictures the mean forgives a wrong one.
    ...(located.length > manyPictures ? { partners: 2 } : {}),
  });
  const references = averageViews(
    views.flat(),
    views.flatMap(() => kept),
  );
  const anchors = options.anchors && {
    meanShape: options.anchors.meanShape,
    references: options.anchors.references,
    ...options.anchors.anchors,
  };
  const parts = bones && {
    bones,
    references: pictureReferences(views, kept, spread([...located.keys()], mostVariants), references),
  };
  const evidence =
    options.anchors?.evidence ??
    (await measureEvidence(session, { meanShape, references, ...(parts && { parts }) }, located));
  const annotations = annotationsOf(request.pictures);
  const set: LandmarkSet = {
    ...{ category, embeddingSize, names, connections, mirrorPairs, meanShape, references, evidence },
    ...(anchors === undefined ? {} : { anchors }),
    ...(parts === undefined ? {} : { parts }),
    ...(files === undefined ? {} : { network: files.model.sha256 }),
    ...(unit === undefined ? {} : { unit }),
    ...(annotations.length < located.length ? {} : { annotations }),
  };
  // Of fewer landmarks no shape can be told from another.
  const statistics =
    names.length < leastLandmarks || options.statistics === false
      ? undefined
      : await calibrateSet(session, set, located, { views, kept }, (done, total) =>
          onProgress?.('calibrated', done, total),
        );
  const flags = kept.flat();
  const { refiner, ...refining } = statistics?.refining ?? {};
  return {
    set: {
      ...set,
      ...(statistics === undefined ? {} : { calibration: statistics.calibration }),
      ...(refiner === undefined ? {} : { refiner }),
    },
    ...('wins' in refining ? { refining } : {}),
    kept: flags.filter((isKept) => isKept).length / flags.length,
  };
};
